"""The list of a merchant's orders: one read for the rows, one for the counts, one page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final
from uuid import UUID

from starlette.responses import JSONResponse, Response

from recoup.db.statement import ReadConnection
from recoup.desk.page.order.within import inside
from recoup.desk.page.orders.meant import meanings
from recoup.desk.page.orders.query import ALL_DAYS, ANY_AMOUNT, PRESETS, SIZES, Query
from recoup.desk.page.orders.reading import read_query
from recoup.desk.page.orders.views import own, searches, tabs
from recoup.desk.store.columns import COLUMNS, DEFAULT, sql_of
from recoup.desk.store.order_counts import PAGE_TIMEOUT_MS, count_orders, count_statuses
from recoup.desk.store.order_cursor import cursor_behind
from recoup.desk.store.order_row import OrderRow
from recoup.desk.store.order_search import exact_order, normalise_query, orders_by_end
from recoup.desk.store.orders import Page, list_orders
from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, joined
from recoup.kit.languages.times import Times
from recoup.kit.lists.bounded import Count
from recoup.merchants.store.merchants import MerchantSettings
from recoup.orders.rules.words import REASON_WORDS, SCHEME_WORDS, scheme_word
from recoup.people.page.endpoint import redirect
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Shown, Values, member, shown
from recoup.people.page.portal_visit import Visit
from recoup.people.page.templates import HEADERS
from recoup.people.page.words import CHANNELS, STATUSES
from recoup.people.store.list_preferences import ListPreferences, read_habits
from recoup.stablecoin.rules.channels import CHANNELS as CHAINS


@frozen
class Chip:
    """Chip of one filter that is set: in words, and the changes that take it off."""

    words: str
    without: Mapping[str, Any]


def chips(query: Query, settings: MerchantSettings) -> list[Chip]:
    """Chips in the order of the filters."""
    return [
        Chip(words, without)
        for words, without in (*_of_kind(query, settings), *_of_order(query), *_of_money(query))
    ]


def _of_kind(query: Query, settings: MerchantSettings) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.text:
        yield Sentence("Search: {0}", query.text), {"text": ""}
    if query.statuses:
        yield (
            Sentence("Status: {0}", joined((STATUSES[s].word for s in query.statuses), ", ")),
            {"statuses": ()},
        )
    if query.reasons:
        yield (
            Sentence(
                "Reason: {0}", joined((REASON_WORDS[reason] for reason in query.reasons), ", ")
            ),
            {"reasons": ()},
        )
    if query.channels:
        yield (
            Sentence("Type: {0}", joined((CHANNELS[c][0] for c in query.channels), ", ")),
            {"channels": ()},
        )
    if query.chain:
        yield Sentence("Channel: {0}", CHAINS[query.chain].name), {"chain": ""}
    if query.site:
        names = {site.site_id: site.name for site in settings.sites}
        yield Sentence("Site: {0}", names.get(query.site, query.site)), {"site": None}
    if query.campaign:
        keys = {
            campaign.campaign_id: campaign.name or campaign.key for campaign in settings.campaigns
        }
        yield (
            Sentence("Campaign: {0}", keys.get(query.campaign, query.campaign)),
            {"campaign": None},
        )


def _of_order(query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.order_ids:
        is_single = len(query.order_ids) == 1
        yield (
            Sentence(
                "Order id: {0}",
                query.order_ids[0] if is_single else Sentence("{0} chosen", len(query.order_ids)),
            ),
            {"order_ids": ()},
        )
    if query.external:
        yield Sentence("External order: {0}", query.external), {"external": ""}
    if query.placed != ALL_DAYS:
        yield Sentence("Placed: {0}", query.placed.words()), {"placed": ALL_DAYS}
    if query.created != ALL_DAYS:
        yield Sentence("Created: {0}", query.created.words()), {"created": ALL_DAYS}
    if query.attempts:
        yield Sentence("Attempts: {0} or more", query.attempts), {"attempts": 0}
    if query.expires:
        yield Sentence("Expires within {0}", hours_words(query.expires)), {"expires": 0}
    if query.attention:
        yield "Needs attention", {"attention": False}


def _of_money(query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    if query.amount != ANY_AMOUNT:
        yield Sentence("Amount: {0}", query.amount.words()), {"amount": ANY_AMOUNT}
    if query.currency:
        yield Sentence("Currency: {0}", query.currency), {"currency": ""}
    if query.descriptor:
        yield Sentence("Descriptor: {0}", query.descriptor), {"descriptor": ""}
    if query.code:
        words = f"{query.code} ({query.code_source})" if query.code_source else query.code
        yield Sentence("Decline code: {0}", words), {"code": "", "code_source": ""}
    if query.brand:
        yield Sentence("Card brand: {0}", scheme_word(query.brand)), {"brand": ""}
    if query.issuer:
        yield Sentence("Card begins with {0}", query.issuer), {"issuer": ""}
    if query.last4:
        yield Sentence("Card ends in {0}", query.last4), {"last4": ""}
    if query.refunded is not None:
        yield (
            "Refunded, all or in part" if query.refunded else "Nothing refunded",
            {"refunded": None},
        )


def hours_words(hours: int) -> str:
    if hours % 24 or hours < 48:
        return Sentence("{0} hour{1}", hours, "" if hours == 1 else "s")
    return Sentence("{0} days", hours // 24)


MEANT_MAX: Final = 4
TYPED_MAX: Final = 100
NEEDING: Final = "/orders?attention=1"  # a list of orders with a line of its own in the menu


@frozen
class Sum:
    """Sum of the rows on the page, one currency."""

    asset: str
    orders: int
    units: int
    refunded_units: int


@frozen
class Drop:
    """A filter that may be dropped, and what that would leave."""

    words: str
    link: str
    count: Count


@frozen
class Listed:
    """Data read for one page. `meant`: lists by the filters that the words are, too, each with some
    orders; `by_tail`: newest orders whose ids end so. `damaged`: the address named no place in the
    list. `slow`: it took too long."""

    query: Query
    page: Page
    total: Count | None
    by_status: dict[int, Count]
    attention: Count
    drops: list[Drop]
    meant: Sequence[Drop] = ()
    by_tail: Sequence[UUID] = ()
    damaged: bool = False
    slow: Problem | None = None


@member.page(
    "/orders",
    "desk/orders/orders.html",
    menu=(
        Entry("Orders", 2, "Orders", "orders"),
        Entry("Queues", 1, "Needs attention", "alert", NEEDING, counts="attention"),
    ),
)
async def orders(visit: Visit) -> Values | Answer:
    """Damaged cursors begin at the first page; with a filter that cannot be read the list is empty;
    both are said. Typed filters become the address. An exact id opens its order, as does a short
    one that only one order has; words that no order has and that are one filter's, or an amount,
    become it."""
    habits = await habits_of(visit)
    query = read_query(visit.request.query_params, visit.known, zone=habits.zone)
    params = visit.request.query_params
    if not query.unclear and (
        "" in params.values() or query.text != normalise_query(params.get("q", ""))
    ):
        return redirect(query.link(cursor=query.cursor))
    if query.text and not query.cursor:
        order_id = await exact_order(visit.world.db.reader, visit.merchant_id, query.text)
        if order_id is not None:
            return redirect(f"/orders/{order_id}")
    listed = await read(visit, query, habits)
    if query.text and not listed.page.rows and len(listed.by_tail) + len(listed.meant) == 1:
        return redirect(f"/orders/{listed.by_tail[0]}" if listed.by_tail else listed.meant[0].link)
    return values_of(visit, habits, listed)


async def list_again(
    visit: Visit, query: Query, problem: Problem, *, name: str = "", zone: str = ""
) -> Shown:
    """A list that was refused something; `name`, `zone`: what the form held."""
    habits = await habits_of(visit)
    typed = {"typed_name": name[:TYPED_MAX], "typed_zone": zone[:TYPED_MAX]}
    return shown(problem, **values_of(visit, habits, await read(visit, query, habits)) | typed)


async def habits_of(visit: Visit) -> ListPreferences:
    habits = await read_habits(
        visit.world.people.reader, visit.session.user_id, visit.merchant_id, visit.world.name
    )
    if visit.pii_access == "shown" or owns_views(visit):
        return habits
    # What others search for may be a customer's name.
    return replace(
        habits, views=tuple(view for view in habits.views if view.own or not searches(view))
    )


def owns_views(visit: Visit) -> bool:
    """True when this person changes what others share at this merchant."""
    return visit.session.merchant is not None and visit.session.merchant.role == "owner"


async def read(visit: Visit, query: Query, habits: ListPreferences) -> Listed:
    more = tuple(sql_of(columns_of(query, habits)))
    wanted, damaged, slow = (
        query.filter(visit.merchant_id, visit.now, visit.pii_access),
        False,
        None,
    )
    async with visit.world.db.read() as connection:
        if query.misread:
            return Listed(query, Page(()), None, {}, await _needing(connection, visit), [])
        try:
            page = await list_orders(
                connection,
                wanted,
                after=query.cursor or None,
                limit=query.size,
                newest_first=not query.up,
                by=query.sort,
                more=more,
            )
        except Problem as problem:
            if problem.code == "invalid":
                query, damaged = replace(query, cursor=""), True
                page = await list_orders(
                    connection,
                    wanted,
                    limit=query.size,
                    newest_first=not query.up,
                    by=query.sort,
                    more=more,
                )
            else:
                page, slow = Page(()), problem
        total = await _total(connection, query, visit, page)
        by_status = await count_statuses(connection, wanted, timeout_ms=PAGE_TIMEOUT_MS)
        attention = await _needing(connection, visit)
        empty = not page.rows and not query.cursor and slow is None
        drops = await _drops(connection, visit, query) if empty else []
        meant = (
            await _meant(connection, visit, query)
            if query.text and not query.cursor and slow is None
            else []
        )
        by_tail = await orders_by_end(connection, visit.merchant_id, query.text) if empty else []
    return Listed(query, page, total, by_status, attention, drops, meant, by_tail, damaged, slow)


async def _needing(connection: ReadConnection, visit: Visit) -> Count:
    needing = Query(attention=True).filter(visit.merchant_id, visit.now, visit.pii_access)
    return await count_orders(connection, needing, cap=1_001)


def values_of(visit: Visit, habits: ListPreferences, listed: Listed) -> Values:
    """`typed_name`, `typed_zone`: what a form held that was refused."""
    query, page = listed.query, listed.page
    names = columns_of(query, habits)
    newest = query.sort == "placed" and not query.up and not query.cursor and page.rows
    return dict(
        query=query,
        page=page,
        total=listed.total,
        by_status=listed.by_status,
        drops=listed.drops,
        meant=listed.meant,
        by_tail=listed.by_tail,
        damaged=listed.damaged,
        slow=listed.slow,
        views=tabs(query, habits, visit.known, listed.attention, listed.by_status),
        own=own(query, habits, visit.known),
        owns_views=owns_views(visit),
        chips=chips(query, visit.known),
        sums=sums_of(page.rows),
        sizes=SIZES,
        presets=PRESETS,
        chains=CHAINS,
        only_attention=query.same_orders(Query(attention=True)),
        REASON_WORDS=REASON_WORDS,
        SCHEME_WORDS=SCHEME_WORDS,
        columns=[COLUMNS[name] for name in names],
        all_columns=COLUMNS,
        times=Times(query.zone, visit.now, visit.language),
        zone=query.zone,
        near_zones=dict.fromkeys(("GMT", visit.session.zone, habits.zone, query.zone)),
        habits=habits,
        usual=names == DEFAULT,
        ALL_DAYS=ALL_DAYS,
        typed_name="",
        typed_zone="",
        seen=cursor_behind(page.rows[0], "placed", back=True).text() if newest else None,
        scales=EXPONENTS,
        may_cancel=visit.session.may("cancel"),
        may_redeliver=visit.session.may("hooks"),
        may_note=visit.session.may("retry"),
        file_query=replace(query, columns=names),
        path_in_menu=NEEDING if query.attention else visit.request.url.path,
        clear=query.without_filters().link(),
        without_unread=replace(query, unread={}).link(),
        within=inside(query),
        base_url=f"{visit.request.url.scheme}://{visit.request.url.netloc}",
    )


def columns_of(query: Query, habits: ListPreferences) -> tuple[str, ...]:
    """Columns of the address, else this person's, else the usual ones; in the list's order."""
    wanted = query.columns or habits.columns or DEFAULT
    return tuple(name for name in COLUMNS if name in wanted) or DEFAULT


async def _total(
    connection: ReadConnection, query: Query, visit: Visit, page: Page
) -> Count | None:
    """Known from the page itself when it is the only one; None for a search with more than that."""
    if not query.cursor and page.next_cursor is None:
        return Count(len(page.rows), True)
    if query.text or query.last4:
        return None
    wanted = query.filter(visit.merchant_id, visit.now, visit.pii_access)
    count = await count_orders(connection, wanted, timeout_ms=PAGE_TIMEOUT_MS)
    return count if count.exact or count.value else Count(len(page.rows), False)


def sums_of(rows: Sequence[OrderRow]) -> list[Sum]:
    sums: dict[str, Sum] = {}
    for row in rows:
        known = sums.get(row.asset, Sum(row.asset, 0, 0, 0))
        sums[row.asset] = Sum(
            row.asset,
            known.orders + 1,
            known.units + row.units,
            known.refunded_units + row.refunded_units,
        )
    return sorted(sums.values(), key=lambda s: (-s.orders, s.asset))


async def _meant(connection: ReadConnection, visit: Visit, query: Query) -> list[Drop]:
    """The words as the filters that they are by themselves, beside those that are set; not those
    that leave none."""
    readings = []
    for changes in islice(meanings(query.text, visit.known), MEANT_MAX):
        meant = replace(query, text="", **changes)
        count = await count_orders(
            connection, meant.filter(visit.merchant_id, visit.now, visit.pii_access), cap=1_001
        )
        words = joined(
            (chip.words for chip in chips(replace(Query(), **changes), visit.known)), ", "
        )
        if count.value or not count.exact:
            readings.append(Drop(words, meant.link(), count))
    return readings


async def _drops(connection: ReadConnection, visit: Visit, query: Query) -> list[Drop]:
    """Filters to drop for a list without orders: each, and how many orders there would be without
    it."""
    drops = []
    for chip in chips(query, visit.known):
        without = replace(query, **chip.without)
        wanted = without.filter(visit.merchant_id, visit.now, visit.pii_access)
        count = await count_orders(connection, wanted, cap=1_001)
        drops.append(Drop(chip.words, without.link(), count))
    return drops


COUNTED_MAX: Final = 99


@member.page("/orders/new")
async def new_orders(visit: Visit) -> Response:
    """`cursor` is the place of the newest order that is seen. What cannot be counted is no news."""
    habits = await habits_of(visit)
    query = replace(
        read_query(visit.request.query_params, visit.known, zone=habits.zone), sort="placed"
    )
    if not query.cursor or query.misread:
        return JSONResponse({"count": 0, "more": False}, headers=HEADERS)
    wanted = query.filter(visit.merchant_id, visit.now, visit.pii_access)
    try:
        async with visit.world.db.read() as connection:
            page = await list_orders(connection, wanted, after=query.cursor, limit=COUNTED_MAX)
    except Problem:
        return JSONResponse({"count": 0, "more": False}, headers=HEADERS)
    return JSONResponse(
        {"count": len(page.rows), "more": page.prev_cursor is not None}, headers=HEADERS
    )
