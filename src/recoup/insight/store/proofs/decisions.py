"""The stored decisions of a merchant, oldest first, a bounded number at a time; and what names
one."""

from typing import Any, Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.kit.proofs.walk import STATEMENT_SECONDS, of_window
from recoup.orders.store.rows import MadeDecision

DECISIONS_MAX: Final = 1000


class StoredDecision(MadeDecision):
    alternatives: list[dict[str, Any]]


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT decision_id, order_id, verdict, features, plan, rules, versions, taken, alternatives
  FROM decisions
WHERE merchant_id = $1 AND decision_id > $2 ORDER BY decision_id LIMIT $3
""")
async def _decisions(
    db: Read, merchant_id: UUID, after: UUID, limit: int
) -> list[StoredDecision]: ...


# What names a decision names one of its own order, and a decision's actor is the log's.
decisions_of_nothing: Final = of_window(
    __name__,
    # What a log line and an attempt say that they come from is a decision of their own order.
    of_nothing="""
SELECT v.order_id, 'decision of ' || v.of AS field, v.decision_id::text AS expected,
  'none of this order' AS found
FROM (
  SELECT order_id, decision_id, 'log line ' || seq AS of FROM order_log
  WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 AND decision_id IS NOT NULL
  UNION ALL
  SELECT order_id, decision_id, 'attempt ' || attempt_no AS of FROM attempts
  WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 AND decision_id IS NOT NULL
) v
LEFT JOIN decisions d ON d.merchant_id = $1 AND d.decision_id = v.decision_id
WHERE d.order_id IS DISTINCT FROM v.order_id
ORDER BY v.order_id, field LIMIT 1000
""",
    actors="""
SELECT l.order_id, 'actor of decision ' || d.decision_id AS field, l.actor AS expected,
  d.features ->> 'actor' AS found
FROM order_log l
JOIN decisions d ON d.merchant_id = l.merchant_id AND d.decision_id = l.decision_id
  AND d.features ? 'actor'
WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3
  AND d.features ->> 'actor' <> l.actor
ORDER BY l.order_id, l.seq LIMIT 1000
""",
)


async def next_decisions(db: Read, merchant_id: UUID, after: UUID) -> list[StoredDecision]:
    return await _decisions(db, merchant_id, after, DECISIONS_MAX)
