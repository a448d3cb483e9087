"""Lists of one merchant's orders: filters, search, order, pages. Another merchant's rows are out of
reach: the merchant is the first condition of every statement.

Each filter has an index in the list's order. Several statuses or channels are read as one short
scan each and merged.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Final, TypeVar

import asyncpg
from msgspec import structs

from recoup.db.statement import ReadConnection, maker_of
from recoup.desk.store.order_cursor import (
    ORDERS,
    Cursor,
    OrderBy,
    branches,
    cursor_behind,
    parse_cursor,
)
from recoup.desk.store.order_filter import (
    Arguments,
    OrderFilter,
    channel_condition,
    conditions,
    dimensions,
    narrowing,
)
from recoup.desk.store.order_row import FIELDS, OrderRow, rows_of
from recoup.desk.store.order_search import NOTHING, How, Search, search_of
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit import personal
from recoup.kit.lists.bounded import bounded
from recoup.orders.store.wire_orders import WireOrder, wire_page

SEARCH_TIMEOUT_MS: Final = 150
WALK_TIMEOUT_MS: Final = 50
SECOND_TIMEOUT_MS: Final = 1_000
RECENT: Final = timedelta(days=90)
LIMIT_MAX: Final = 500
OFFSET_MAX: Final = 1_000_000

T = TypeVar("T")


@frozen
class Page:
    """A page of orders. `how` the search was understood; `recent_only`: it took too long, so only
    the newest 90 days were searched."""

    rows: tuple[OrderRow, ...]
    next_cursor: str | None = None
    prev_cursor: str | None = None
    how: How = "all"
    recent_only: bool = False


_NEWEST: Final = "SELECT max(placed_at) FROM order_heads WHERE merchant_id = $1"
_COLUMNS: Final = (
    "h.merchant_id, h.order_id, h.site_id, h.created_at, h.placed_at, h.order_type, h.source, "
    "h.door, h.status,"
    " h.asset, h.units, h.refunded_units, h.attempts, h.expires_at, h.next_attempt_at, h.reason, "
    "h.attention,"
    " h.disputed, h.decline_code, h.card_scheme"
)
_PAGE: Final = "WITH page AS MATERIALIZED ({page}) "


_wire_order = maker_of(WireOrder)


async def list_orders(
    connection: ReadConnection,
    order_filter: OrderFilter,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
    by: OrderBy = "placed",
    more: tuple[str, ...] = (),
) -> Page:
    """One page in this order, newest or highest first; `after` is a cursor of an earlier page, for
    either direction. `more`: what columns read for themselves.

    Raises: Problem(invalid) for a cursor that is none; Problem(unavailable) when even the newest 90
    days take too long.
    """
    cursor = parse_cursor(after, by) if after else None
    if after and cursor is None:
        cure = "Start at the first page."
        raise Problem(
            "invalid", "The page's address is invalid.", field="cursor", cure=cure, verbatim=True
        )
    limit = max(1, min(limit, LIMIT_MAX))
    back = cursor is not None and cursor.back
    descending = newest_first is not back
    search = await search_of(connection, order_filter)
    dress = _dress(more)

    async def run(narrowed: OrderFilter, search: Search) -> list[OrderRow]:
        args = Arguments(narrowed.merchant_id)
        page = _page(narrowed, search, args, ORDERS[by, descending], limit + 1, cursor, descending)
        records = await connection.fetch(
            dress.format(page=page, order=ORDERS[by, descending]), *args.values
        )
        return [
            OrderRow(
                **{name: row[name] for name in FIELDS}, more={name: row[name] for name in more}
            )
            for row in records
        ]

    rows, recent_only = await _bounded(connection, order_filter, search, run, by)
    further = len(rows) > limit
    rows = rows[:limit]
    if order_filter.sight != personal.SHOWN:
        rows = [structs.replace(row, customer=personal.name(row.customer)) for row in rows]
    if back:
        rows.reverse()
    has_next, has_prev = (True, further) if back else (further, cursor is not None)
    return Page(
        rows=tuple(rows),
        next_cursor=cursor_behind(rows[-1], by).text() if rows and has_next else None,
        prev_cursor=cursor_behind(rows[0], by, back=True).text() if rows and has_prev else None,
        how=search.how,
        recent_only=recent_only,
    )


@cache
def _dress(more: tuple[str, ...]) -> str:
    return _PAGE + rows_of("page h", (*FIELDS, *more), {}) + " ORDER BY {order}"


async def list_orders_page(
    connection: ReadConnection,
    order_filter: OrderFilter,
    *,
    number: int = 1,
    size: int = 10,
    order_by: OrderBy = "placed",
    descending: bool = True,
    after: Cursor | None = None,
) -> list[WireOrder]:
    """The page of that number, from 1, as the wire API shows orders; its cost grows with the
    number. Or what comes `after` a row, whatever has arrived since.

    Raises: Problem(invalid) beyond a million rows; Problem(unavailable) when it takes too long.
    """
    size = max(1, min(size, LIMIT_MAX))
    offset = (max(1, number) - 1) * size
    if offset > OFFSET_MAX:
        message = Sentence("Pages reach {0} orders deep.", OFFSET_MAX)
        raise invalid(message, "PageNumber", "Narrow the list by date.")
    order = ORDERS[order_by, descending]
    search = await search_of(connection, order_filter)

    async def run(narrowed: OrderFilter, search: Search) -> list[WireOrder]:
        args = Arguments(narrowed.merchant_id)
        page = _page(narrowed, search, args, order, size, after, descending, offset)
        return [
            _wire_order(record)
            for record in await connection.fetch(wire_page(page, order), *args.values)
        ]

    return (await _bounded(connection, order_filter, search, run))[0]


def _page(
    order_filter: OrderFilter,
    search: Search,
    args: Arguments,
    order: str,
    limit: int,
    cursor: Cursor | None,
    descending: bool,
    offset: int = 0,
) -> str:
    """The statement that picks the page's heads.

    A list by placed date that statuses, a site or channels narrow is merged from a short scan of an
    index for each; other lists follow one index, or sort the few that are left.
    """
    where = conditions(order_filter, args) + search.bind(args)
    parts: list[list[str]] = branches(cursor, descending, args) if cursor is not None else [[]]
    pairs = order_filter.pairs()
    narrow = order_filter.statuses or order_filter.site_id or pairs
    few = order_filter.is_few()
    tail = f" LIMIT {limit}" + (f" OFFSET {offset}" if offset else "")
    if search is NOTHING and narrow and not few and order.startswith("h.placed_at"):
        return _merged(order_filter, pairs, where + parts[0], args, order, limit + offset) + tail
    where += narrowing(order_filter, args)
    source = f"order_heads h {search.joins}"
    if order_filter.has_amount() and len(parts) == 1:
        return _keys_first(source, where + parts[0], order, tail)
    selects = [_select(source, where + part, order) + tail for part in parts]
    if len(selects) == 1:
        return selects[0]
    both = " UNION ALL ".join(f"({select})" for select in selects)
    return f"SELECT h.* FROM ({both}) AS h ORDER BY {order}{tail}"  # noqa: S608


def _merged(
    order_filter: OrderFilter,
    pairs: list[tuple[str, bool]],
    where: list[str],
    args: Arguments,
    order: str,
    limit: int,
) -> str:
    """SQL that takes `limit` rows from an index for each status, and each channel unless a site is
    chosen, then merges."""
    faces = f"unnest({args.add(list(order_filter.faces()))}::smallint[]) AS f (status)"
    where = [*where, "h.status = f.status"]
    if pairs and order_filter.site_id is None:
        kinds, calls = args.add([kind for kind, _ in pairs]), args.add([call for _, call in pairs])
        faces += f" CROSS JOIN unnest({kinds}::text[], {calls}::boolean[]) AS c (kind, call)"
        where += ["h.order_type = c.kind", "(h.source = 'callcenter') = c.call"]
    else:
        where += channel_condition(pairs, args)
    inner = _select("order_heads h", where, order) + f" LIMIT {limit}"
    return f"SELECT h.* FROM {faces} CROSS JOIN LATERAL ({inner}) AS h ORDER BY {order}"


def _keys_first(source: str, where: list[str], order: str, tail: str) -> str:
    """SQL that finds the orders first and what they hold after: amounts are spread over all orders,
    and looking into each that has one of them takes long. What most often narrows such a list
    further stands in the index beside the amount."""
    keys = f"SELECT h.order_id FROM {source} WHERE {' AND '.join(where)} ORDER BY {order}{tail}"
    heads = "order_heads h ON h.merchant_id = $1 AND h.order_id = k.order_id"
    return f"SELECT {_COLUMNS} FROM ({keys}) AS k JOIN {heads}"  # noqa: S608


def _select(source: str, where: list[str], order: str) -> str:
    return f"SELECT {_COLUMNS} FROM {source} WHERE {' AND '.join(where)} ORDER BY {order}"


async def _bounded(
    connection: ReadConnection,
    order_filter: OrderFilter,
    search: Search,
    run: Callable[[OrderFilter, Search], Awaitable[T]],
    by: OrderBy = "placed",
) -> tuple[T, bool]:
    """Runs with the values known to the planner and a time limit; when that is over, on the newest
    90 days alone.

    Raises: Problem(unavailable) when these take too long as well.
    """
    if not _is_bound(order_filter, by):
        return await run(order_filter, search), False
    # Words that often meet are soon met in the list's order; those that seldom do are found before
    # it is looked at.
    ways = (
        ((search, WALK_TIMEOUT_MS), (search.found_first(), SEARCH_TIMEOUT_MS))
        if search.how == "text"
        else ((search, SEARCH_TIMEOUT_MS),)
    )
    for way, timeout_ms in ways:
        try:
            async with bounded(connection, timeout_ms):
                return await run(order_filter, way), False
        except asyncpg.QueryCanceledError:
            pass
    newest = await connection.fetchval(_NEWEST, order_filter.merchant_id)
    since = max(
        (d for d in (newest and newest - RECENT, order_filter.placed_from) if d is not None),
        default=None,
    )
    try:
        async with bounded(connection, SECOND_TIMEOUT_MS):
            return await run(replace(order_filter, placed_from=since), search), True
    except asyncpg.QueryCanceledError:
        message = "This search takes too long."
        raise Problem(
            "unavailable", message, cure="Narrow it: by dates, or with more of the word."
        ) from None


def _is_bound(order_filter: OrderFilter, by: OrderBy = "placed") -> bool:
    """True when the best plan depends on the values, or none is sure to be quick."""
    several = dimensions(order_filter) > (1 if by == "placed" else 0)
    of_values = order_filter.searches or order_filter.attempts_min or order_filter.code_reason
    return several or bool(of_values) or order_filter.is_few()
