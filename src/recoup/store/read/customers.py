"""Everything of one customer at one merchant. A customer is the payer as the merchant names them: by its own id of
them, else by their e-mail, keyed and hashed."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import HIGHEST
from recoup.rules.merchants.personal import DOTS, person

EMAIL_ORDERS_MAX: Final = 2_000  # of one address: more are not looked through
_CUSTOMER: Final = """
SELECT p.*, (SELECT to_jsonb(o) FROM order_payer o WHERE o.merchant_id = p.merchant_id AND o.payer_id = p.payer_id
    AND (o.email <> '' OR o.first_name <> '' OR o.last_name <> '') ORDER BY o.order_id DESC LIMIT 1) AS newest
FROM payers p WHERE p.merchant_id = $1 AND p.payer_id = $2
"""
# Whom orders name by an e-mail address: the merchant may know one person by several ids of its own.
_BY_EMAIL: Final = """
SELECT p.payer_id, p.orders, o.order_id, o.external_id, o.placed_at
FROM (SELECT payer_id, count(*) AS orders, (array_agg(order_id ORDER BY order_id DESC))[1] AS order_id
  FROM (SELECT payer_id, order_id FROM order_payer
    WHERE merchant_id = $1 AND lower(email) = $2 AND payer_id IS NOT NULL LIMIT $3) AS found
  GROUP BY payer_id) AS p
JOIN orders o ON o.merchant_id = $1 AND o.order_id = p.order_id
ORDER BY p.order_id DESC LIMIT $4
"""
# By what came first of them: a transmission alone leaves no order.
_PAYERS: Final = "SELECT payer_id FROM payers WHERE merchant_id = $1 AND lower(email) = $2 AND email <> '' LIMIT $3"
_SUMS: Final = """
SELECT h.asset, count(*) AS orders, count(*) FILTER (WHERE h.status IN (6, 7, 8)) AS paid,
  coalesce(sum(h.units) FILTER (WHERE h.status IN (6, 7, 8)), 0)::bigint AS paid_units,
  coalesce(sum(h.refunded_units), 0)::bigint AS refunded_units,
  count(*) FILTER (WHERE h.status IN (0, 1, 3, 4, 5)) AS open
FROM order_payer p JOIN order_heads h ON h.merchant_id = p.merchant_id AND h.order_id = p.order_id
WHERE p.merchant_id = $1 AND p.payer_id = $2 GROUP BY h.asset ORDER BY orders DESC, h.asset
"""
_ORDERS: Final = """
SELECT h.*, o.external_id, o.amount_text, o.kind, s.name AS site
FROM order_payer p
JOIN order_heads h ON h.merchant_id = p.merchant_id AND h.order_id = p.order_id
JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
JOIN sites s ON s.merchant_id = h.merchant_id AND s.site_id = h.site_id
WHERE p.merchant_id = $1 AND p.payer_id = $2 AND p.order_id < $3
ORDER BY p.order_id DESC LIMIT $4
"""
_ATTEMPTS: Final = """
SELECT a.* FROM attempts a WHERE a.merchant_id = $1 AND a.order_id = ANY($2::uuid[]) AND a.sent_at IS NOT NULL
ORDER BY a.sent_at DESC, a.attempt_id DESC
"""
_REFUNDS: Final = """
SELECT r.* FROM refunds r WHERE r.merchant_id = $1 AND r.order_id = ANY($2::uuid[]) AND r.kind IN ('refund', 'reversal')
ORDER BY r.business_at DESC, r.refund_id DESC
"""
_TRANSMISSIONS: Final = """
SELECT transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset, code_source, code, bin, last4,
  transacted_at, received_at
FROM transmissions WHERE merchant_id = $1 AND payer_id = $2 AND transmit_id < $3 ORDER BY transmit_id DESC LIMIT $4
"""
_LOG: Final = """
SELECT * FROM person_log WHERE merchant_id = $1 AND payer_id = $2 ORDER BY line_id DESC LIMIT 50
"""
# What is known of the person beside each order, for a file of theirs.
_PERSONAL: Final = """
SELECT o.order_id, o.external_id, o.kind, o.asset, o.units, o.placed_at, o.descriptor, o.stage, o.metadata,
  to_jsonb(p) - 'merchant_id' - 'order_id' - 'payer_id' AS person,
  (SELECT jsonb_build_object('scheme', v.scheme, 'last4', v.last4, 'exp_month', v.exp_month, 'exp_year', v.exp_year)
    FROM vault v WHERE v.merchant_id = o.merchant_id AND v.token_id = o.token_id) AS card,
  (SELECT jsonb_agg(jsonb_build_object('number', a.attempt_no, 'sent_at', a.sent_at, 'state', a.state, 'units', a.units,
      'currency', a.asset, 'code', a.scheme_code) ORDER BY a.attempt_no) FROM attempts a
    WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id AND a.sent_at IS NOT NULL) AS attempts,
  (SELECT jsonb_agg(jsonb_build_object('number', r.refund_no, 'asked_at', r.business_at, 'state', r.state,
      'units', r.units, 'currency', r.asset, 'reason', r.message) ORDER BY r.refund_no) FROM refunds r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id AND r.kind IN ('refund', 'reversal')) AS refunds,
  (SELECT jsonb_agg(jsonb_build_object('at', n.business_at, 'text', n.text) ORDER BY n.note_id) FROM order_notes n
    WHERE n.merchant_id = o.merchant_id AND n.order_id = o.order_id) AS notes,
  (SELECT jsonb_agg(jsonb_build_object('at', n.business_at, 'text', n.text) ORDER BY n.note_id)
    FROM disputes d JOIN dispute_notes n USING (merchant_id, dispute_id)
    WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id) AS evidence,
  (SELECT jsonb_agg(jsonb_build_object('at', n.business_at, 'name', n.name, 'media_type', n.media_type)
      ORDER BY n.file_id) FROM disputes d JOIN dispute_files n USING (merchant_id, dispute_id)
    WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id) AS evidence_files
FROM order_payer p JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
WHERE p.merchant_id = $1 AND p.payer_id = $2 AND p.order_id > $3 ORDER BY p.order_id LIMIT $4
"""
_COUNT: Final = """
SELECT count(*) AS orders, count(*) FILTER (WHERE h.status IN (0, 1, 3, 4, 5)) AS open
FROM order_payer p JOIN order_heads h ON h.merchant_id = p.merchant_id AND h.order_id = p.order_id
WHERE p.merchant_id = $1 AND p.payer_id = ANY($2::uuid[])
"""
_LOOKS: Final = """
SELECT known.at, known.answer, known.attempts_before, known.order_id
FROM payer_looks l, unnest(l.at, l.answers, l.tries, l.orders)
  WITH ORDINALITY AS known (at, answer, attempts_before, order_id, n)
WHERE l.merchant_id = $1 AND l.payer_id = $2 ORDER BY known.n
"""


async def find_customer(
    connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID, *, clear: bool
) -> Any | None:
    """Their row, and as `newest` what came with their newest order that still has a name; None for nobody known.
    Masked unless `clear`."""
    row = await connection.fetchrow(_CUSTOMER, merchant_id, payer_id)
    return row if clear or row is None else person(dict(row))


async def customers_by_email(
    connection: asyncpg.Connection, merchant_id: UUID, email: str, limit: int
) -> Sequence[Any]:
    """The newest customers of whom an order came with this address, each with its newest order; case counts not."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _BY_EMAIL, merchant_id, email.lower(), EMAIL_ORDERS_MAX, limit
    )


async def payers_by_email(
    connection: asyncpg.Connection, merchant_id: UUID, email: str, limit: int
) -> set[UUID]:
    """Some of those who were first named with this address; case counts not."""
    return {row["payer_id"] for row in await connection.fetch(_PAYERS, merchant_id, email.lower(), limit)}


async def customer_sums(connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID) -> Sequence[Any]:
    """Over all their orders, by currency."""
    return await connection.fetch(_SUMS, merchant_id, payer_id)  # type: ignore[no-any-return]


async def customer_orders(
    connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID, before: UUID, limit: int
) -> Sequence[Any]:
    """Newest first, those with ids below `before`."""
    return await connection.fetch(_ORDERS, merchant_id, payer_id, before, limit)  # type: ignore[no-any-return]


async def attempts_of(connection: asyncpg.Connection, merchant_id: UUID, order_ids: list[UUID]) -> Sequence[Any]:
    """Those that were sent."""
    return await connection.fetch(_ATTEMPTS, merchant_id, order_ids)  # type: ignore[no-any-return]


async def refunds_of(
    connection: asyncpg.Connection, merchant_id: UUID, order_ids: list[UUID], *, clear: bool
) -> Sequence[Any]:
    """Their reasons are people's words: masked unless `clear`."""
    rows: Sequence[Any] = await connection.fetch(_REFUNDS, merchant_id, order_ids)
    return rows if clear else [dict(row) | {"message": DOTS if row["message"] else ""} for row in rows]


async def transmissions_of(
    connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID, limit: int, before: UUID = HIGHEST
) -> Sequence[Any]:
    """Newest first."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _TRANSMISSIONS, merchant_id, payer_id, before, limit
    )


async def person_log(connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID) -> Sequence[Any]:
    """Whoever exported or erased their data, newest first."""
    return await connection.fetch(_LOG, merchant_id, payer_id)  # type: ignore[no-any-return]


async def personal_orders(
    connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID, after: UUID, limit: int
) -> Sequence[Any]:
    """Oldest first, with everything that is kept of the person."""
    return await connection.fetch(_PERSONAL, merchant_id, payer_id, after, limit)  # type: ignore[no-any-return]


async def count_orders_of(
    connection: asyncpg.Connection, merchant_id: UUID, payer_ids: Iterable[UUID]
) -> tuple[int, int]:
    """All of theirs, and those that are open."""
    row = await connection.fetchrow(_COUNT, merchant_id, list(payer_ids))
    return row["orders"], row["open"]


async def looks_of(connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID) -> Sequence[Any]:
    """Their latest attempts as the rescue engine knows them, oldest first; at most 24."""
    return await connection.fetch(_LOOKS, merchant_id, payer_id)  # type: ignore[no-any-return]
