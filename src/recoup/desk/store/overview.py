"""Outcomes of the declined payments of some days, counted from the list's own rows. Bounded in rows
and time."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, ReadConnection, Row
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, figure, invalid
from recoup.kit.lists.bounded import bound_time
from recoup.orders.store.movements import FEES
from recoup.orders.store.rows import OPEN, RESCUED

ORDERS_MAX: Final = 300_000
CODES_OF: Final = 50_000
GROUPS_MAX: Final = 12
CODES_MAX: Final = 500  # that reasons are made of
COUNTRIES_MAX: Final = 300
TIMEOUT_MS: Final = 5_000
# Orders placed in the span: each came in as a decline.
_PLACED: Final = """h.merchant_id = $1 AND h.placed_at >= $2 AND h.placed_at < $3
    AND h.order_type IN ('MIT', 'CIT')
    AND ($4::uuid IS NULL OR h.site_id = $4)"""
_COUNTS: Final = f"""count(*) AS declined, count(*) FILTER (WHERE h.{RESCUED}) AS rescued,
  count(*) FILTER (WHERE h.{OPEN}) AS open"""
_DAY: Final = "(h.placed_at AT TIME ZONE 'UTC')::date"
BUCKETS: Final = (
    "overdue", "within a day", "in 1 to 3 days", "in 4 to 7 days", "in 8 to 14 days",
    "in 15 days or more", "never",
)  # fmt: skip


@MERCHANT.statement(
    f"SELECT count(*) FROM (SELECT FROM order_heads h WHERE {_PLACED} LIMIT $5) few"
)
async def count_placed(
    db: Read, merchant_id: UUID, since: datetime, until: datetime, site_id: UUID | None, limit: int
) -> int:
    """Counts the orders placed in that time, at most `limit`."""


class Sums(Row):
    """Sums of orders that have one of the first five fields in common, `level` says which; of all
    of them on level ALL. `place`: its rank within its level, the most frequent first."""

    day: date | None
    site_id: UUID | None
    asset: str | None
    descriptor: str | None
    scheme: str | None
    level: int
    declined: int
    rescued: int
    open: int
    units: int
    open_units: int
    recovered_units: int
    refunded_units: int
    refunded: int
    disputed: int
    place: int


_LEVEL: Final = f"grouping({_DAY}, h.site_id, h.asset, h.descriptor, h.card_scheme)"
_BY_DAY, _BY_SITE, _BY_ASSET, _BY_DESCRIPTOR, _BY_SCHEME, ALL = 15, 23, 27, 29, 30, 31


# One pass for all; of the descriptors only the most frequent come back.
@MERCHANT.statement(f"""
SELECT * FROM (
  SELECT {_DAY} AS day, h.site_id, h.asset, h.descriptor, h.card_scheme AS scheme,
    {_LEVEL} AS level,
    {_COUNTS}, coalesce(sum(h.units), 0)::bigint AS units,
    coalesce(sum(h.units) FILTER (WHERE h.{OPEN}), 0)::bigint AS open_units,
    coalesce(sum(h.units) FILTER (WHERE h.{RESCUED}), 0)::bigint AS recovered_units,
    coalesce(sum(h.refunded_units), 0)::bigint AS refunded_units,
    count(*) FILTER (WHERE h.refunded_units > 0) AS refunded,
      count(*) FILTER (WHERE h.status = 8) AS disputed,
    row_number() OVER (PARTITION BY {_LEVEL} ORDER BY count(*) DESC, h.descriptor) AS place
  FROM order_heads h WHERE {_PLACED}
  GROUP BY GROUPING SETS (({_DAY}), (h.site_id), (h.asset), (h.descriptor), (h.card_scheme), ())
) found WHERE level <> {_BY_DESCRIPTOR} OR place <= $5
""")
async def sum_placed(
    db: Read,
    merchant_id: UUID,
    since: datetime,
    until: datetime,
    site_id: UUID | None,
    descriptors: int,
) -> list[Sums]:
    """Sums by each level, with so many of the descriptors."""


class CodeSums(Row):
    """Sums of orders that came in with a code, as the acquirer's or scheme's `source` names it.
    `whole`: 1 of all."""

    name: str | None
    source: str | None
    whole: int
    declined: int
    rescued: int
    open: int


# With what the first decline came in. Of the newest orders of the span.
@MERCHANT.statement(f"""
SELECT h.decline_code AS name, h.decline_source AS source, grouping(h.decline_code) AS whole,
  {_COUNTS}
FROM (SELECT h.decline_code, h.decline_source, h.status FROM order_heads h WHERE {_PLACED}
  ORDER BY h.placed_at DESC LIMIT $5) h
GROUP BY GROUPING SETS ((1, 2), ()) ORDER BY whole DESC, declined DESC, 1, 2 LIMIT $6 + 1
""")
async def sum_codes(
    db: Read,
    merchant_id: UUID,
    since: datetime,
    until: datetime,
    site_id: UUID | None,
    newest: int,
    codes: int,
) -> list[CodeSums]:
    """Sums of the newest orders: the total first, then their codes, the most frequent first."""


class CountrySums(Row):
    """`country`: of the card's issuer, as the merchant told it; empty where it was not told."""

    country: str
    declined: int
    rescued: int
    open: int


@MERCHANT.statement(f"""
SELECT coalesce(o.facts ->> 'issuer_country', '') AS country, {_COUNTS}
FROM (SELECT h.order_id, h.status FROM order_heads h WHERE {_PLACED} ORDER BY h.placed_at DESC
  LIMIT $5) h
JOIN orders o ON o.merchant_id = $1 AND o.order_id = h.order_id
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $6
""")
async def sum_countries(
    db: Read,
    merchant_id: UUID,
    since: datetime,
    until: datetime,
    site_id: UUID | None,
    newest: int,
    countries: int,
) -> list[CountrySums]:
    """Countries of the newest orders, the most frequent first."""


class FeeSums(Row):
    asset: str
    units: int


# As the ledger booked them, whenever that was.
@MERCHANT.statement(f"""
SELECT e.asset, sum(e.units)::bigint AS units
FROM order_heads h
JOIN postings p ON p.merchant_id = $1 AND p.order_id = h.order_id AND p.recipe IN {FEES}
JOIN entries e ON e.merchant_id = $1 AND e.posting_id = p.posting_id
  AND e.account = 'merchant_payable'
WHERE {_PLACED} AND h.{RESCUED}
GROUP BY e.asset
""")
async def sum_fees(
    db: Read, merchant_id: UUID, since: datetime, until: datetime, site_id: UUID | None
) -> list[FeeSums]:
    """Fees that the merchant paid for orders placed in that time."""


class InFlight(Row):
    """`bucket`: of BUCKETS, by when they expire."""

    bucket: int
    asset: str
    orders: int
    units: int


# Whenever they were placed: each status has an index.
@MERCHANT.statement("""
WITH base AS MATERIALIZED (
  SELECT h.expires_at, h.asset, h.units FROM order_heads h
  WHERE h.merchant_id = $1 AND h.status = ANY('{0,1,3,4,5}'::smallint[])
    AND h.order_type IN ('MIT', 'CIT')
    AND ($2::uuid IS NULL OR h.site_id = $2)
  LIMIT $4
)
SELECT CASE WHEN expires_at IS NULL THEN 6
    ELSE width_bucket(extract(epoch FROM expires_at - $3::timestamptz)::float8 / 86400, ARRAY[0, 1,
      4, 8, 15]::float8[])
    END AS bucket, asset, count(*) AS orders, sum(units)::bigint AS units
FROM base GROUP BY 1, 2 ORDER BY 1, 2
""")
async def sum_open(
    db: Read, merchant_id: UUID, site_id: UUID | None, now: datetime, limit: int
) -> list[InFlight]:
    """Sums of at most `limit` open orders."""


class OpenDisputes(Row):
    open: int
    first_due: datetime | None


@MERCHANT.statement("""
SELECT count(*) AS open, min(respond_by) AS first_due FROM disputes WHERE merchant_id = $1
  AND state = 'open'
""")
async def open_disputes(db: Read, merchant_id: UUID) -> OpenDisputes:
    """Whichever site they are of."""


@frozen
class Period:
    """Results of the orders of some days. `sites` by site id, `money` by asset, `schemes` by the
    card's brand; of `descriptors` the most frequent GROUPS_MAX. `codes` and `countries` are of the
    newest CODES_OF orders, of which `coded` is the whole. `fees` by asset."""

    whole: Sums
    days: Sequence[Sums]
    sites: Sequence[Sums]
    money: Sequence[Sums]
    descriptors: Sequence[Sums]
    schemes: Sequence[Sums]
    codes: Sequence[CodeSums]
    coded: CodeSums
    countries: Sequence[CountrySums]
    fees: Mapping[str, int]


@frozen
class Overview:
    """Figures of the overview. `before`: of as many days before. `flight` by bucket and asset, of
    every open order."""

    now: Period
    before: Period
    flight: Sequence[InFlight]
    disputes: OpenDisputes


async def read_overview(
    connection: ReadConnection,
    merchant_id: UUID,
    span: tuple[datetime, datetime],
    site_id: UUID | None,
    now: datetime,
) -> Overview:
    """All of it as of one moment; of days before that have more orders than are counted at once,
    nothing.

    Raises: Problem(invalid) for more orders than are counted at once; Problem(unavailable) when
    that takes too long.
    """
    earlier = span[0] - (span[1] - span[0]), span[0]
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await bound_time(connection, TIMEOUT_MS)
            if (
                await count_placed(connection, merchant_id, *span, site_id, ORDERS_MAX + 1)
                > ORDERS_MAX
            ):
                raise invalid(
                    Sentence("There are more than {0} orders in these days.", figure(ORDERS_MAX)),
                    "from",
                    "Choose fewer days, or one site.",
                )
            if (
                await count_placed(connection, merchant_id, *earlier, site_id, ORDERS_MAX + 1)
                > ORDERS_MAX
            ):
                earlier = span[0], span[0]
            chosen = await _period(connection, merchant_id, span, site_id)
            before = await _period(connection, merchant_id, earlier, site_id)
            flight = await sum_open(connection, merchant_id, site_id, now, ORDERS_MAX)
            disputes = await open_disputes(connection, merchant_id)
    except asyncpg.QueryCanceledError:
        raise Problem(
            "unavailable",
            "Counting these days takes too long.",
            cure="Choose fewer days, or one site.",
            retry_after_seconds=5,
        ) from None
    return Overview(chosen, before, flight, disputes)


async def _period(
    connection: ReadConnection,
    merchant_id: UUID,
    span: tuple[datetime, datetime],
    site_id: UUID | None,
) -> Period:
    sums = await sum_placed(connection, merchant_id, *span, site_id, GROUPS_MAX)
    coded, *codes = await sum_codes(connection, merchant_id, *span, site_id, CODES_OF, CODES_MAX)
    countries = await sum_countries(
        connection, merchant_id, *span, site_id, CODES_OF, COUNTRIES_MAX
    )
    fees = await sum_fees(connection, merchant_id, *span, site_id)

    def at(level: int) -> list[Sums]:
        return sorted((row for row in sums if row.level == level), key=lambda row: -row.declined)

    return Period(
        at(ALL)[0],
        sorted(at(_BY_DAY), key=lambda row: row.day or date.min),
        at(_BY_SITE),
        at(_BY_ASSET),
        at(_BY_DESCRIPTOR),
        at(_BY_SCHEME),
        codes,
        coded,
        countries,
        {row.asset: row.units for row in fees},
    )
