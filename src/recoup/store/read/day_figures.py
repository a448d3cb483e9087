"""What a merchant's day came to, and what stands open now. Bounded in time; payments as the overview counts them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.store.read.overview import OPEN, RESCUED

TIMEOUT_MS: Final = 5_000
_PLACED: Final = f"""
SELECT asset, count(*) AS declined, count(*) FILTER (WHERE {RESCUED}) AS rescued,
  coalesce(sum(units) FILTER (WHERE {RESCUED}), 0)::bigint AS units
FROM order_heads WHERE merchant_id = $1 AND placed_at >= $2 AND placed_at < $3 AND order_type IN ('MIT', 'CIT')
GROUP BY asset ORDER BY asset
"""
_REFUNDS: Final = """
SELECT asset, count(*) AS refunds, sum(units)::bigint AS units FROM refunds
WHERE merchant_id = $1 AND business_at >= $2 AND business_at < $3 AND kind = 'refund' AND state <> 'refused'
GROUP BY asset ORDER BY asset
"""
_DISPUTES: Final = """
SELECT count(*)::int FROM disputes WHERE merchant_id = $1 AND opened_at >= $2 AND opened_at < $3
"""
_NOW: Final = f"""
SELECT (SELECT count(*)::int FROM order_heads WHERE merchant_id = $1 AND status = ANY('{{0,1,3,4,5}}'::smallint[])
    AND {OPEN}) AS in_flight,
  (SELECT count(*)::int FROM order_heads WHERE merchant_id = $1 AND attention IS NOT NULL) AS waiting
"""


async def day_figures(
    connection: asyncpg.Connection, merchant_id: UUID, span: tuple[datetime, datetime]
) -> dict[str, Any]:
    """As of one moment. Raises: asyncpg.QueryCanceledError when that takes too long."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
        placed = await connection.fetch(_PLACED, merchant_id, *span)
        refunds = await connection.fetch(_REFUNDS, merchant_id, *span)
        disputes = await connection.fetchval(_DISPUTES, merchant_id, *span)
        now = await connection.fetchrow(_NOW, merchant_id)
    return {
        "declined": sum(row["declined"] for row in placed), "rescued": sum(row["rescued"] for row in placed),
        "recovered": [[row["asset"], row["units"]] for row in placed if row["units"]],
        "refunds": sum(row["refunds"] for row in refunds),
        "refunded": [[row["asset"], row["units"]] for row in refunds], "disputes": disputes, **dict(now),
    }  # fmt: skip
