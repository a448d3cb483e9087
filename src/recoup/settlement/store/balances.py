"""Balances of a merchant's accounts, now or as of a moment."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.ids import HIGHEST, first_id_of
from recoup.kit.as_of import ALWAYS, Cut

STATEMENT_SECONDS: Final = 120.0
CLOCKS_APART: Final = timedelta(
    minutes=5
)  # an id is made by the machine's clock, a time of recording is the database's


class AccountBalance(Row):
    """`units`: debit positive. `place`: of merchant_payable, WALLET for stablecoins."""

    asset: str
    account: str
    place: str
    units: int


_JOINED: Final = "JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id"
# What is sealed, and what waits for its page.
_STANDS: Final = f"""
  SELECT asset, account, place, units FROM account_balances WHERE merchant_id = $1
  UNION ALL
  SELECT e.asset, e.account, e.place, e.units FROM postings_queue p {_JOINED}
  WHERE p.merchant_id = $1
"""  # noqa: S608 - ours
_SUMMED: Final = """
WHERE x.account IN ('merchant_payable', 'reserve', 'settlement_due', 'payout_due')
GROUP BY x.asset, x.account, x.place HAVING sum(x.units) <> 0 ORDER BY x.asset, x.account, x.place
"""


@MERCHANT.within(STATEMENT_SECONDS).statement(
    f"SELECT x.asset, x.account, x.place, sum(x.units)::bigint AS units FROM ({_STANDS}) x "
    f"{_SUMMED}"
)
async def _now(db: Read, merchant_id: UUID) -> list[AccountBalance]:
    """Balances as they stand."""


# Less all that came after the moment: what is read is what came since, never the whole history.
# What was recorded since
# is found by its id, which tells when it was made: the two clocks run apart.
@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT x.asset AS asset, x.account, x.place, sum(x.units)::bigint AS units FROM ({_STANDS}
  UNION ALL
  SELECT e.asset, e.account, e.place, -e.units FROM postings p {_JOINED}
  WHERE p.merchant_id = $1 AND p.business_at > $2
  UNION ALL
  SELECT e.asset, e.account, e.place, -e.units FROM postings p {_JOINED}
  WHERE p.merchant_id = $1 AND p.posting_id > $4 AND p.recorded_at > $3 AND p.business_at <= $2
) x {_SUMMED}""")
async def _then(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime, since: UUID
) -> list[AccountBalance]:
    """Balances as of both times; `since` sorts before all that was recorded later."""


async def balances(db: Read, merchant_id: UUID, cut: Cut) -> list[AccountBalance]:
    """Amounts due to the merchant from the operator, by asset and account; none that is 0."""
    if not cut.is_past:
        return await _now(db, merchant_id)
    since = HIGHEST if cut.recorded == ALWAYS else first_id_of(cut.recorded - CLOCKS_APART)
    return await _then(db, merchant_id, *cut, since)
