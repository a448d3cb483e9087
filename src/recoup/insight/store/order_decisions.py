"""The decisions about an order that its log and its attempts name, oldest first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.insight.store.proofs.decisions import StoredDecision


class OrderDecision(StoredDecision, frozen=True):
    """A decision with what people are shown of it."""

    at: datetime
    reasons: list[str]
    arm: dict[str, Any] | None


class OrderDecisions(Row, frozen=True):
    decisions: list[OrderDecision]


@MERCHANT.statement("""
SELECT coalesce((SELECT jsonb_agg(to_jsonb(d) ORDER BY d.decision_id) FROM (
    SELECT * FROM decisions d WHERE d.merchant_id = o.merchant_id AND d.decision_id > $3
      AND d.decision_id IN (
      SELECT l.decision_id FROM order_log l WHERE l.merchant_id = o.merchant_id
        AND l.order_id = o.order_id
      UNION SELECT a.decision_id FROM attempts a WHERE a.merchant_id = o.merchant_id
        AND a.order_id = o.order_id
      UNION SELECT (l.body ->> 'risk')::uuid FROM order_log l
        WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.happening = 'planned'
      UNION SELECT (l.body ->> 'advance')::uuid FROM order_log l
        WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id
          AND l.happening = 'attempt_declined')
    ORDER BY d.decision_id LIMIT $4) d), '[]') AS decisions
FROM orders o WHERE o.merchant_id = $1 AND o.order_id = $2 AND o.door = 'rescue'
""")
async def order_decisions(
    db: Read, merchant_id: UUID, order_id: UUID, after: UUID, limit: int
) -> OrderDecisions | None:
    """Decisions of an order; None for a foreign or unknown one. `after`: the last one that was read
    before."""


@MERCHANT.statement("""
SELECT decision_id, order_id, verdict, features, plan, rules, versions, taken, alternatives, at,
  reasons, arm
FROM decisions WHERE merchant_id = $1 AND decision_id = $2
""")
async def find_decision(db: Read, merchant_id: UUID, decision_id: UUID) -> OrderDecision | None:
    """Finds a decision with all its features."""
