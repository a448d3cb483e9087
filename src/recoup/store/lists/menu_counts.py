"""How much waits on the desks that the menu counts: from the index of each desk, and not beyond what the menu says."""

from datetime import datetime
from uuid import UUID

from recoup.store.cards.unknown_outcomes import OUT, UNANSWERED
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


class MenuCounts(Row, frozen=True):
    """Disputes that nobody has answered; attempts without an answer; refunds that are stuck; what waits for a second
    person, as far as the visitor sees it: requests to refund, and for the operator payouts, adjustments and bank
    accounts."""

    disputes: int
    unknown: int
    refunds: int
    approvals: int


@MERCHANT.statement(f"""
SELECT
  (SELECT count(*) FROM (SELECT FROM disputes WHERE merchant_id = $1 AND state = 'open' AND answer IS NULL LIMIT $3) d)
    AS disputes,
  (SELECT count(*) FROM (SELECT FROM {OUT} WHERE {UNANSWERED} LIMIT $3) u) AS unknown,
  (SELECT count(*) FROM (SELECT FROM modifications WHERE merchant_id = $1 AND state = 'stuck' AND kind <> 'capture'
    LIMIT $3) s) AS refunds,
  least($3, (SELECT count(*) FROM (SELECT FROM refund_requests WHERE merchant_id = $1 AND state = 'waiting'
    LIMIT $3) r) + CASE WHEN $4 THEN
    (SELECT count(*) FROM (SELECT FROM bank_payouts WHERE merchant_id = $1 AND state = 'created' LIMIT $3) p)
    + (SELECT count(*) FROM (SELECT FROM adjustments WHERE merchant_id = $1 AND state = 'waiting' LIMIT $3) a)
    + (SELECT count(*) FROM (SELECT FROM bank_accounts WHERE merchant_id = $1 AND state IN ('added', 'verified')
        LIMIT $3) b)
  ELSE 0 END) AS approvals
""")
async def menu_counts(db: Read, merchant_id: UUID, wall: datetime, most: int, as_operator: bool) -> MenuCounts:
    """Each up to `most`."""
