"""Figures of a merchant's day, and what stands open now. Bounded in time; payments as the overview
counts them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, ReadConnection, Row
from recoup.kit.lists.bounded import bound_time
from recoup.orders.store.rows import OPEN, RESCUED

TIMEOUT_MS: Final = 5_000


class DayFigures(Row):
    """Numbers of payments, refunds and disputes; `recovered` and `refunded`: units by currency."""

    declined: int
    rescued: int
    recovered: list[tuple[str, int]]
    refunds: int
    refunded: list[tuple[str, int]]
    disputes: int
    in_flight: int
    waiting: int


async def day_figures(
    connection: ReadConnection, merchant_id: UUID, span: tuple[datetime, datetime]
) -> DayFigures:
    """The day's figures, as of one moment. Raises: asyncpg.QueryCanceledError when that takes too
    long."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await bound_time(connection, TIMEOUT_MS)
        placed = await _placed(connection, merchant_id, *span)
        refunds = await _refunds(connection, merchant_id, *span)
        disputes = await _disputes(connection, merchant_id, *span)
        now = await _now(connection, merchant_id)
    return DayFigures(
        declined=sum(row.declined for row in placed),
        rescued=sum(row.rescued for row in placed),
        recovered=[(row.asset, row.units) for row in placed if row.units],
        refunds=sum(row.refunds for row in refunds),
        refunded=[(row.asset, row.units) for row in refunds],
        disputes=disputes,
        in_flight=now.in_flight,
        waiting=now.waiting,
    )


class _Placed(Row):
    """`units`: of those that were rescued."""

    asset: str
    declined: int
    rescued: int
    units: int


@MERCHANT.statement(f"""
SELECT asset, count(*) AS declined, count(*) FILTER (WHERE {RESCUED}) AS rescued,
  coalesce(sum(units) FILTER (WHERE {RESCUED}), 0)::bigint AS units
FROM order_heads WHERE merchant_id = $1 AND placed_at >= $2 AND placed_at < $3
  AND order_type IN ('MIT', 'CIT')
GROUP BY asset ORDER BY asset
""")
async def _placed(db: Read, merchant_id: UUID, since: datetime, until: datetime) -> list[_Placed]:
    """Orders placed, by currency."""


class _Refunds(Row):
    asset: str
    refunds: int
    units: int


@MERCHANT.statement("""
SELECT asset, count(*) AS refunds, sum(units)::bigint AS units FROM modifications
WHERE merchant_id = $1 AND business_at >= $2 AND business_at < $3 AND kind = 'refund'
  AND state NOT IN ('refused', 'failed')
GROUP BY asset ORDER BY asset
""")
async def _refunds(db: Read, merchant_id: UUID, since: datetime, until: datetime) -> list[_Refunds]:
    """Refunds, by currency."""


@MERCHANT.statement("""
SELECT count(*)::int FROM disputes WHERE merchant_id = $1 AND opened_at >= $2 AND opened_at < $3
""")
async def _disputes(db: Read, merchant_id: UUID, since: datetime, until: datetime) -> int:
    """Counts the disputes that were opened."""


class _Now(Row):
    """`waiting`: for a person."""

    in_flight: int
    waiting: int


@MERCHANT.statement(f"""
SELECT (SELECT count(*)::int FROM order_heads WHERE merchant_id = $1
  AND status = ANY('{{0,1,3,4,5}}'::smallint[])
    AND {OPEN}) AS in_flight,
  (SELECT count(*)::int FROM order_heads WHERE merchant_id = $1
    AND attention IS NOT NULL) AS waiting
""")
async def _now(db: Read, merchant_id: UUID) -> _Now:
    """Whenever they were placed."""
