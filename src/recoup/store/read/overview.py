"""What became of the declined payments of some days, counted from the list's own rows. Bounded in rows and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.kernel.problem import Problem

ORDERS_MAX: Final = 300_000
CODES_OF: Final = 50_000
GROUPS_MAX: Final = 12
TIMEOUT_MS: Final = 5_000
RESCUED: Final = "status IN (6, 7, 8)"
OPEN: Final = "status IN (0, 1, 3, 4, 5)"
# Orders placed in the span: each came in as a decline.
_PLACED = """h.merchant_id = $1 AND h.placed_at >= $2 AND h.placed_at < $3 AND h.order_type IN ('MIT', 'CIT')
    AND ($4::uuid IS NULL OR h.site_id = $4)"""
_TOO_MANY = f"SELECT count(*) FROM (SELECT FROM order_heads h WHERE {_PLACED} LIMIT $5) few"
_COUNTS = f"""count(*) AS declined, count(*) FILTER (WHERE h.{RESCUED}) AS rescued,
  count(*) FILTER (WHERE h.{OPEN}) AS open"""
_DAY = "(h.placed_at AT TIME ZONE 'UTC')::date"
# One pass for all; of the descriptors only the most frequent come back.
_SUMS = f"""
SELECT * FROM (
  SELECT {_DAY} AS day, h.site_id, h.asset, h.descriptor, grouping({_DAY}, h.site_id, h.asset, h.descriptor) AS level,
    {_COUNTS}, coalesce(sum(h.units) FILTER (WHERE h.{RESCUED}), 0)::bigint AS recovered_units,
    coalesce(sum(h.refunded_units), 0)::bigint AS refunded_units,
    count(*) FILTER (WHERE h.refunded_units > 0) AS refunded, count(*) FILTER (WHERE h.status = 8) AS disputed,
    row_number() OVER (PARTITION BY grouping({_DAY}, h.site_id, h.asset, h.descriptor)
      ORDER BY count(*) DESC, h.descriptor) AS place
  FROM order_heads h WHERE {_PLACED}
  GROUP BY GROUPING SETS (({_DAY}), (h.site_id), (h.asset), (h.descriptor), ())
) found WHERE level <> 14 OR place <= $5
"""
# With what the first decline came in. Of the newest orders of the span.
_CODES = f"""
SELECT h.decline_code AS name, h.decline_source AS source, grouping(h.decline_code) AS whole, {_COUNTS}
FROM (SELECT h.decline_code, h.decline_source, h.status FROM order_heads h WHERE {_PLACED}
  ORDER BY h.placed_at DESC LIMIT $5) h
GROUP BY GROUPING SETS ((1, 2), ()) ORDER BY whole DESC, declined DESC, 1, 2 LIMIT $6 + 1
"""
# Whenever they were placed: each status has an index.
_IN_FLIGHT = """
WITH base AS MATERIALIZED (
  SELECT h.expires_at, h.asset, h.units FROM order_heads h
  WHERE h.merchant_id = $1 AND h.status = ANY('{0,1,3,4,5}'::smallint[]) AND h.order_type IN ('MIT', 'CIT')
    AND ($2::uuid IS NULL OR h.site_id = $2)
  LIMIT $4
)
SELECT CASE WHEN expires_at IS NULL THEN 6
    ELSE width_bucket(extract(epoch FROM expires_at - $3::timestamptz)::float8 / 86400, ARRAY[0, 1, 4, 8, 15]::float8[])
    END AS bucket, asset, count(*) AS orders, sum(units)::bigint AS units
FROM base GROUP BY 1, 2 ORDER BY 1, 2
"""
_DISPUTES = """
SELECT count(*) AS open, min(respond_by) AS first_due FROM disputes WHERE merchant_id = $1 AND state = 'open'
"""
BUCKETS: Final = (
    "overdue", "within a day", "in 1 to 3 days", "in 4 to 7 days", "in 8 to 14 days", "in 15 days or more", "never",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Overview:
    """Rows as counted. `days` by day, `sites` by site id, `money` by asset; `descriptors` and `codes` are the most
    frequent, at most GROUPS_MAX; `coded` is the whole of the codes: the newest CODES_OF orders. `flight` by bucket and
    asset, of every open order; `whole` is the span's."""

    whole: Any
    days: Sequence[Any]
    sites: Sequence[Any]
    money: Sequence[Any]
    descriptors: Sequence[Any]
    codes: Sequence[Any]
    coded: Any
    flight: Sequence[Any]
    disputes: Any


async def read_overview(
    connection: asyncpg.Connection, merchant_id: UUID, span: tuple[datetime, datetime], site_id: UUID | None,
    now: datetime,
) -> Overview:  # fmt: skip
    """All of it as of one moment.

    Raises: Problem(invalid) for more orders than are counted at once; Problem(unavailable) when that takes too long.
    """
    args = (merchant_id, *span, site_id)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(
                f"SET LOCAL statement_timeout = {TIMEOUT_MS}; SET LOCAL plan_cache_mode = force_custom_plan"
            )
            if await connection.fetchval(_TOO_MANY, *args, ORDERS_MAX + 1) > ORDERS_MAX:
                raise Problem("invalid", f"There are more than {ORDERS_MAX:,} orders in these days.", field="from",
                              cure="Choose fewer days, or one site.")  # fmt: skip
            sums = await connection.fetch(_SUMS, *args, GROUPS_MAX)
            coded, *codes = await connection.fetch(_CODES, *args, CODES_OF, GROUPS_MAX)
            flight = await connection.fetch(_IN_FLIGHT, merchant_id, site_id, now, ORDERS_MAX)
            disputes = await connection.fetchrow(_DISPUTES, merchant_id)
    except asyncpg.QueryCanceledError:
        raise Problem("unavailable", "Counting these days takes too long.",
                      cure="Choose fewer days, or one site.", retry_after_seconds=5) from None  # fmt: skip

    def at(level: int) -> list[Any]:
        return [row for row in sums if row["level"] == level]

    money, descriptors = (sorted(at(level), key=lambda row: -row["declined"]) for level in (13, 14))
    return Overview(at(15)[0], at(7), at(11), money, descriptors, codes, coded, flight, disputes)


async def explain(connection: asyncpg.Connection, merchant_id: UUID, span: tuple[datetime, datetime]) -> str:
    """The plans of what is counted, for tests."""
    found = []
    for sql, args in (
        (_TOO_MANY, (merchant_id, *span, None, ORDERS_MAX)), (_SUMS, (merchant_id, *span, None, GROUPS_MAX)),
        (_CODES, (merchant_id, *span, None, CODES_OF, GROUPS_MAX)),
        (_IN_FLIGHT, (merchant_id, None, span[1], ORDERS_MAX)), (_DISPUTES, (merchant_id,)),
    ):  # fmt: skip
        async with connection.transaction(readonly=True):
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off")
            found += [row[0] for row in await connection.fetch("EXPLAIN " + sql, *args)]
    return "\n".join(found)
