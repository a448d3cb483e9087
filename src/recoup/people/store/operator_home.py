"""The merchants of a world as its operator sees them: what needs somebody, and what waits for a
second person."""

from collections.abc import Sequence
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row

STATEMENT_SECONDS = 3.0


class OperatedMerchant(Row):
    """`attention`: orders that need somebody. `approvals`: payouts, adjustments and bank accounts
    that wait for a second person."""

    merchant_id: UUID
    name: str
    state: str
    attention: int
    approvals: int


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT m.merchant_id, m.name, m.state, coalesce(a.n, 0) AS attention, coalesce(w.n,
  0)::bigint AS approvals
FROM merchants m
LEFT JOIN (SELECT merchant_id, count(*) AS n FROM order_heads WHERE attention IS NOT NULL
  GROUP BY 1) a
  ON a.merchant_id = m.merchant_id
LEFT JOIN (SELECT merchant_id, sum(n) AS n FROM (
    SELECT merchant_id, count(*) AS n FROM bank_payouts WHERE state = 'created' GROUP BY 1
    UNION ALL SELECT merchant_id, count(*) FROM adjustments WHERE state = 'waiting' GROUP BY 1
    UNION ALL SELECT merchant_id, count(*) FROM bank_accounts WHERE state IN ('added', 'verified')
      GROUP BY 1) s
  GROUP BY 1) w ON w.merchant_id = m.merchant_id
WHERE m.merchant_id = ANY ($1::uuid[]) AND ($2 = '' OR position(lower($2) IN lower(m.name)) > 0)
ORDER BY coalesce(w.n, 0) DESC, coalesce(a.n, 0) DESC, lower(m.name), m.merchant_id LIMIT $3
""")
async def operated_merchants(
    db: Read, merchant_ids: Sequence[UUID], name: str, limit: int
) -> list[OperatedMerchant]:
    """Merchants with money to approve first, then those with orders that need somebody; `name`: a
    part of it, in any case."""
