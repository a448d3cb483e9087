"""All customers, page by page; or those who are meant by what was typed; and who is blocked."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, member, shown
from recoup.doors.portal.people import named
from recoup.doors.portal.visit import Visit
from recoup.flows.people.persons import find_by_name, nobody_found
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.merchants.blocks import REASONS, STANDING_MAX
from recoup.rules.merchants.personal import MASKED, SHOWN
from recoup.store.lists.customers import (
    BEGIN,
    COUNTED_MAX,
    ListedCustomer,
    Place,
    count_customers,
    customers_by_email,
    customers_of,
    find_customer,
    list_customers,
    payers_by_email,
    these_customers,
)
from recoup.store.lists.order_filter import OrderFilter
from recoup.store.lists.orders import list_orders
from recoup.store.merchants.blocks import list_blocks
from recoup.store.statement import Read

SIZE: Final = 50
TYPED_MAX: Final = 320
FOUND_MAX: Final = 100
ORDERS_MAX: Final = 500  # whose customers are meant, of those that words are found in


@member.page("/customers", "customers/customers.html", menu=Entry("Orders", 3, "Customers", "person"))
async def customers_page(visit: Visit) -> Values | Answer:
    """The only one who is found opens at once."""
    typed = visit.request.query_params.get("q", "").replace("\0", "").strip()[:TYPED_MAX]
    if not typed:
        return await _list(visit)
    try:
        found = await _found(visit, typed)
    except Problem as problem:  # the search took too long
        return shown(problem, **await _list(visit, typed, set()))
    if len(found) == 1:
        return redirect(f"/customers/{found.pop()}")
    nobody = None if found else nobody_found(masked=visit.pii_access == MASKED)
    return shown(nobody, **await _list(visit, typed, found))


async def _list(visit: Visit, typed: str = "", found: set[UUID] | None = None) -> Values:
    """`found`: who is meant by what was typed; None: everybody."""
    after, clear = _place(visit.request.query_params.get("after", "")), visit.pii_access == SHOWN
    async with visit.world.db.read() as connection:
        blocks = await list_blocks(connection, visit.merchant_id, STANDING_MAX)
        if found is None:
            rows = await list_customers(connection, visit.merchant_id, after, SIZE + 1, clear=clear)
            count = await count_customers(connection, visit.merchant_id)
        else:
            rows = await these_customers(connection, visit.merchant_id, list(found), clear=clear)
            count = min(len(rows), FOUND_MAX), len(rows) <= FOUND_MAX
    size = SIZE if found is None else FOUND_MAX
    return dict(
        typed=typed,
        rows=rows[:size],
        count=count,
        searched=found is not None,
        next=_text(rows[size - 1]) if found is None and len(rows) > size else None,
        paged=after != BEGIN,
        counted_max=COUNTED_MAX,
        blocks=blocks,
        blocked={b.subject_id for b in blocks if b.kind == "customer"},
        names=await named(visit, [row.actor for row in blocks]),
        reasons=REASONS,
    )


async def _found(visit: Visit, typed: str) -> set[UUID]:
    """The customers with exactly this; else the customers of the orders that it finds. Raises: Problem(unavailable)
    when that takes too long."""
    merchant_id = visit.merchant_id
    payer_id = parse_id(typed) or await find_by_name(visit.world, merchant_id, typed)
    async with visit.world.db.read() as connection:
        known = payer_id and await find_customer(connection, merchant_id, payer_id, clear=False)
        found = {payer_id} if payer_id and known else set()
        if "@" in typed:
            found |= {row.payer_id for row in await customers_by_email(connection, merchant_id, typed, FOUND_MAX)}
            found |= await payers_by_email(connection, merchant_id, typed, FOUND_MAX)
        return found or await _by_orders(connection, OrderFilter(merchant_id, text=typed, sight=visit.pii_access))


async def _by_orders(connection: Read, order_filter: OrderFilter) -> set[UUID]:
    page = await list_orders(connection, order_filter, limit=ORDERS_MAX)
    return await customers_of(connection, order_filter.merchant_id, [row.order_id for row in page.rows])


def _text(row: ListedCustomer) -> str:
    return f"{row.first_seen_at.isoformat()}_{row.payer_id}"


def _place(text: str) -> Place:
    """The list's begin for what names no place in it."""
    at, _, payer_id = text.partition("_")
    try:
        moment, found = datetime.fromisoformat(at), parse_id(payer_id)
    except ValueError:
        return BEGIN
    if found is None or moment.tzinfo is None or not 1970 < moment.year < BEGIN.first_seen_at.year:
        return BEGIN
    return Place(moment, found)
