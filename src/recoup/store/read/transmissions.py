"""A transmission, and the rescues that it touches."""

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

PAYER_ORDERS: Final = 1_000  # the newest of one payer that are looked through


class Transmission(Row, frozen=True):
    """`outcome`: from a later update."""

    merchant_id: UUID
    transmit_id: UUID
    external_id: str
    transaction_id: str | None
    is_declined: bool
    units: int
    asset: str
    code_source: str | None
    code: str | None
    last4: str | None
    payer_id: UUID | None
    transacted_at: datetime | None
    outcome: dict[str, Any]
    updated_at: datetime | None


@statement(
    MERCHANT,
    """
SELECT merchant_id, transmit_id, external_id, transaction_id, is_declined, units, asset, code_source, code, last4,
  payer_id, transacted_at, outcome, updated_at
FROM transmissions WHERE merchant_id = $1 AND transmit_id = $2
""",
)
async def read_transmission(db: Read, merchant_id: UUID, transmit_id: UUID) -> Transmission | None:
    """As it is now."""


class Touched(NamedTuple):
    """`last_outcome`: of this payment, by the order's log."""

    order_id: UUID
    same_order: bool
    last_outcome: Literal["paid", "declined"] | None


async def touched_orders(db: Read, row: Transmission, *, declined: bool) -> list[Touched]:
    """The rescue of this order id, and of the payer's newest orders open ones of the same card and amount. A success of
    nothing touches none."""
    return await _touched(
        db,
        row.merchant_id,
        row.external_id,
        row.payer_id,
        row.units,
        row.asset,
        row.last4,
        str(row.transmit_id),
        row.transaction_id,
        declined,
    )


# What the log tells leads to its transmissions, and not these to it: of one order id there may be very many. One id is
# asked for as a span, in order: so also a plan made while there was little looks it up by its whole key.
@statement(
    MERCHANT,
    f"""
WITH touched AS (
SELECT o.order_id, true AS same_order FROM order_refs f JOIN orders o USING (merchant_id, order_id)
WHERE f.merchant_id = $1 AND f.door = 'rescue' AND f.external_id = $2
  AND f.generation = (SELECT max(generation) FROM order_refs g
    WHERE g.merchant_id = $1 AND g.door = 'rescue' AND g.external_id = $2)
UNION ALL
SELECT o.order_id, false
FROM (SELECT merchant_id, order_id FROM order_payer WHERE merchant_id = $1 AND payer_id = $3
  ORDER BY order_id DESC LIMIT {PAYER_ORDERS}) p
JOIN orders o USING (merchant_id, order_id)
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE o.external_id <> $2 AND o.units = $4 AND o.asset = $5
  AND v.last4 = $6 AND o.stage IN ('received', 'processing', 'held', 'problem', 'challenged', 'authorised')
LIMIT 20
)
SELECT order_id, same_order, (
  SELECT CASE WHEN l.happening = 'merchant_attempt' AND (l.body ->> 'declined')::boolean THEN 'declined' ELSE 'paid' END
  FROM order_log l LEFT JOIN LATERAL (SELECT external_id, transaction_id, units, asset FROM transmissions c
    WHERE c.merchant_id = $1 AND c.transmit_id BETWEEN (l.body ->> 'transmit_id')::uuid
      AND (l.body ->> 'transmit_id')::uuid ORDER BY c.transmit_id LIMIT 1) c ON true
  WHERE l.merchant_id = $1 AND l.order_id = t.order_id
    AND l.happening IN ('paid_elsewhere', 'paid_twice', 'merchant_attempt')
    AND (l.body ->> 'transmit_id' = $7 OR $8 <> '' AND c.transaction_id = $8 AND c.external_id = $2 AND c.units = $4
      AND c.asset = $5)
  ORDER BY l.seq DESC LIMIT 1
) AS last_outcome
FROM touched t WHERE $9::boolean OR $4 > 0
""",
)
async def _touched(
    db: Read,
    merchant_id: UUID,
    external_id: str,
    payer_id: UUID | None,
    units: int,
    asset: str,
    last4: str | None,
    transmit_id: str,
    transaction_id: str | None,
    declined: bool,
) -> list[Touched]:
    """`declined`: as it is now."""
