"""What a merchant's orders and ledger come to by day. Business time, days in UTC."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

STATEMENT_SECONDS = 120.0
_BOOKED = """
SELECT (p.business_at AT TIME ZONE 'UTC')::date AS day, e.asset, p.recipe, count(*) AS entries, -sum(e.units) AS units
FROM postings p
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND e.account = 'merchant_payable'
WHERE p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3 AND ($4::text IS NULL OR e.asset = $4)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PLACED = """
SELECT (placed_at AT TIME ZONE 'UTC')::date AS day, asset, count(*) AS orders, sum(units) AS units FROM order_heads
WHERE merchant_id = $1 AND placed_at >= $2 AND placed_at < $3 AND ($4::text IS NULL OR asset = $4)
GROUP BY 1, 2 ORDER BY 1, 2
"""
Span = tuple[datetime, datetime]


async def booked_by_day(
    connection: asyncpg.Connection, merchant_id: UUID, span: Span, asset: str | None
) -> Sequence[asyncpg.Record]:
    """The ledger's own sums on the merchant's account; + is in its favour."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _BOOKED, merchant_id, *span, asset, timeout=STATEMENT_SECONDS
    )


async def placed_by_day(
    connection: asyncpg.Connection, merchant_id: UUID, span: Span, asset: str | None
) -> Sequence[asyncpg.Record]:
    """Orders by when they were placed."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _PLACED, merchant_id, *span, asset, timeout=STATEMENT_SECONDS
    )
