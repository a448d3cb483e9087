"""Every order that a list would show on all its pages, in the list's order, as of one moment."""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from recoup.store.read.order_cursor import ORDERS, OrderBy
from recoup.store.read.order_filter import (
    Arguments,
    OrderFilter,
    channel_condition,
    conditions,
    status_condition,
)  # fmt: skip
from recoup.store.read.order_search import understand
from recoup.store.read.orders import ROW, OrderRow

AT_ONCE: Final = 1_000
FIRST_SECONDS: Final = 120.0


async def all_orders(
    connection: asyncpg.Connection, wanted: OrderFilter, by: OrderBy, *, newest_first: bool
) -> AsyncIterator[list[OrderRow]]:
    """AT_ONCE rows at a time by a cursor of the server's: memory does not grow with the list."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        search = (await understand(connection, wanted.merchant_id, wanted.text)).words_first()
        args = Arguments(wanted.merchant_id)
        where = conditions(wanted, args) + search.bind(args)
        where += status_condition(wanted.statuses, args) + channel_condition(wanted.pairs(), args)
        row = ROW.format(source=f"order_heads h {search.joins}")
        sql = f"{row} WHERE {' AND '.join(where)} ORDER BY {ORDERS[by, newest_first]}"
        cursor = await connection.cursor(sql, *args.values, timeout=FIRST_SECONDS)
        while rows := await cursor.fetch(AT_ONCE, timeout=FIRST_SECONDS):
            yield [OrderRow(*one.values()) for one in rows]
