"""Orders with an arm and the decisions that were made about them, as the back-test reads them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.insight.store.proofs.decisions import StoredDecision
from recoup.uplift.store import ArmOrder


class JudgedRow(ArmOrder):
    """A judged order. `share`: percent of customers that the engine decided for when it came
    in. `closed_at`: when its window closes, None while a sync MIT is under way."""

    share: int
    closed_at: datetime | None
    country: str
    issuer: str


@MERCHANT.statement("""
SELECT o.order_id, o.site_id, o.campaign_id,
  coalesce(p.payer_id, o.pan_id, o.token_id, o.order_id) AS who, o.arm, o.placed_at AS declined_at,
  o.units::numeric AS units, o.asset, coalesce(o.arm_share, s.share)::int AS share,
  coalesce(o.expires_at, CASE WHEN t.stage IN ('completed', 'declined', 'cancelled',
    'expired') THEN (SELECT l.business_at FROM order_log l WHERE l.merchant_id = o.merchant_id
      AND l.order_id = o.order_id AND l.dst <> l.src AND l.dst = t.stage ORDER BY l.seq
        LIMIT 1) END) AS closed_at,
  coalesce(o.facts ->> 'country', '') AS country,
  coalesce(nullif(v.issuer_digits, ''), v.bin, '') AS issuer
FROM (
  SELECT * FROM orders WHERE merchant_id = $1 AND order_id > $2 AND arm IS NOT NULL
    AND kind IN ('mit_managed', 'mit_sync') ORDER BY order_id LIMIT $3
) o
JOIN order_states t ON t.merchant_id = o.merchant_id AND t.order_id = o.order_id
JOIN arm_settings s ON s.merchant_id = o.merchant_id AND s.version = o.arm_version
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
ORDER BY o.order_id
""")
async def judged_orders(db: Read, merchant_id: UUID, after: UUID, limit: int) -> list[JudgedRow]:
    """Judged orders by id, from the first one behind `after`."""


@MERCHANT.statement("""
SELECT count(*)::int FROM (SELECT FROM orders WHERE merchant_id = $1 AND order_id > $2
  AND arm IS NOT NULL
  AND kind IN ('mit_managed', 'mit_sync') LIMIT $3) o
""")
async def count_judged(db: Read, merchant_id: UUID, after: UUID, limit: int) -> int:
    """Counts the judged orders behind `after`, up to so many."""


class JudgedDecision(StoredDecision, frozen=True):
    """A decision that was followed, and of its send: `state` of the attempt and when it left."""

    arm: dict[str, Any]
    state: str | None
    sent_at: datetime | None


@MERCHANT.statement("""
SELECT d.decision_id, d.order_id, d.verdict, d.features, d.plan, d.rules, d.versions, d.taken,
  d.alternatives, d.arm,
  a.state, a.sent_at
FROM (
  SELECT l.order_id, l.decision_id FROM order_log l
    WHERE l.merchant_id = $1 AND l.order_id = ANY($2::uuid[]) AND l.decision_id IS NOT NULL
  UNION SELECT t.order_id, t.decision_id FROM attempts t
    WHERE t.merchant_id = $1 AND t.order_id = ANY($2::uuid[]) AND t.decision_id IS NOT NULL
) k
JOIN decisions d ON d.merchant_id = $1 AND d.decision_id = k.decision_id AND d.order_id = k.order_id
LEFT JOIN LATERAL (
  SELECT t.state, t.sent_at FROM attempts t
  WHERE t.merchant_id = $1 AND t.order_id = k.order_id AND t.decision_id = k.decision_id
  ORDER BY t.attempt_no LIMIT 1
) a ON true
WHERE d.arm ->> 'part' = 'decides'
ORDER BY d.order_id, d.decision_id
""")
async def judged_decisions(db: Read, merchant_id: UUID, orders: list[UUID]) -> list[JudgedDecision]:
    """Decisions of those orders, each order's oldest first."""
