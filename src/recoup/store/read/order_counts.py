"""How many orders a filter leaves: capped where a page shows it, exact where the wire promises it."""

from dataclasses import dataclass, replace
from typing import Final

import asyncpg

from recoup.store.read.order_filter import (
    Arguments,
    OrderFilter,
    bound_statement,
    channel_condition,
    conditions,
    dimensions,
    status_condition,
)  # fmt: skip
from recoup.store.read.order_search import understand

CAP: Final = 10_001
COUNT_TIMEOUT_MS: Final = 150
EXACT_TIMEOUT_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Count:
    """`value` orders; not `exact`: at least so many."""

    value: int
    exact: bool


async def count_orders(
    connection: asyncpg.Connection, wanted: OrderFilter, *, exact: bool = False, cap: int = CAP
) -> Count:
    """Capped at `cap`; with `exact`, the true total unless that takes longer than two seconds."""
    search = await understand(connection, wanted.merchant_id, wanted.text)
    args = Arguments(wanted.merchant_id)
    where = conditions(wanted, args) + search.bind(args)
    where += status_condition(wanted.statuses, args) + channel_condition(wanted.pairs(), args)
    inner = f"FROM order_heads h {search.joins} WHERE {' AND '.join(where)}"
    if exact:
        try:
            async with connection.transaction(readonly=True):
                await bound_statement(connection, EXACT_TIMEOUT_MS)
                return Count(await connection.fetchval(f"SELECT count(*) {inner}", *args.values), True)  # noqa: S608
        except asyncpg.QueryCanceledError:
            pass
    try:
        async with connection.transaction(readonly=True):
            if dimensions(wanted) > 1 or wanted.text or wanted.attempts_min or wanted.chain or exact:
                await bound_statement(connection, COUNT_TIMEOUT_MS)
            found = await connection.fetchval(
                f"SELECT count(*) FROM (SELECT {inner} LIMIT {cap}) AS n", *args.values  # noqa: S608
            )
    except asyncpg.QueryCanceledError:
        return Count(0, False)
    return Count(min(found, cap - 1), found < cap)


_BY_STATUS = """
SELECT f.status, (SELECT count(*) FROM (SELECT FROM order_heads h WHERE {where} LIMIT {cap}) AS n) AS orders
FROM generate_series(0, 8) AS f (status)
"""
_FEW = """
SELECT n.status, count(*) AS orders FROM (SELECT h.status FROM order_heads h WHERE {where} LIMIT {cap}) AS n GROUP BY 1
"""


async def count_statuses(connection: asyncpg.Connection, wanted: OrderFilter, *, cap: int = 1_001) -> dict[int, Count]:
    """By status, whatever statuses the filter asks for; empty for a search, and when it takes too long."""
    if wanted.text:
        return {}
    wanted = replace(wanted, statuses=())
    args = Arguments(wanted.merchant_id)
    if wanted.attention or wanted.refunded:
        return await _count_few(connection, wanted, args)
    where = ["h.status = f.status", *conditions(wanted, args), *channel_condition(wanted.pairs(), args)]
    sql = _BY_STATUS.format(where=" AND ".join(where), cap=cap)
    try:
        async with connection.transaction(readonly=True):
            await bound_statement(connection, COUNT_TIMEOUT_MS)
            rows = await connection.fetch(sql, *args.values)
    except asyncpg.QueryCanceledError:
        return {}
    return {r["status"]: Count(min(r["orders"], cap - 1), r["orders"] < cap) for r in rows}


async def _count_few(connection: asyncpg.Connection, wanted: OrderFilter, args: Arguments) -> dict[int, Count]:
    """For filters that leave few orders: all of them, up to CAP, by status."""
    where = conditions(wanted, args) + channel_condition(wanted.pairs(), args)
    sql = _FEW.format(where=" AND ".join(where), cap=CAP)
    try:
        async with connection.transaction(readonly=True):
            await bound_statement(connection, COUNT_TIMEOUT_MS)
            found = {r["status"]: r["orders"] for r in await connection.fetch(sql, *args.values)}
    except asyncpg.QueryCanceledError:
        return {}
    exact = sum(found.values()) < CAP
    return {status: Count(found.get(status, 0), exact) for status in range(9)}
