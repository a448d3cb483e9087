"""Orders of the engine's arm and of the comparison group, with what became of them in their window; of those that
the schedule decided beside them only how they came in.

The window of an order without an expiry is thirty days, whatever became of it: one that ended with the order would
count successes before failures.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


class ComparedRow(Row, frozen=True):
    """`who`: the payer by whom the arm was chosen, or the card where no payer is known. `holdout`, `engine`: percent of
    payers, when it came in. `chance`: foreseen at the first decision, None where no model was there. `closed_at`: when
    its window closes. `sends`: attempts that were made."""

    order_id: UUID
    who: UUID
    arm: str
    holdout: int
    engine: int
    declined_at: datetime
    closed_at: datetime
    units: Decimal
    asset: str
    chance: float | None
    rescued_at: datetime | None
    by: str | None
    sends: int
    disputed: bool
    card: UUID | None
    site_id: UUID
    campaign_id: UUID | None


@MERCHANT.statement("""
SELECT o.order_id, coalesce(p.payer_id, o.pan_id, o.token_id, o.order_id) AS who, o.arm, s.holdout::int AS holdout,
  coalesce(o.arm_share, s.share)::int AS engine,
  o.placed_at AS declined_at, o.closed_at, o.units::numeric AS units, o.asset, g.chance, r.rescued_at, r.by,
  h.attempts AS sends, h.disputed, o.pan_id AS card,
  h.site_id, h.campaign_id
FROM (
  SELECT o.*, coalesce(o.expires_at, o.placed_at + interval '30 days') AS closed_at FROM orders o
  WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.arm IN ('engine', 'holdout', 'ladder')
    AND o.kind IN ('mit_managed', 'mit_sync')
  ORDER BY o.order_id LIMIT $3
) o
JOIN order_heads h ON h.merchant_id = o.merchant_id AND h.order_id = o.order_id
JOIN arm_settings s ON s.merchant_id = o.merchant_id AND s.version = o.arm_version
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN LATERAL (
  SELECT (d.arm ->> 'chance')::float8 AS chance FROM order_log l
  JOIN decisions d ON d.merchant_id = l.merchant_id AND d.decision_id = l.decision_id
  WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND d.arm ->> 'chance' IS NOT NULL
    AND o.arm <> 'ladder'
  ORDER BY l.seq LIMIT 1
) g ON true
LEFT JOIN LATERAL (
  SELECT l.business_at AS rescued_at, CASE WHEN l.happening IN ('paid_elsewhere', 'parts_kept') THEN 'paid_elsewhere'
    ELSE coalesce(l.body ->> 'by', 'retry') END AS by
  FROM order_log l
  WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.business_at <= o.closed_at
    AND o.arm <> 'ladder'
    AND (l.happening IN ('collected', 'captured', 'capture_ended', 'paid_elsewhere')
      OR l.happening = 'parts_kept' AND l.body ? 'transmit_id')
  ORDER BY l.seq LIMIT 1
) r ON true
ORDER BY o.order_id
""")
async def compared_orders(db: Read, merchant_id: UUID, after: UUID, limit: int) -> list[ComparedRow]:
    """By id, from the first one behind `after`."""
