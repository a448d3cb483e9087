"""All orders that a list has, not only a page of them: which they are, and what they sum up to."""

from typing import Final
from uuid import UUID

import asyncpg

from recoup.store.lists.order_filter import Arguments, OrderFilter
from recoup.store.lists.order_search import every_condition, search_of
from recoup.store.statement import Row, maker_of

SELECTED_MAX: Final = 10_000
SECONDS_MAX: Final = 10.0
_SUMS: Final = """
SELECT n.status, n.asset, count(*) AS orders, sum(n.units)::bigint AS units FROM ({selected}) AS n
GROUP BY 1, 2 ORDER BY 1, 2
"""


class SelectedSum(Row, frozen=True):
    status: int
    asset: str
    orders: int
    units: int


_selected_sum = maker_of(SelectedSum)


async def selected_sums(connection: asyncpg.Connection, order_filter: OrderFilter) -> list[SelectedSum]:
    """By status and currency, of at most SELECTED_MAX + 1 orders."""
    async with connection.transaction(readonly=True):
        selected, values = await _selected(connection, order_filter, "h.status, h.asset, h.units")
        return [_selected_sum(record) for record in await _fetch(connection, _SUMS.format(selected=selected), values)]


async def selected_orders(tx: asyncpg.Connection, order_filter: OrderFilter) -> list[UUID]:
    """In the order in which they were placed; at most SELECTED_MAX + 1."""
    selected, values = await _selected(tx, order_filter, "h.order_id, h.placed_at")
    sql = f"SELECT n.order_id FROM ({selected}) AS n ORDER BY n.placed_at, n.order_id"  # noqa: S608
    return [row["order_id"] for row in await _fetch(tx, sql, values)]


async def _selected(
    connection: asyncpg.Connection, order_filter: OrderFilter, columns: str
) -> tuple[str, list[object]]:
    search = (await search_of(connection, order_filter)).words_first()
    args = Arguments(order_filter.merchant_id)
    where = every_condition(order_filter, search, args)
    source = f"order_heads h {search.joins}"
    limit = SELECTED_MAX + 1
    return f"SELECT {columns} FROM {source} WHERE {' AND '.join(where)} LIMIT {limit}", args.values  # noqa: S608


async def _fetch(tx: asyncpg.Connection, sql: str, values: list[object]) -> list[asyncpg.Record]:
    """Planned with the values at hand. Inside a transaction of the caller's."""
    await tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    return await tx.fetch(sql, *values, timeout=SECONDS_MAX)  # type: ignore[no-any-return]
