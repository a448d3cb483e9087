"""Plans of lists of orders."""

from contextlib import nullcontext

import asyncpg

from recoup.desk.store.order_cursor import ORDERS, OrderBy, parse_cursor
from recoup.desk.store.order_filter import Arguments, OrderFilter
from recoup.desk.store.order_search import search_of
from recoup.desk.store.orders import SEARCH_TIMEOUT_MS, _is_bound, _page
from recoup.kit.lists.bounded import bounded


async def explain(
    connection: asyncpg.Connection,
    order_filter: OrderFilter,
    *,
    by: OrderBy = "placed",
    descending: bool = True,
    after: str | None = None,
) -> str:
    """The plan of a page of fifty."""
    search = await search_of(connection, order_filter)
    args = Arguments(order_filter.merchant_id)
    cursor = parse_cursor(after, by) if after else None
    page = _page(order_filter, search, args, ORDERS[by, descending], 50, cursor, descending)
    async with (
        bounded(connection, SEARCH_TIMEOUT_MS) if _is_bound(order_filter, by) else nullcontext()
    ):
        return "\n".join(r[0] for r in await connection.fetch("EXPLAIN " + page, *args.values))
