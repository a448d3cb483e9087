"""Limits of refunds by people, what they have refunded today, and the refunds that wait for a
second person.

The lock of a person's day is taken after the order's, in one order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import convert
from msgspec.structs import replace

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.kit.personal import hider
from recoup.orders.rules.refund_limits import Day, Limits, RefundApproval, RefundApprovalContext

ROWS_MAX: Final = 200


class RoleLimits(Row):
    """Units; None: no limit."""

    role: Literal["owner", "operations", "analyst", "developer"]
    asset: str
    refund_max_units: int | None
    day_max_units: int | None
    second_from_units: int | None

    def limits(self) -> Limits:
        return Limits(self.refund_max_units, self.day_max_units, self.second_from_units)


class _Desk(Row):
    """`limits` and `requests`: rows as JSON; None: there are none."""

    merchant_id: UUID
    order_id: UUID
    asset: str
    limits: object
    spent: int
    requests: object


# The day is business time's, in UTC; no clock goes back, so that it is no more than a day of the
# machine's. What was refused is not refunded; what failed was, and the one that stands for it is
# nobody's. Accepted disputes count.
@MERCHANT.statement("""
SELECT k.merchant_id, k.order_id, o.asset,
  (SELECT jsonb_agg(to_jsonb(l)) FROM refund_limits l WHERE l.merchant_id = k.merchant_id
    AND l.asset = o.asset)
    AS limits,
  ((SELECT coalesce(sum(r.units), 0) FROM modifications r
    WHERE r.merchant_id = k.merchant_id AND split_part(r.actor, ' by operator:', 1) = k.person
      AND r.kind IN ('refund', 'reversal') AND r.asset = o.asset AND r.state <> 'refused'
        AND r.business_at >= t.day)
  + (SELECT coalesce(sum(d.units), 0) FROM order_log l
    JOIN disputes d ON d.merchant_id = l.merchant_id AND d.dispute_id = l.fact_id
    WHERE l.merchant_id = k.merchant_id AND l.recorded_at >= $4::timestamptz - interval '1 day'
      AND l.happening = 'dispute_answer_owed' AND l.body ->> 'answer' = 'accept'
        AND l.actor LIKE 'user:%'
      AND split_part(coalesce(l.body ->> 'asked_by', l.actor), ' by operator:', 1) = k.person
        AND d.asset = o.asset
      AND l.business_at >= t.day))::bigint AS spent,
  (SELECT jsonb_agg(to_jsonb(q) - 'merchant_id' ORDER BY q.requested_at, q.request_id)
    FROM refund_requests q
    WHERE q.merchant_id = k.merchant_id AND q.order_id = k.order_id) AS requests
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (merchant_id, order_id, person)
JOIN orders o USING (merchant_id, order_id)
JOIN merchants m USING (merchant_id)
CROSS JOIN LATERAL date_trunc('day', $4::timestamptz + m.offset_us * interval '1 microsecond',
  'UTC') AS t (day)
""")
async def _refund_contexts(
    db: Read,
    merchants: Sequence[UUID],
    orders: Sequence[UUID],
    people: Sequence[str],
    wall: datetime,
) -> list[_Desk]:
    """Context of a refund, one row for each order."""


async def read_refund_contexts(
    db: Read, callers: Sequence[tuple[UUID, UUID, str]], wall: datetime
) -> dict[tuple[UUID, UUID], RefundApprovalContext]:
    """`callers`: merchant, order, and the person whose day counts, as `Actor.name` tells. The sum
    of one person's day is one object, however many of the orders are theirs."""
    merchants, orders, people = zip(*callers, strict=True)
    person = {(merchant_id, order_id): who for merchant_id, order_id, who in callers}
    days: dict[tuple[UUID, str, str], Day] = {}
    contexts = {}
    for row in await _refund_contexts(db, merchants, orders, people, wall):
        key = (row.merchant_id, row.order_id)
        day = days.setdefault((row.merchant_id, person[key], row.asset), Day(row.spent))
        contexts[key] = RefundApprovalContext(
            {role.role: role.limits() for role in convert(row.limits or (), list[RoleLimits])},
            day,
            convert(row.requests or (), list[RefundApproval]),
        )
    return contexts


@MERCHANT.statement("""
SELECT role, asset, refund_max_units, day_max_units, second_from_units FROM refund_limits
WHERE merchant_id = $1 ORDER BY asset, role
""")
async def _limits(db: Read, merchant_id: UUID) -> list[RoleLimits]:
    """Limits that were set."""


async def list_limits(db: Read, merchant_id: UUID) -> dict[tuple[str, str], Limits]:
    """(role, asset) -> what it may."""
    return {(row.role, row.asset): row.limits() for row in await _limits(db, merchant_id)}


class WaitingRequest(Row):
    """`order_units` and `refunded_units`: how its order stands. `payer`: never leaves this
    module."""

    request_id: UUID
    order_id: UUID
    units: int
    asset: str
    message: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    external_id: str
    order_units: int
    refunded_units: int
    act: str
    payer: dict[str, Any] | None


@MERCHANT.statement(f"""
SELECT q.request_id, q.order_id, q.units, q.asset, q.message, q.requested_by, q.requested_at,
  q.expires_at,
  o.external_id, h.units AS order_units, h.refunded_units, coalesce(q.items #>> '{{0,act}}',
    'refund') AS act,
  to_jsonb(p) AS payer
FROM refund_requests q
JOIN orders o USING (merchant_id, order_id)
JOIN order_heads h USING (merchant_id, order_id)
LEFT JOIN order_payer p USING (merchant_id, order_id)
WHERE q.merchant_id = $1 AND q.state = 'waiting' ORDER BY q.requested_at, q.request_id
  LIMIT {ROWS_MAX}
""")
async def _waiting(db: Read, merchant_id: UUID) -> list[WaitingRequest]:
    """Requests that wait, unmasked."""


async def waiting_requests(db: Read, merchant_id: UUID, *, clear: bool) -> list[WaitingRequest]:
    """Oldest first; at most ROWS_MAX. Unless `clear`, their reasons are without what is known of
    the order's customer."""
    return [
        replace(row, message=hider(row.payer, clear=clear)(row.message), payer=None)
        for row in await _waiting(db, merchant_id)
    ]


class RequestOrigin(Row):
    """Constant facts of a request: its order, its requester and their role."""

    order_id: UUID
    requested_by: str
    requested_role: str


@MERCHANT.statement("""
SELECT order_id, requested_by, requested_role FROM refund_requests WHERE merchant_id = $1
  AND request_id = $2
""")
async def find_refund_request(
    db: Read, merchant_id: UUID, request_id: UUID
) -> RequestOrigin | None:
    """The request's origin; None for a foreign or unknown id."""


async def lock_people(db: Tx, people: Sequence[tuple[UUID, str]]) -> None:
    """`people`: merchant and person, each once; a row is made where there is none."""
    merchants, names = zip(*people, strict=True)
    await _make(db, merchants, names)
    await _lock(db, merchants, names)


@MERCHANT.statement("""
INSERT INTO refund_people (merchant_id, person)
SELECT merchant_id, person FROM unnest($1::uuid[], $2::text[]) AS k (merchant_id, person)
  ORDER BY 1, 2
ON CONFLICT DO NOTHING
""")
async def _make(db: Tx, merchants: Sequence[UUID], people: Sequence[str]) -> None:
    """A row of each."""


@MERCHANT.statement("""
SELECT FROM refund_people p JOIN unnest($1::uuid[], $2::text[]) AS k (merchant_id, person)
  USING (merchant_id, person)
ORDER BY merchant_id, person FOR UPDATE OF p
""")
async def _lock(db: Tx, merchants: Sequence[UUID], people: Sequence[str]) -> None:
    """Locks these people until the transaction ends."""


async def set_limits(
    db: Tx, merchant_id: UUID, role: str, asset: str, limits: Limits, wall: datetime, actor: str
) -> None:
    """Sets a role's limits from the next refund on."""
    await _set(
        db,
        merchant_id,
        role,
        asset,
        limits.refund_max_units,
        limits.day_max_units,
        limits.second_from_units,
        wall,
        actor,
    )


@MERCHANT.statement("""
INSERT INTO refund_limits (merchant_id, role, asset, refund_max_units, day_max_units,
  second_from_units, changed_at,
  changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, role, asset) DO UPDATE SET refund_max_units = EXCLUDED.refund_max_units,
  day_max_units = EXCLUDED.day_max_units, second_from_units = EXCLUDED.second_from_units,
  changed_at = EXCLUDED.changed_at, changed_by = EXCLUDED.changed_by
""")
async def _set(
    db: Tx,
    merchant_id: UUID,
    role: str,
    asset: str,
    refund_max_units: int | None,
    day_max_units: int | None,
    second_from_units: int | None,
    wall: datetime,
    actor: str,
) -> None:
    """Made or changed."""
