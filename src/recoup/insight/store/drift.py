"""Expectation of a model for the attempts that it had sent, and what came of them."""

from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.notifications.rules.drift import Counted

DECISIONS_MAX: Final = 20_000  # of a merchant, the newest
_FOLLOWED_WITHIN: Final = (
    "3 hours"  # what was sent at another time than the one decided on says nothing of its chance
)


@MERCHANT.statement(f"""
SELECT count(*)::int AS tries, coalesce(sum(chance), 0)::float8 AS expected,
  coalesce(sum(chance * (1 - chance)), 0)::float8 AS spread, count(*) FILTER (WHERE approved)::int
    AS approved
FROM (
  SELECT (o.offer ->> 'chance')::float8 AS chance, a.state = 'approved' AS approved
  FROM (
    SELECT decision_id, order_id, alternatives, taken FROM decisions
    WHERE merchant_id = $1 AND decision_id >= $2 AND versions ->> 'model' = $3 AND taken IS NOT NULL
      AND NOT rules ? 'part'
    ORDER BY decision_id DESC LIMIT {DECISIONS_MAX}
  ) d
  JOIN attempts a ON a.merchant_id = $1 AND a.order_id = d.order_id
    AND a.decision_id = d.decision_id
    AND a.state IN ('approved', 'declined')
  CROSS JOIN LATERAL jsonb_array_elements(d.alternatives) AS o (offer)
  WHERE o.offer ->> 'name' = d.taken AND o.offer ->> 'at' IS NOT NULL
    AND o.offer ->> 'chance' IS NOT NULL
    AND a.sent_at BETWEEN (o.offer ->> 'at')::timestamptz - interval '{_FOLLOWED_WITHIN}'
      AND (o.offer ->> 'at')::timestamptz + interval '{_FOLLOWED_WITHIN}'
) few
""")
async def count_drift(db: Read, merchant_id: UUID, since: UUID, model: str) -> Counted:
    """Counts over one merchant's decisions from the id `since` on."""
