"""Every order that a list would show on all its pages, in the list's order, as of one moment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

import asyncpg

from recoup.store.lists.order_cursor import ORDERS, OrderBy
from recoup.store.lists.order_filter import Arguments, OrderFilter
from recoup.store.lists.order_row import rows_of
from recoup.store.lists.order_search import every_condition, search_of

AT_ONCE: Final = 1_000
FIRST_SECONDS: Final = 120.0
# What a file shows as a text is made one by the server.
TEXTS: Final = {"order_id": "h.order_id::text", "site_id": "h.site_id::text"}


async def all_orders(
    connection: asyncpg.Connection, order_filter: OrderFilter, by: OrderBy, fields: Sequence[str], *, newest_first: bool
) -> AsyncIterator[list[tuple[object, ...]]]:
    """These fields of AT_ONCE rows at a time, by a cursor of the server's: memory does not grow with the list. The
    server makes the next rows while these are used."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        sql, values = await export_statement(connection, order_filter, by, fields, newest_first=newest_first)
        cursor = await connection.cursor(sql, *values, timeout=FIRST_SECONDS)
        ahead = asyncio.ensure_future(cursor.fetch(AT_ONCE, timeout=FIRST_SECONDS))
        try:
            while records := await ahead:
                ahead = asyncio.ensure_future(cursor.fetch(AT_ONCE, timeout=FIRST_SECONDS))
                await asyncio.sleep(0)  # so that it is asked before these are used
                yield list(map(tuple, records))
        finally:
            with suppress(Exception):
                await ahead


async def export_statement(
    connection: asyncpg.Connection, order_filter: OrderFilter, by: OrderBy, fields: Sequence[str], *, newest_first: bool
) -> tuple[str, list[object]]:
    search = (await search_of(connection, order_filter)).words_first()
    args = Arguments(order_filter.merchant_id)
    where = every_condition(order_filter, search, args)
    row = rows_of(f"order_heads h {search.joins}", fields, TEXTS)
    return f"{row} WHERE {' AND '.join(where)} ORDER BY {ORDERS[by, newest_first]}", args.values
