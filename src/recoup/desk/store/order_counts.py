"""Counts of the orders that a filter leaves: capped where a page shows it, exact where the wire
promises it.

Beside a list a count is not worth a wait. Of a merchant with many orders it is asked for when its
plan says that it is cheap, and left out at once otherwise: one that runs into its time limit costs
all of that and says nothing.
"""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, ReadConnection, Row
from recoup.desk.store.order_filter import (
    Arguments,
    OrderFilter,
    channel_condition,
    conditions,
    dimensions,
)
from recoup.desk.store.order_search import every_condition, search_of
from recoup.kit.lists.bounded import Count, bounded
from recoup.orders.store.unknown_outcomes import OUT, UNANSWERED

CAP: Final = 10_001
COUNT_TIMEOUT_MS: Final = 150
PAGE_TIMEOUT_MS: Final = 20  # beside a list, which does not wait for it
EXACT_TIMEOUT_MS: Final = 2_000
CHEAP: Final = (
    1_000.0  # in the planner's units: what is dearer takes long when the orders lie far apart
)
FEW: Final = 100_000  # orders of a merchant that lie close enough together for any count


async def count_orders(
    connection: ReadConnection,
    order_filter: OrderFilter,
    *,
    exact: bool = False,
    cap: int = CAP,
    timeout_ms: int = COUNT_TIMEOUT_MS,
) -> Count:
    """Capped at `cap`; with `exact`, the true total unless that takes longer than two seconds.
    Count(0, False) when it takes longer than `timeout_ms`; under COUNT_TIMEOUT_MS it stands beside
    a list, and is left out when it is dear."""
    search = await search_of(connection, order_filter)
    args = Arguments(order_filter.merchant_id)
    where = every_condition(order_filter, search, args)
    inner = f"FROM order_heads h {search.joins} WHERE {' AND '.join(where)}"
    if exact:
        try:
            async with bounded(connection, EXACT_TIMEOUT_MS):
                return Count(
                    await connection.fetchval(f"SELECT count(*) {inner}", *args.values), True
                )  # noqa: S608
        except asyncpg.QueryCanceledError:
            pass
    sql = f"SELECT count(*) FROM (SELECT {inner} LIMIT {cap}) AS n"  # noqa: S608
    beside = timeout_ms < COUNT_TIMEOUT_MS
    try:
        several = (
            dimensions(order_filter) > 1
            or order_filter.searches
            or order_filter.attempts_min
            or order_filter.chain
            or order_filter.code_reason
            or exact
        )
        async with bounded(connection, timeout_ms) if beside or several else nullcontext():
            if beside and not await _is_cheap(connection, order_filter, sql, args):
                return Count(0, False)
            count = await connection.fetchval(sql, *args.values)
    except asyncpg.QueryCanceledError:
        return Count(0, False)
    return Count(min(count, cap - 1), count < cap)


_BY_STATUS = """
SELECT f.status, (SELECT count(*) FROM (SELECT FROM order_heads h WHERE {where}
  LIMIT {cap}) AS n) AS orders
FROM unnest({faces}::smallint[]) AS f (status)
"""
_FEW = """
SELECT n.status, count(*) AS orders FROM (SELECT h.status FROM order_heads h WHERE {where}
  LIMIT {cap}) AS n GROUP BY 1
"""


async def count_statuses(
    connection: ReadConnection,
    order_filter: OrderFilter,
    *,
    cap: int = 1_001,
    timeout_ms: int = COUNT_TIMEOUT_MS,
) -> dict[int, Count]:
    """Counts by status, whatever statuses the filter asks for; empty for a search, when it takes
    too long, and beside a list when it is dear."""
    if order_filter.searches:
        return {}
    order_filter = replace(order_filter, statuses=())
    args = Arguments(order_filter.merchant_id)
    together = bool(order_filter.attention or order_filter.refunded)
    if together:  # they leave few: all of them, up to CAP
        where = conditions(order_filter, args) + channel_condition(order_filter.pairs(), args)
        sql = _FEW.format(where=" AND ".join(where), cap=CAP)
    else:
        where = [
            "h.status = f.status",
            *conditions(order_filter, args),
            *channel_condition(order_filter.pairs(), args),
        ]
        sql = _BY_STATUS.format(
            where=" AND ".join(where), cap=cap, faces=args.add(list(order_filter.faces()))
        )
    try:
        async with bounded(connection, timeout_ms):
            if timeout_ms < COUNT_TIMEOUT_MS and not await _is_cheap(
                connection, order_filter, sql, args
            ):
                return {}
            counts = {r["status"]: r["orders"] for r in await connection.fetch(sql, *args.values)}
    except asyncpg.QueryCanceledError:
        return {}
    if together:
        exact = sum(counts.values()) < CAP
        return {status: Count(counts.get(status, 0), exact) for status in range(9)}
    every = {status: counts.get(status, 0) for status in range(9)}
    return {status: Count(min(orders, cap - 1), orders < cap) for status, orders in every.items()}


async def _is_cheap(
    connection: ReadConnection, order_filter: OrderFilter, sql: str, args: Arguments
) -> bool:
    """True when the count will be quick: by its plan, because the merchant has few orders, or few
    that need attention."""
    if order_filter.attention:
        return True
    plan = await _planned(connection, sql, *args.values)
    if plan["Total Cost"] <= CHEAP:
        return True
    every = await _planned(
        connection, "SELECT FROM order_heads WHERE merchant_id = $1", order_filter.merchant_id
    )
    return bool(every["Plan Rows"] <= FEW)


async def _planned(connection: ReadConnection, sql: str, *values: Any) -> dict[str, Any]:
    explained = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values))
    plan: dict[str, Any] = explained[0]["Plan"]
    return plan


class MenuCounts(Row):
    """Disputes that nobody has answered; attempts without an answer; refunds that are stuck; what
    waits for a second person, as far as the visitor sees it: requests to refund, and for the
    operator payouts, adjustments and bank accounts."""

    disputes: int
    unknown: int
    refunds: int
    approvals: int


@MERCHANT.statement(f"""
SELECT
  (SELECT count(*) FROM (SELECT FROM disputes WHERE merchant_id = $1 AND state = 'open'
    AND answer IS NULL LIMIT $3) d)
    AS disputes,
  (SELECT count(*) FROM (SELECT FROM {OUT} WHERE {UNANSWERED} LIMIT $3) u) AS unknown,
  (SELECT count(*) FROM (SELECT FROM modifications_queue q
    JOIN modifications m USING (merchant_id, modification_id)
    WHERE q.merchant_id = $1 AND m.state = 'stuck' AND m.kind <> 'capture' LIMIT $3) s) AS refunds,
  least($3, (SELECT count(*) FROM (SELECT FROM refund_requests WHERE merchant_id = $1
    AND state = 'waiting'
    LIMIT $3) r) + CASE WHEN $4 THEN
    (SELECT count(*) FROM (SELECT FROM bank_payouts WHERE merchant_id = $1 AND state = 'created'
      LIMIT $3) p)
    + (SELECT count(*) FROM (SELECT FROM adjustments WHERE merchant_id = $1 AND state = 'waiting'
      LIMIT $3) a)
    + (SELECT count(*) FROM (SELECT FROM bank_accounts WHERE merchant_id = $1
      AND state IN ('added', 'verified')
        LIMIT $3) b)
  ELSE 0 END) AS approvals
""")
async def menu_counts(
    db: Read, merchant_id: UUID, wall: datetime, most: int, as_operator: bool
) -> MenuCounts:
    """Each up to `most`."""
