"""Transmissions, and the rescues that they touch: one set-based insert; those that touch one also
leave due work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import stored
from recoup.networks.codes import code_of
from recoup.networks.decline_code import DeclineCode

PAYER_ORDERS: Final = 1_000  # the newest of one payer that are looked through
CARDS_MAX: Final = 20


class TransmittedPayment(Row):
    """A payment as its merchant told of it."""

    external_id: str
    transaction_id: str | None
    is_declined: bool
    is_mit: bool
    units: int
    code_source: str | None
    code: str | None
    bin: str | None
    last4: str | None
    transacted_at: datetime | None


@stored("transmissions")
class NewTransmission(Row, frozen=True):
    merchant_id: UUID
    transmit_id: UUID
    external_id: str
    transaction_id: str | None
    is_declined: bool
    is_mit: bool
    units: int
    asset: str
    code_source: str | None
    code: str | None
    bin: str | None
    last4: str | None
    payer_id: UUID | None
    transacted_at: datetime | None
    received_at: datetime
    facts: dict[str, Any]


class Transmission(NewTransmission, frozen=True):
    """`outcome`: from a later update."""

    outcome: dict[str, Any]
    updated_at: datetime | None

    @property
    def decline_code(self) -> DeclineCode | None:
        return code_of(self.code_source, self.outcome.get("code") or self.code)


@MERCHANT.statement(
    f"SELECT {columns_of(Transmission)} FROM transmissions WHERE merchant_id = $1 AND transmit_id "
    f"= $2"
)
async def read_transmission(db: Read, merchant_id: UUID, transmit_id: UUID) -> Transmission | None:
    """The transmission as it is now."""


@MERCHANT.statement(f"""
SELECT DISTINCT ON (x.pan_id) x.order_id
FROM (SELECT p.order_id FROM order_payer p
  WHERE p.merchant_id = $1 AND p.payer_id = $2 ORDER BY p.order_id DESC LIMIT {PAYER_ORDERS}) q
CROSS JOIN LATERAL (SELECT o.order_id, o.pan_id, o.token_id FROM orders o
  WHERE o.merchant_id = $1 AND o.order_id = q.order_id AND o.pan_id IS NOT NULL OFFSET 0) x
CROSS JOIN LATERAL (SELECT v.last4, v.bin FROM vault v
  WHERE v.merchant_id = $1 AND v.token_id = x.token_id OFFSET 0) v
WHERE v.last4 = $3 AND ($4::text IS NULL OR v.bin = $4)
ORDER BY x.pan_id, x.order_id DESC LIMIT {CARDS_MAX}
""")
async def _orders_by_card(
    db: Read, merchant_id: UUID, payer_id: UUID, last4: str, bin: str | None
) -> list[UUID]:
    """The newest order of each of the payer's cards that end so."""


async def orders_with_card(db: Read, row: Transmission, own: Sequence[UUID]) -> Sequence[UUID]:
    """Orders that the transmission is a copy of, else the newest of each card that it may be of."""
    if own or row.payer_id is None or not row.last4:
        return own
    return await _orders_by_card(db, row.merchant_id, row.payer_id, row.last4, row.bin)


class Touched(NamedTuple):
    """`last_outcome`: of this payment, by the order's log."""

    order_id: UUID
    same_order: bool
    last_outcome: Literal["paid", "declined"] | None


async def touched_orders(db: Read, row: Transmission, *, declined: bool) -> list[Touched]:
    """The rescue of this order id, and of the payer's newest orders open ones of the same card and
    amount. A success of nothing touches none."""
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


# What the log tells leads to its transmissions, and not these to it: of one order id there may be
# very many. One id is asked for as a span, in order: so also a plan made while there was little
# looks it up by its whole key.
@MERCHANT.statement(f"""
WITH touched AS (
SELECT o.order_id, true AS same_order FROM order_refs f
JOIN current_orders o USING (merchant_id, order_id)
WHERE f.merchant_id = $1 AND f.door = 'rescue' AND f.external_id = $2
  AND f.generation = (SELECT max(generation) FROM order_refs g
    WHERE g.merchant_id = $1 AND g.door = 'rescue' AND g.external_id = $2)
UNION ALL
SELECT o.order_id, false
FROM (SELECT merchant_id, order_id FROM order_payer WHERE merchant_id = $1 AND payer_id = $3
  ORDER BY order_id DESC LIMIT {PAYER_ORDERS}) p
JOIN current_orders o USING (merchant_id, order_id)
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE o.external_id <> $2 AND o.units = $4 AND o.asset = $5
  AND v.last4 = $6 AND o.stage IN ('received', 'processing', 'held', 'problem', 'challenged',
    'authorised')
LIMIT 20
)
SELECT order_id, same_order, (
  SELECT CASE WHEN l.happening = 'merchant_attempt' AND (l.body ->> 'declined')::boolean THEN
    'declined' ELSE 'paid' END
  FROM order_log l LEFT JOIN LATERAL (SELECT external_id, transaction_id, units, asset
    FROM transmissions c
    WHERE c.merchant_id = $1 AND c.transmit_id BETWEEN (l.body ->> 'transmit_id')::uuid
      AND (l.body ->> 'transmit_id')::uuid ORDER BY c.transmit_id LIMIT 1) c ON true
  WHERE l.merchant_id = $1 AND l.order_id = t.order_id
    AND l.happening IN ('paid_elsewhere', 'paid_twice', 'merchant_attempt', 'parts_kept')
    AND (l.body ->> 'transmit_id' = $7 OR $8 <> '' AND c.transaction_id = $8 AND c.external_id = $2
      AND c.units = $4
      AND c.asset = $5)
  ORDER BY l.seq DESC LIMIT 1
) AS last_outcome
FROM touched t WHERE $9::boolean OR $4 > 0
""")
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


# What an erasure leaves of an outcome: numbers, and whether it was declined.
WITHOUT_TEXTS: Final = """coalesce((SELECT jsonb_object_agg(key, CASE jsonb_typeof(value)
  WHEN 'object'
  THEN value - '{reason,id,status}'::text[] WHEN 'string' THEN '""' ELSE value END)
    FROM jsonb_each(%s)), '{}')"""


class ReportedTransmission(NewTransmission, frozen=True):
    """A transmission with its payer, and when it is in the merchant's time. `revokes`: it may end
    its card, or a mandate for it."""

    email: str
    phone: str
    name: str
    payer_external_id: str
    business_at: datetime
    revokes: bool = False


@MERCHANT.statement("SELECT transmit, touches FROM add_transmissions($1)")
async def add_transmissions(db: Tx, rows: Sequence[ReportedTransmission]) -> dict[UUID, bool]:
    """Adds transmissions; tells by transmit id whether it touches an order that was sent to us."""


async def update_transmission(
    db: Tx, merchant_id: UUID, transmit_id: UUID, outcome: dict[str, Any], at: datetime
) -> bool | None:
    """Stores a later outcome, and tells whether a success turned into a decline, or the other way.
    None when there is no such transmission. No texts are kept of a payer who was erased after it
    came."""
    await _lock(db, merchant_id, transmit_id)
    return await _update(db, merchant_id, transmit_id, outcome, at)


@MERCHANT.statement(
    "SELECT FROM transmissions WHERE merchant_id = $1 AND transmit_id = $2 FOR UPDATE"
)
async def _lock(db: Tx, merchant_id: UUID, transmit_id: UUID) -> None:
    """Locks a transmission; waits until an erasure that holds it is through."""


# After an erasure that held the row: a later statement sees it.
@MERCHANT.statement(f"""
WITH before AS (
  SELECT t.merchant_id, t.transmit_id, coalesce((t.outcome ->> 'is_declined')::boolean,
    t.is_declined) AS declined,
    EXISTS (SELECT 1 FROM payer_looks l WHERE l.merchant_id = $1 AND l.payer_id = t.payer_id
      AND l.since > t.transmit_id) AS erased
  FROM transmissions t WHERE t.merchant_id = $1 AND t.transmit_id = $2
)
UPDATE transmissions t SET updated_at = $4,
  outcome = t.outcome || CASE WHEN b.erased THEN {WITHOUT_TEXTS % "$3::jsonb"} ELSE $3::jsonb END
FROM before b WHERE t.merchant_id = b.merchant_id AND t.transmit_id = b.transmit_id
RETURNING coalesce((t.outcome ->> 'is_declined')::boolean, t.is_declined) <> b.declined AS turned
""")
async def _update(
    db: Tx, merchant_id: UUID, transmit_id: UUID, outcome: dict[str, Any], at: datetime
) -> bool | None:
    """Updates a transmission and tells whether its outcome turned."""
