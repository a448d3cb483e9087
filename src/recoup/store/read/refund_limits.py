"""Limits of refunds by people, what they have refunded today, and the refunds that wait for a second person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.rules.merchants.personal import without_payer
from recoup.rules.money.refund_limits import Day, Desk, Limits, RefundRequest

ROWS_MAX: Final = 200

# The day is business time's, in UTC. What was refused is not refunded.
_DESKS: Final = """
SELECT k.merchant_id, k.order_id, o.asset,
  (SELECT jsonb_agg(to_jsonb(l)) FROM refund_limits l WHERE l.merchant_id = k.merchant_id AND l.asset = o.asset)
    AS limits,
  (SELECT coalesce(sum(r.units), 0)::bigint FROM refunds r
    WHERE r.merchant_id = k.merchant_id AND split_part(r.actor, ' by operator:', 1) = k.person AND r.kind = 'refund'
      AND r.asset = o.asset AND r.state <> 'refused'
      AND r.business_at >= date_trunc('day', $4::timestamptz + m.offset_us * interval '1 microsecond', 'UTC')) AS spent,
  (SELECT jsonb_agg(to_jsonb(q) - 'merchant_id' ORDER BY q.asked_at, q.request_id) FROM refund_requests q
    WHERE q.merchant_id = k.merchant_id AND q.order_id = k.order_id) AS requests
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (merchant_id, order_id, person)
JOIN orders o USING (merchant_id, order_id)
JOIN merchants m USING (merchant_id)
"""
_LIMITS: Final = "SELECT * FROM refund_limits WHERE merchant_id = $1 ORDER BY asset, role"
_WAITING: Final = """
SELECT q.*, o.external_id, o.units AS order_units, o.amount_text, o.kind, h.refunded_units, h.status,
  to_jsonb(p) AS payer
FROM refund_requests q
JOIN orders o USING (merchant_id, order_id)
JOIN order_heads h USING (merchant_id, order_id)
LEFT JOIN order_payer p USING (merchant_id, order_id)
WHERE q.merchant_id = $1 AND q.state = 'waiting' ORDER BY q.asked_at, q.request_id LIMIT $2
"""
_REQUEST: Final = """
SELECT order_id, asked_by, asked_role FROM refund_requests WHERE merchant_id = $1 AND request_id = $2
"""


async def read_desks(
    connection: asyncpg.Connection, asked: Sequence[tuple[UUID, UUID, str]], wall: datetime
) -> dict[tuple[UUID, UUID], Desk]:
    """`asked`: merchant, order, and the person whose day counts, as `Actor.name` tells. The sum of one person's day
    is one object, however many of the orders are theirs."""
    columns = [list(column) for column in zip(*asked, strict=True)]
    rows = await connection.fetch(_DESKS, *columns, wall)
    person = {(merchant_id, order_id): who for merchant_id, order_id, who in asked}
    days: dict[tuple[UUID, str, str], Day] = {}
    desks = {}
    for row in rows:
        key = (row["merchant_id"], row["order_id"])
        day = days.setdefault((row["merchant_id"], person[key], row["asset"]), Day(row["spent"]))
        desks[key] = Desk(
            {one["role"]: limits_of(one) for one in row["limits"] or ()}, day,
            [_request(one) for one in row["requests"] or ()],
        )  # fmt: skip
    return desks


async def list_limits(connection: asyncpg.Connection, merchant_id: UUID) -> dict[tuple[str, str], Limits]:
    """(role, asset) -> what it may."""
    return {(row["role"], row["asset"]): limits_of(row) for row in await connection.fetch(_LIMITS, merchant_id)}


async def waiting_requests(
    connection: asyncpg.Connection, merchant_id: UUID, *, clear: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """Oldest first, with how their orders stand; at most ROWS_MAX. Unless `clear`, their reasons are without what is
    known of the order's customer."""
    rows = await connection.fetch(_WAITING, merchant_id, ROWS_MAX)
    return [without_payer(row, ("message",), clear=clear) for row in rows]


async def find_refund_request(
    connection: asyncpg.Connection, merchant_id: UUID, request_id: UUID
) -> asyncpg.Record | None:
    """What never changes of it: its order, who asked."""
    return await connection.fetchrow(_REQUEST, merchant_id, request_id)


def limits_of(row: Mapping[str, Any]) -> Limits:
    return Limits(row["refund_max_units"], row["day_max_units"], row["second_from_units"])


def _request(raw: Mapping[str, Any]) -> RefundRequest:
    times = {name: datetime.fromisoformat(raw[name]) for name in ("asked_at", "expires_at")}
    decided = datetime.fromisoformat(raw["decided_at"]) if raw["decided_at"] else None
    ids = {name: UUID(raw[name]) for name in ("request_id", "order_id")}
    return RefundRequest(**{**raw, **ids, **times, "decided_at": decided})
