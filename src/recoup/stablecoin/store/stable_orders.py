"""Orders as the stablecoin API and the checkout show them. The merchant is the first condition of
every statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, ReadConnection, Row
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.lists.bounded import bounded
from recoup.orders.rules.lifecycle import Stage

DOOR: Final = "stablecoin"
LIST_TIMEOUT_MS: Final = 2_000


@frozen
class StableOrder:
    """An order with its payment. `channel` is empty until the payer has picked one; `reference` is
    the payment's transaction hash. Times are business time."""

    merchant_id: UUID
    order_id: UUID
    external_id: str
    stage: Stage
    asset: str
    units: int
    amount_text: str
    refunded_units: int
    disputed: bool
    facts: dict[str, Any]
    placed_at: datetime
    expires_at: datetime | None
    customer: str | None
    channel: str
    attempt_id: UUID
    attempt_state: str
    reference: str | None
    paid_at: datetime | None


@frozen
class PlacedOrder(StableOrder):
    """An order among several that were asked for."""

    place: int


# wire status -> (order_heads.status, what else must hold). Statuses are those of the index.
_STATUSES: Final[dict[str, tuple[tuple[int, ...], str]]] = {
    "created": ((0,), "true"),
    "pending": ((1, 3, 4, 5), "true"),
    "paid": ((7, 8), "(h.status = 8 OR h.refunded_units = 0)"),
    "partially_refunded": ((7,), "h.refunded_units > 0"),
    "refunded": ((6,), "true"),
    "failed": ((2,), "h.reason = 'declined'"),
    "expired": ((2,), "h.reason = 'expired'"),
    "canceled": ((2,), "h.reason NOT IN ('declined', 'expired')"),
}
_ORDER: Final = """
SELECT o.merchant_id, o.order_id, o.external_id, o.stage, o.asset, o.units, o.amount_text,
  h.refunded_units,
  h.disputed, o.facts, o.placed_at, o.expires_at, p.external_id AS customer, coalesce(a.route,
    h.source) AS channel,
  a.attempt_id, a.state AS attempt_state, a.reference,
  CASE WHEN a.state = 'approved' THEN a.closed_at END AS paid_at{more}
FROM {source}
JOIN current_orders o ON o.merchant_id = {merchant} AND o.order_id = k.order_id
  AND o.door = 'stablecoin'
JOIN order_heads h ON h.merchant_id = {merchant} AND h.order_id = k.order_id
JOIN LATERAL (SELECT * FROM attempts t WHERE t.merchant_id = {merchant} AND t.order_id = k.order_id
  ORDER BY t.state = 'approved' DESC, t.ladder <> 'unexpected' DESC, t.attempt_no DESC
    LIMIT 1) a ON true
LEFT JOIN order_payer w ON w.merchant_id = {merchant} AND w.order_id = k.order_id
LEFT JOIN payers p ON p.merchant_id = {merchant} AND p.payer_id = w.payer_id
"""
# One short scan of the channel index for each status, merged.
_IDS: Final = """
SELECT h.order_id, h.placed_at FROM unnest($2::smallint[]) AS f (status)
CROSS JOIN LATERAL (SELECT h.order_id, h.placed_at FROM order_heads h
  WHERE h.merchant_id = $1 AND h.order_type = 'STABLE' AND (h.source = 'callcenter') = false
    AND h.status = f.status AND {where}
  ORDER BY h.placed_at DESC, h.order_id DESC LIMIT {reach}) h
ORDER BY h.placed_at DESC, h.order_id DESC LIMIT {limit} OFFSET {offset}
"""
_COUNT: Final = """
SELECT count(*) FROM order_heads h
WHERE h.merchant_id = $1 AND h.order_type = 'STABLE' AND (h.source = 'callcenter') = false
  AND h.status = ANY($2::smallint[]) AND {where}
"""


@MERCHANT.statement(
    _ORDER.format(
        merchant="k.merchant_id",
        more=", k.place",
        source="unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(merchant_id, order_id, place)",
    )
)
async def stable_orders(
    db: Read, merchant_ids: Sequence[UUID], order_ids: Sequence[UUID]
) -> list[PlacedOrder]:
    """Orders of this dialect, each of its merchant; none for a foreign or unknown id."""


async def stable_order(db: Read, merchant_id: UUID, order_id: UUID) -> StableOrder | None:
    """The order of that id; None for a foreign or unknown id, and for an order of the other
    dialect."""
    rows = await stable_orders(db, [merchant_id], [order_id])
    return rows[0] if rows else None


@MERCHANT.statement("""
SELECT order_id FROM order_refs WHERE merchant_id = $1 AND door = 'stablecoin' AND external_id = $2
  AND generation = 1
""")
async def order_id_of(db: Read, merchant_id: UUID, external_id: str) -> UUID | None:
    """The order's id by the merchant's own id."""


async def list_stable_orders(
    connection: ReadConnection,
    merchant_id: UUID,
    status: str | None,
    limit: int,
    offset: int,
    total: int | None = None,
) -> tuple[list[StableOrder], int]:
    """Newest first, with the exact total, which is counted unless it is known.

    Raises: Problem(unavailable) when that takes too long.
    """
    statuses, where = _STATUSES[status] if status else (tuple(range(9)), "true")
    source = f"({_IDS.format(where=where, reach=limit + offset, limit=limit, offset=offset)}) k"
    page = (
        _ORDER.format(merchant="$1", more="", source=source)
        + "ORDER BY k.placed_at DESC, k.order_id DESC"
    )
    try:
        async with bounded(connection, LIST_TIMEOUT_MS):
            rows = await connection.fetch(page, merchant_id, list(statuses))
            if total is None:
                total = int(
                    await connection.fetchval(
                        _COUNT.format(where=where), merchant_id, list(statuses)
                    )
                )
    except asyncpg.QueryCanceledError:
        raise Problem(
            "unavailable",
            "Listing these orders takes too long.",
            "Filter by status or merchant_order_id.",
        ) from None
    return [_order(row) for row in rows], total


class OrderSettlement(Row):
    """Direct money on its way to the merchant's wallet. `units` is net of the fee. `network`: the
    one that it moved on, once that is known."""

    settlement_id: UUID
    state: Literal["pending", "broadcast", "confirmed", "stuck", "failed"]
    units: int
    fee_units: int
    asset: str
    to_address: str
    tx_hash: str | None
    network: str | None


@MERCHANT.statement("""
SELECT s.settlement_id, s.state, s.units, s.fee_units, s.asset, s.to_address, s.tx_hash,
  (SELECT l.body ->> 'network' FROM order_log l WHERE l.merchant_id = $1 AND l.order_id = $2
    AND l.fact_id = s.settlement_id AND l.happening = 'settled') AS network
FROM settlements s WHERE s.merchant_id = $1 AND s.order_id = $2 ORDER BY s.settlement_id
""")
async def settlements_of(db: Read, merchant_id: UUID, order_id: UUID) -> list[OrderSettlement]:
    """Oldest first, failed ones too."""


def _order(row: asyncpg.Record) -> StableOrder:
    values = dict(row)
    return StableOrder(**(values | {"stage": Stage(values["stage"])}))
