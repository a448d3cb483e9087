"""What an order's past is read from: the lines of its log, and its ledger up to an instant."""

from datetime import datetime
from uuid import UUID

from recoup.rules.order.as_of import Line
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


@MERCHANT.statement("""
SELECT seq, happening, src, dst, body, fact_id, decision_id, business_at, recorded_at FROM order_log
WHERE merchant_id = $1 AND order_id = $2 ORDER BY seq
""")
async def order_lines(db: Read, merchant_id: UUID, order_id: UUID) -> list[Line]:
    """Oldest first; of a foreign or unknown id none."""


class AccountBalance(Row, frozen=True):
    """`units`: debit positive, in the asset's smallest unit."""

    account: str
    units: int


@MERCHANT.statement("""
SELECT e.account, sum(e.units)::bigint AS units FROM postings g
JOIN entries e ON e.merchant_id = g.merchant_id AND e.posting_id = g.posting_id
WHERE g.merchant_id = $1 AND g.order_id = $2 AND g.recorded_at <= $3
GROUP BY e.account ORDER BY e.account
""")
async def order_balances(db: Read, merchant_id: UUID, order_id: UUID, recorded_until: datetime) -> list[AccountBalance]:
    """What the order had booked by then, by account."""
