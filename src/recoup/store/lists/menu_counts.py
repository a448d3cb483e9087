"""How much waits on the desks that the menu counts: from the index of each desk, and not beyond what the menu says."""

from typing import NamedTuple
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement


class MenuCounts(NamedTuple):
    """`approvals`: what waits for a second person, as far as the visitor sees it."""

    disputes: int
    approvals: int


async def menu_counts(db: Read, merchant_id: UUID, most: int, *, as_operator: bool) -> MenuCounts:
    """Each of up to `most`. Disputes that nobody has answered; requests to refund, and for the operator payouts,
    adjustments and bank accounts."""
    waits = await _waiting(db, merchant_id, most, as_operator)
    return MenuCounts(waits.disputes, min(waits.refunds + waits.others, most))


class _Waiting(Row, frozen=True):
    disputes: int
    refunds: int
    others: int


@statement(
    MERCHANT,
    """
SELECT
  (SELECT count(*) FROM (SELECT FROM disputes WHERE merchant_id = $1 AND state = 'open' AND answer IS NULL LIMIT $2) d)
    AS disputes,
  (SELECT count(*) FROM (SELECT FROM refund_requests WHERE merchant_id = $1 AND state = 'waiting' LIMIT $2) r)
    AS refunds,
  CASE WHEN $3 THEN
    (SELECT count(*) FROM (SELECT FROM bank_payouts WHERE merchant_id = $1 AND state = 'created' LIMIT $2) p)
    + (SELECT count(*) FROM (SELECT FROM adjustments WHERE merchant_id = $1 AND state = 'waiting' LIMIT $2) a)
    + (SELECT count(*) FROM (SELECT FROM bank_accounts WHERE merchant_id = $1 AND state IN ('added', 'verified')
        LIMIT $2) b)
  ELSE 0 END AS others
""",
)
async def _waiting(db: Read, merchant_id: UUID, most: int, as_operator: bool) -> _Waiting:
    """Of each kind up to `most`."""
