"""What a merchant's orders and ledger come to by day. Business time, days in UTC."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

STATEMENT_SECONDS = 120.0


class Booked(Row, frozen=True):
    """`units`: + is in the merchant's favour."""

    day: date
    asset: str
    recipe: str
    entries: int
    units: Decimal


@statement(
    MERCHANT,
    """
SELECT (p.business_at AT TIME ZONE 'UTC')::date AS day, e.asset, p.recipe, count(*) AS entries, -sum(e.units) AS units
FROM postings p
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND e.account = 'merchant_payable'
WHERE p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3 AND ($4::text IS NULL OR e.asset = $4)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""",
    seconds=STATEMENT_SECONDS,
)
async def booked_by_day(
    db: Read, merchant_id: UUID, since: datetime, until: datetime, asset: str | None
) -> list[Booked]:
    """The ledger's own sums on the merchant's account."""


class Placed(Row, frozen=True):
    day: date
    asset: str
    orders: int
    units: Decimal


@statement(
    MERCHANT,
    """
SELECT (placed_at AT TIME ZONE 'UTC')::date AS day, asset, count(*) AS orders, sum(units) AS units FROM order_heads
WHERE merchant_id = $1 AND placed_at >= $2 AND placed_at < $3 AND ($4::text IS NULL OR asset = $4)
GROUP BY 1, 2 ORDER BY 1, 2
""",
    seconds=STATEMENT_SECONDS,
)
async def placed_by_day(
    db: Read, merchant_id: UUID, since: datetime, until: datetime, asset: str | None
) -> list[Placed]:
    """Orders by when they were placed."""
