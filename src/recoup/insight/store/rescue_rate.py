"""A merchant's payments of each of the last days, and how many of them were rescued when that day
was as old as today is now. Bounded in rows and time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, ReadConnection
from recoup.kit.lists.bounded import bound_time
from recoup.notifications.rules.rescue_rate import DAYS_BEFORE, SPAN, Counted
from recoup.orders.rules.lifecycle import Stage

A_DAY_MAX: Final = 5_000  # the newest of each day
TIMEOUT_MS: Final = 5_000


class Day(NamedTuple):
    """Counts of one day. `no`: 0 ends now, 1 the day before it."""

    no: int
    declined: int
    rescued: int


# Whoever is rescued today may have been open at the age that counts: its log says since when.
_DAYS: Final = f"""
SELECT d.no, count(*)::int AS declined, count(*) FILTER (WHERE
  CASE WHEN h.status IN (6, 7, 8) THEN EXISTS (
    SELECT FROM order_log l WHERE l.merchant_id = $1 AND l.order_id = h.order_id
      AND l.dst = '{Stage.COMPLETED}' AND l.src <> l.dst
        AND l.business_at <= $2::timestamptz - d.no * $3::interval)
  ELSE false END)::int AS rescued
FROM generate_series(0, {DAYS_BEFORE}) AS d (no) CROSS JOIN LATERAL (
  SELECT order_id, status FROM order_heads
  WHERE merchant_id = $1 AND placed_at > $2::timestamptz - (d.no + 1) * $3::interval
    AND placed_at <= $2::timestamptz - d.no * $3::interval AND order_type IN ('MIT', 'CIT')
  ORDER BY placed_at DESC LIMIT {A_DAY_MAX}
) h GROUP BY d.no
"""


@MERCHANT.statement(_DAYS)
async def _days(db: Read, merchant_id: UUID, now: datetime, span: timedelta) -> list[Day]:
    """However long it takes."""


async def rescue_rates(
    connection: ReadConnection, merchant_id: UUID, now: datetime
) -> tuple[Counted, Counted]:
    """Rescue rates of the last day, and of the days before together; by the merchant's clock.

    Raises: asyncpg.QueryCanceledError when that takes too long.
    """
    async with connection.transaction(readonly=True):
        await bound_time(connection, TIMEOUT_MS)
        days = await _days(connection, merchant_id, now, SPAN)
    return _together([day for day in days if day.no == 0]), _together(
        [day for day in days if day.no > 0]
    )


def _together(days: Sequence[Day]) -> Counted:
    return Counted(sum(day.declined for day in days), sum(day.rescued for day in days))
