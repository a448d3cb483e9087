"""Disputes with what a desk shows of them, their notes, the contract, and the notices that nobody could place."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.rules.merchants import personal
from recoup.rules.money.disputes import Terms

DESK_MAX: Final = 100
COUNTED_MAX: Final = 1_000  # of each state
Row = Mapping[str, Any]

_DESK = """
SELECT d.*, o.external_id, o.placed_at, s.name AS site_name,
  coalesce(trim(p.first_name || ' ' || p.last_name), '') AS customer, v.scheme, v.last4
FROM disputes d
JOIN orders o USING (merchant_id, order_id)
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE d.merchant_id = $1
"""
_PRESSING = "ORDER BY d.respond_by NULLS LAST, d.dispute_id"
_NEWEST = "ORDER BY d.opened_at DESC, d.dispute_id DESC"
_OPEN = f"{_DESK} AND d.state = 'open' AND ($2::text IS NULL OR d.kind = $2) {_PRESSING} OFFSET $3 LIMIT $4"
_ALL = f"{_DESK} AND ($2::text IS NULL OR d.kind = $2) {_NEWEST} OFFSET $3 LIMIT $4"
# The newest of each state, merged: what was decided before them is not looked at.
_OF_STATES = f"""{_DESK} AND d.dispute_id = ANY(ARRAY(
  SELECT d.dispute_id FROM unnest($5::text[]) AS f (state) CROSS JOIN LATERAL (
    SELECT dispute_id, opened_at FROM disputes
    WHERE merchant_id = $1 AND state = f.state AND ($2::text IS NULL OR kind = $2)
    ORDER BY opened_at DESC, dispute_id DESC LIMIT $3::bigint + $4::bigint) d
  {_NEWEST} OFFSET $3::bigint LIMIT $4::bigint)) {_NEWEST}
"""
_COUNTS = """
SELECT f.state, (
  SELECT count(*) FROM (SELECT FROM disputes d WHERE d.merchant_id = $1 AND d.state = f.state LIMIT $3) n)
FROM unnest($2::text[]) AS f (state)
"""
_NOTES = """
SELECT n.*, (SELECT to_jsonb(p) FROM disputes d JOIN order_payer p USING (merchant_id, order_id)
  WHERE d.merchant_id = n.merchant_id AND d.dispute_id = n.dispute_id) AS payer
FROM dispute_notes n WHERE n.merchant_id = $1 AND n.dispute_id = $2 ORDER BY n.note_id
"""
_FILES = """
SELECT n.file_id, n.dispute_id, n.name, n.media_type, n.bytes, encode(n.sha256, 'hex') AS sha256, n.actor,
  n.business_at, n.sealed IS NULL AS erased,
  (SELECT to_jsonb(p) FROM disputes d JOIN order_payer p USING (merchant_id, order_id)
  WHERE d.merchant_id = n.merchant_id AND d.dispute_id = n.dispute_id) AS payer
FROM dispute_files n WHERE n.merchant_id = $1 AND n.dispute_id = $2 ORDER BY n.file_id
"""
_SEALED = """
SELECT file_id, name, media_type, sealed FROM dispute_files
WHERE merchant_id = $1 AND dispute_id = $2 AND sealed IS NOT NULL ORDER BY file_id
"""
_TERMS = "SELECT * FROM dispute_terms WHERE merchant_id = $1 ORDER BY valid_from DESC, asset, terms_id DESC LIMIT 200"
_NOTICE = "SELECT * FROM dispute_notices WHERE merchant_id = $1 AND route = $2 AND notice_id = $3"
_UNMATCHED = """
SELECT * FROM dispute_notices WHERE merchant_id = ANY($1::uuid[]) AND state = 'unmatched'
ORDER BY received_at DESC, notice_id LIMIT $2
"""
_EARLY = """
SELECT * FROM dispute_notices WHERE merchant_id = $1 AND state = 'unmatched' AND why = ANY($2)
ORDER BY received_at DESC, notice_id LIMIT 1000
"""
_ORDER_OF = "SELECT order_id FROM disputes WHERE merchant_id = $1 AND dispute_id = $2"
_CHARGE = "SELECT order_id FROM attempts WHERE merchant_id = $1 AND attempt_id = $2"
_APPROVED = """
SELECT attempt_id, route FROM attempts WHERE merchant_id = $1 AND order_id = $2 AND state = 'approved'
ORDER BY attempt_no DESC LIMIT 1
"""


async def desk(
    connection: asyncpg.Connection, merchant_id: UUID, *, states: Sequence[str] = (), kind: str | None = None,
    offset: int = 0, limit: int = DESK_MAX, clear: bool,
) -> list[Row]:  # fmt: skip
    """Open ones by deadline, the most pressing first; others newest first. Customers are masked unless `clear`."""
    if tuple(states) == ("open",):
        rows = await connection.fetch(_OPEN, merchant_id, kind, offset, limit)
    elif states:
        rows = await connection.fetch(_OF_STATES, merchant_id, kind, offset, limit, list(states))
    else:
        rows = await connection.fetch(_ALL, merchant_id, kind, offset, limit)
    return rows if clear else [_masked(row) for row in rows]


def _masked(row: Row) -> Row:
    return {**row, "customer": personal.name(row["customer"])}


async def counts(connection: asyncpg.Connection, merchant_id: UUID, states: Iterable[str]) -> dict[str, int]:
    """By state; one more than COUNTED_MAX stands for any more."""
    return dict(await connection.fetch(_COUNTS, merchant_id, list(states), COUNTED_MAX + 1))


async def read_dispute(
    connection: asyncpg.Connection, merchant_id: UUID, dispute_id: UUID, *, clear: bool
) -> Row | None:
    """Its customer is masked unless `clear`."""
    row: Row | None = await connection.fetchrow(f"{_DESK} AND d.dispute_id = $2", merchant_id, dispute_id)
    return row if clear or row is None else _masked(row)


async def read_notes(
    connection: asyncpg.Connection, merchant_id: UUID, dispute_id: UUID, *, clear: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """Oldest first. Unless `clear`, without what is known of the order's customer."""
    rows = await connection.fetch(_NOTES, merchant_id, dispute_id)
    return [personal.without_payer(row, ("text",), clear=clear) for row in rows]


async def read_files(
    connection: asyncpg.Connection, merchant_id: UUID, dispute_id: UUID, *, clear: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """Without their bytes, oldest first. Unless `clear`, names without what is known of the order's customer."""
    rows = await connection.fetch(_FILES, merchant_id, dispute_id)
    return [personal.without_payer(row, ("name",), clear=clear) for row in rows]


async def sealed_files(connection: asyncpg.Connection, merchant_id: UUID, dispute_id: UUID) -> list[asyncpg.Record]:
    """With their bytes, as they are kept; without those that were erased."""
    return await connection.fetch(_SEALED, merchant_id, dispute_id)  # type: ignore[no-any-return]


async def read_terms(connection: asyncpg.Connection, merchant_id: UUID) -> list[asyncpg.Record]:
    """All that were ever made, the newest validity first."""
    return await connection.fetch(_TERMS, merchant_id)  # type: ignore[no-any-return]


def as_terms(row: Row) -> Terms:
    valid_from: datetime = row["valid_from"]
    return Terms(row["asset"], valid_from, row["service_borne_by"], row["fee_units"], row["fee_borne_by"],
                 row["block_cards"])  # fmt: skip


async def find_notice(
    connection: asyncpg.Connection, merchant_id: UUID, route: str, notice_id: str
) -> asyncpg.Record | None:
    return await connection.fetchrow(_NOTICE, merchant_id, route, notice_id)


async def unmatched(
    connection: asyncpg.Connection, merchant_ids: Sequence[UUID], limit: int = DESK_MAX
) -> list[asyncpg.Record]:
    """Notices that match no charge, newest first."""
    return await connection.fetch(_UNMATCHED, list(merchant_ids), limit)  # type: ignore[no-any-return]


async def early_notices(connection: asyncpg.Connection, merchant_id: UUID, whys: Iterable[str]) -> list[asyncpg.Record]:
    """Those whose charge may yet come, newest first."""
    return await connection.fetch(_EARLY, merchant_id, list(whys))  # type: ignore[no-any-return]


async def order_of_dispute(connection: asyncpg.Connection, merchant_id: UUID, dispute_id: UUID) -> UUID | None:
    return await connection.fetchval(_ORDER_OF, merchant_id, dispute_id)  # type: ignore[no-any-return]


async def order_of_charge(connection: asyncpg.Connection, merchant_id: UUID, attempt_id: UUID) -> UUID | None:
    return await connection.fetchval(_CHARGE, merchant_id, attempt_id)  # type: ignore[no-any-return]


async def approved_charge(connection: asyncpg.Connection, merchant_id: UUID, order_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_APPROVED, merchant_id, order_id)
