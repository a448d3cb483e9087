"""The list of a merchant's orders: one read for the rows, one for the counts, one page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import asyncpg
from starlette.responses import Response

from recoup.doors.portal.order.beside import inside
from recoup.doors.portal.orders.query import SIZES, Chip, Query, chips, read_query
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.store.read.order_counts import Count, count_orders, count_statuses
from recoup.store.read.orders import OrderRow, Page, list_orders

# tab -> what narrows it
VIEWS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("All", {}),
    ("Needs attention", {"attention": True}),
    ("Processing", {"statuses": (4,)}),
    ("Completed", {"statuses": (7,)}),
    ("Refunded", {"refunded": True}),
)


@dataclass(frozen=True, slots=True)
class View:
    word: str
    link: str
    here: bool
    count: Count | None
    hot: bool


@dataclass(frozen=True, slots=True)
class Sum:
    """Of the rows on the page, one currency."""

    asset: str
    orders: int
    units: int
    refunded_units: int


@dataclass(frozen=True, slots=True)
class Drop:
    """A filter that may be dropped, and what that would leave."""

    words: str
    link: str
    count: Count


async def orders_page(visit: Visit) -> Response:
    """Damaged cursors begin at the first page, unknown filters are left out; both are said."""
    query = read_query(visit.request.query_params)
    wanted = query.filter(visit.merchant_id)
    damaged, slow = False, None
    async with visit.portal.world.db.connection() as connection:
        try:
            page = await list_orders(
                connection, wanted, after=query.cursor or None, limit=query.size, newest_first=not query.oldest
            )
        except Problem as problem:
            if problem.code == "invalid":
                query, damaged = replace(query, cursor=""), True
                page = await list_orders(connection, wanted, limit=query.size, newest_first=not query.oldest)
            else:
                page, slow = Page(()), problem
        total = await _total(connection, query, visit, page)
        by_status = await count_statuses(connection, wanted)
        attention = await count_orders(connection, Query(attention=True).filter(visit.merchant_id), cap=1_001)
        drops = await _drops(connection, visit, query) if not page.rows and not query.cursor and slow is None else []
    values = visit.values(
        query=query, page=page, total=total, by_status=by_status, views=_views(query, attention, by_status),
        chips=_chips(visit, query), sums=_sums(page.rows), drops=drops, sizes=SIZES, damaged=damaged, slow=slow,
        within=inside(query),
        base_url=f"{visit.request.url.scheme}://{visit.request.url.netloc}",
    )  # fmt: skip
    return render("orders/orders.html", values)


async def _total(connection: asyncpg.Connection, query: Query, visit: Visit, page: Page) -> Count | None:
    """Known from the page itself when it is the only one; None for a search with more than that."""
    if not query.cursor and page.next_cursor is None:
        return Count(len(page.rows), True)
    if query.text:
        return None
    return await count_orders(connection, query.filter(visit.merchant_id))


def _chips(visit: Visit, query: Query) -> list[Chip]:
    return chips(query, {site.site_id: site.name for site in visit.known.sites})


def _views(query: Query, attention: Count, by_status: dict[int, Count]) -> list[View]:
    counts = {"Needs attention": attention} | ({"Processing": by_status[4]} if query.is_plain() and by_status else {})
    return [
        View(word, Query(size=query.size).link(**fields), query.same_orders(**fields),
             counts.get(word) if word in counts and counts[word].value else None, word == "Needs attention")
        for word, fields in VIEWS
    ]  # fmt: skip


def _sums(rows: Sequence[OrderRow]) -> list[Sum]:
    found: dict[str, Sum] = {}
    for row in rows:
        known = found.get(row.asset, Sum(row.asset, 0, 0, 0))
        found[row.asset] = Sum(
            row.asset, known.orders + 1, known.units + row.units, known.refunded_units + row.refunded_units
        )
    return sorted(found.values(), key=lambda s: (-s.orders, s.asset))


async def _drops(connection: asyncpg.Connection, visit: Visit, query: Query) -> list[Drop]:
    """For a list without orders: each filter, and how many orders there would be without it."""
    found = []
    for chip in _chips(visit, query):
        without = replace(query, **chip.without)
        count = await count_orders(connection, without.filter(visit.merchant_id), cap=1_001)
        found.append(Drop(chip.words, without.link(), count))
    return found
