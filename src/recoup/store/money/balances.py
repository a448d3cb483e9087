"""What stands on a merchant's accounts, now or as of a moment."""

from datetime import datetime
from uuid import UUID

from recoup.rules.money.as_of import Cut
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

STATEMENT_SECONDS = 120.0


class AccountBalance(Row, frozen=True):
    """`units`: debit positive. `place`: of merchant_payable, WALLET for stablecoins."""

    asset: str
    account: str
    place: str
    units: int


# What is sealed and what is not yet, less all that came after the moment: so what is read is what came since, never the
# whole history. The merchant's clock is never behind the wall's: what was recorded later is dated later, too.
@statement(
    MERCHANT,
    """
SELECT x.asset, x.account, x.place, sum(x.units)::bigint AS units FROM (
  SELECT asset, account, place, units FROM account_balances WHERE merchant_id = $1
  UNION ALL
  SELECT e.asset, e.account, e.place, e.units FROM postings p
  JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
  WHERE p.merchant_id = $1 AND p.page_no IS NULL
  UNION ALL
  SELECT e.asset, e.account, e.place, -e.units FROM postings p
  JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
  WHERE p.merchant_id = $1 AND p.business_at > least($2::timestamptz, $3)
    AND (p.business_at > $2 OR p.recorded_at > $3)
) x
WHERE x.account IN ('merchant_payable', 'reserve', 'settlement_due', 'payout_due')
GROUP BY x.asset, x.account, x.place HAVING sum(x.units) <> 0 ORDER BY x.asset, x.account, x.place
""",
    seconds=STATEMENT_SECONDS,
)
async def _balances(db: Read, merchant_id: UUID, business: datetime, recorded: datetime) -> list[AccountBalance]:
    """As of both."""


async def balances(db: Read, merchant_id: UUID, cut: Cut) -> list[AccountBalance]:
    """What the operator owes the merchant, by asset and account; none that is 0."""
    return await _balances(db, merchant_id, *cut)
