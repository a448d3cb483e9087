"""GET /orders. Source: contract §8, §17.1 (U4)."""

from typing import Final
from uuid import UUID

from recoup.db.statement import ReadConnection
from recoup.desk.api.order import shown
from recoup.desk.api.orders_shapes import IDS_MAX, PAGE_SIZE_MAX, OrderList, OrderQuery, Orders
from recoup.desk.store.order_counts import count_orders
from recoup.desk.store.order_cursor import Cursor, OrderBy, cursor_behind, parse_cursor
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.orders import list_orders_page
from recoup.kernel.ids import parse_id, parse_tail
from recoup.kernel.money import EXPONENTS, UNITS_MAX
from recoup.kernel.texts import is_digits
from recoup.keys.api.v1_resource import Api, Call
from recoup.keys.rules.key_scopes import CUSTOMERS
from recoup.kit.api import examples
from recoup.kit.api.field_rules import GUID
from recoup.kit.api.query import Query
from recoup.kit.edge.field_names import names_of
from recoup.kit.personal import MASKED, SHOWN
from recoup.orders.rules.faces import STATUS_NAMES
from recoup.orders.rules.words import REASON_WORDS, SCHEME_WORDS
from recoup.rescue.api.payment import NOT_YOUR_MID
from recoup.rescue.rules.intake import source_of

_NAMES: Final = tuple(names_of(OrderQuery))
_STATUSES: Final = {str(code): name for code, name in STATUS_NAMES.items()}
_COLUMNS: Final[dict[str, OrderBy]] = {
    "createdon": "placed",
    "processedon": "created",
    "amount": "amount",
}
_ORDER_BY: Final = {"createdon": "createdOn", "processedon": "processedOn", "amount": "amount"}
_SORT: Final = {"asc": "asc", "desc": "desc"}


api: Final = Api(group="Orders", scope="orders")


@api(
    "GET /v1/orders",
    verb="orders list",
    query=OrderQuery,
    items="orders.data",
    problems=("unavailable",),
    examples=examples.ORDERS,
)
async def get_orders(call: Call) -> Orders:
    """Orders. Newest first, ten per page. All filters must match; `status`, `id`,
    `externalOrderId`, `referenceNumber` and `reason` may be repeated. `statuses` contains the
    name of each status; `reason` distinguishes Cancelled (2) orders. Times are business time;
    `from` is inclusive, `to` is exclusive. An unknown parameter is refused. While orders
    arrive, a page number may repeat some; to read them all, send `next` as `after`."""
    query = Query(call.query, _NAMES)
    size, number = (
        query.number("pageSize", 10, 1, PAGE_SIZE_MAX) or 10,
        query.number("pageNumber", 1, 1, 10**6) or 1,
    )
    order_by = _COLUMNS[query.choice("orderBy", _ORDER_BY, "createdon")]
    descending = query.choice("sort", _SORT, "desc") == "desc"
    assert call.caller is not None
    sight = SHOWN if CUSTOMERS in call.caller.scopes else MASKED
    after = _after(query, order_by)
    wanted = _filter(query, call.scope.merchant_id, sight)
    query.raise_if_any()
    async with call.services.world.db.read() as connection:
        rows = await list_orders_page(
            connection,
            wanted,
            number=number,
            size=size + (after is not None),
            order_by=order_by,
            descending=descending,
            after=after,
        )
        total = await _total(call, connection, wanted)
    pages = -(-total // size)
    further = len(rows) > size if after else number < pages
    rows, number = rows[:size], number if after is None else 0
    first = (number - 1) * size + 1 if rows and number else 0
    return Orders(
        statuses=_STATUSES,
        orders=OrderList(
            first_item_on_page=first,
            last_item_on_page=first + len(rows) - 1 if first else 0,
            page_number=number,
            page_size=size,
            page_count=pages,
            total_item_count=total,
            is_first_page=number == 1,
            is_last_page=not further,
            has_previous_page=number != 1 and total > 0,
            has_next_page=further,
            data=[shown(row) for row in rows],
            next=cursor_behind(rows[-1], order_by).text() if further and rows else None,
        ),
    )


def _after(query: Query, by: OrderBy) -> Cursor | None:
    text = query.one("after")
    cursor = parse_cursor(text, by) if text else None
    if text and (cursor is None or cursor.back):
        query.complain("after", "must be `next` of a page with the same orderBy")
    if text and query.one("pageNumber"):
        query.complain("pageNumber", "is not taken beside after")
    return cursor


async def _total(call: Call, connection: ReadConnection, order_filter: OrderFilter) -> int:
    """Exact, unless that takes too long. Of all orders it is known but for the newest."""
    services = call.services
    if order_filter == OrderFilter(
        order_filter.merchant_id, door="rescue", sight=order_filter.sight
    ):
        known = await services.totals.total(
            connection, order_filter.merchant_id, "rescue", services.world.clocks.wall()
        )
        if known is not None:
            return known
    return (await count_orders(connection, order_filter, exact=True)).value


def _filter(query: Query, merchant_id: UUID, sight: str) -> OrderFilter:
    mid = query.one("mid")
    if mid and parse_id(mid) != merchant_id:
        query.complain("mid", text=NOT_YOUR_MID)
    return OrderFilter(
        merchant_id,
        door="rescue",
        text=query.one("query"),
        statuses=_statuses(query),
        placed_from=query.instant("from"),
        placed_to=query.instant("to"),
        created_from=query.instant("createdFrom"),
        created_to=query.instant("createdTo"),
        order_ids=_ids(query),
        external_ids=tuple(query.many("externalOrderId", maximum=IDS_MAX)),
        tails=_tails(query),
        site_id=query.guid("siteId"),
        channels=_channels(query),
        source=_source(query),
        asset=_currency(query),
        descriptor=query.one("descriptor", maximum=64),
        units_from=query.number("amountFrom", None, 0, UNITS_MAX),
        units_to=query.number("amountTo", None, 0, UNITS_MAX),
        refunded=query.truth("hasRefund"),
        reasons=_reasons(query),
        code=query.one("declineCode", maximum=64),
        scheme=_brand(query),
        bin=_bin(query),
        sight=sight,
    )


def _reasons(query: Query) -> tuple[str, ...]:
    texts = query.many("reason", maximum=len(REASON_WORDS))
    if any(text not in REASON_WORDS for text in texts):
        query.complain("reason", f"must be one of {', '.join(REASON_WORDS)}")
        return ()
    return tuple(dict.fromkeys(texts))


def _brand(query: Query) -> str:
    text = query.one("cardBrand", maximum=64).lower()
    if text and text not in SCHEME_WORDS:
        query.complain("cardBrand", f"must be one of {', '.join(SCHEME_WORDS)}")
        return ""
    return text


def _bin(query: Query) -> str:
    text = query.one("cardBin", maximum=64)
    if text and not is_digits(text, 6):
        query.complain("cardBin", "must be the card's first six digits")
        return ""
    return text


def _statuses(query: Query) -> tuple[int, ...]:
    texts = query.many("status", maximum=IDS_MAX)
    if any(text not in _STATUSES for text in texts):
        known = ", ".join(f"{code} ({name})" for code, name in STATUS_NAMES.items())
        query.complain("status", f"must be one of {known}")
        return ()
    return tuple(int(text) for text in texts)


def _ids(query: Query) -> tuple[UUID, ...]:
    ids = [parse_id(text) for text in query.many("id", maximum=IDS_MAX)]
    if None in ids:
        query.complain("id", f"{GUID}; the merchant's own ids go into externalOrderId")
    return tuple(order_id for order_id in ids if order_id is not None)


def _tails(query: Query) -> tuple[str, ...]:
    tails = [parse_tail(text) for text in query.many("referenceNumber", maximum=IDS_MAX)]
    if None in tails:
        query.complain("referenceNumber", "must be eight hex digits like 1B7E2C41")
    return tuple(tail for tail in tails if tail is not None)


def _channels(query: Query) -> tuple[str, ...]:
    is_mit = query.truth("isMIT")
    return () if is_mit is None else ("mit",) if is_mit else ("cit_web", "cit_callcenter")


def _source(query: Query) -> str | None:
    text = query.one("orderSource", maximum=64)
    return source_of(text) if text else None


def _currency(query: Query) -> str | None:
    text = query.one("currency")
    if text and text.upper() not in EXPONENTS:
        query.complain(
            "currency", text=f"The currency {text[:8]!r} is not an ISO 4217 code like USD."
        )
    return text.upper() or None
