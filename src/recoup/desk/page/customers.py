"""Page of one customer, with all of theirs."""

from typing import Annotated, Final
from uuid import UUID

from recoup.db.statement import ReadConnection
from recoup.desk.flows.persons import (
    erase_all,
    export_person,
    find_alike,
    find_by_name,
    no_such_customer,
    nobody_found,
)
from recoup.desk.page.order.act import BLOCK, BlockId, unblock_by
from recoup.desk.store import customers as store
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.orders import list_orders
from recoup.kernel.ids import HIGHEST, parse_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.languages.said import said
from recoup.kit.lists.paging import cut, parse_place
from recoup.kit.personal import DOTS, MASKED, SHOWN
from recoup.merchants.flows.blocks import block
from recoup.merchants.rules.blocks import REASONS, STANDING_MAX
from recoup.merchants.store.blocks import list_blocks, standing_blocks
from recoup.people.page.endpoint import id_in_path, redirect
from recoup.people.page.feature_parts import panels
from recoup.people.page.form_shape import As, Text
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, download, member, nothing, shown
from recoup.people.page.personal import clear_until, reveal_subject
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import anybody, role

LIST_SIZE: Final = 50
TYPED_MAX: Final = 320
FOUND_MAX: Final = 100
ORDERS_MAX: Final = 500  # whose customers are meant, of those that words are found in


@member.page("/customers", "desk/customers.html", menu=Entry("Orders", 3, "Customers", "person"))
async def customers_page(
    visit: Visit,
    *,
    q: Annotated[str, Text(TYPED_MAX, strip=True)],
    after: Annotated[store.Place, As(lambda text: _place(text))] = store.BEGIN,
) -> Values | Answer:
    """The only one who is found opens at once."""
    typed = q
    if not typed:
        return await _list(visit, after)
    try:
        payers = await _found(visit, typed)
    except Problem as problem:  # the search took too long
        return shown(problem, **await _list(visit, after, typed, set()))
    if len(payers) == 1:
        return redirect(f"/customers/{payers.pop()}")
    nobody = None if payers else nobody_found(masked=visit.pii_access == MASKED)
    return shown(nobody, **await _list(visit, after, typed, payers))


async def _list(
    visit: Visit, after: store.Place, typed: str = "", payers: set[UUID] | None = None
) -> Values:
    """`found`: who is meant by what was typed; None: everybody."""
    clear = visit.pii_access == SHOWN
    async with visit.world.db.read() as connection:
        blocks = await list_blocks(connection, visit.merchant_id, STANDING_MAX)
        if payers is None:
            rows = await store.list_customers(
                connection, visit.merchant_id, after, LIST_SIZE + 1, clear=clear
            )
            count = await store.count_customers(connection, visit.merchant_id)
        else:
            rows = await store.these_customers(
                connection, visit.merchant_id, list(payers), clear=clear
            )
            count = min(len(rows), FOUND_MAX), len(rows) <= FOUND_MAX
    listed, last = cut(rows, LIST_SIZE if payers is None else FOUND_MAX)
    return dict(
        typed=typed,
        rows=listed,
        count=count,
        searched=payers is not None,
        next=_text(last) if last and payers is None else None,
        paged=after != store.BEGIN,
        counted_max=store.COUNTED_MAX,
        blocks=blocks,
        blocked={b.subject_id for b in blocks if b.kind == "customer"},
        names=await named(visit, [row.actor for row in blocks]),
        reasons=REASONS,
    )


async def _found(visit: Visit, typed: str) -> set[UUID]:
    """The customers with exactly this; else the customers of the orders that it finds. Raises:
    Problem(unavailable) when that takes too long."""
    merchant_id = visit.merchant_id
    payer_id = parse_id(typed) or await find_by_name(visit.world, merchant_id, typed)
    async with visit.world.db.read() as connection:
        known = payer_id and await store.find_customer(
            connection, merchant_id, payer_id, clear=False
        )
        payers = {payer_id} if payer_id and known else set()
        if "@" in typed:
            payers |= {
                row.payer_id
                for row in await store.customers_by_email(connection, merchant_id, typed, FOUND_MAX)
            }
            payers |= await store.payers_by_email(connection, merchant_id, typed, FOUND_MAX)
        return payers or await _by_orders(
            connection, OrderFilter(merchant_id, text=typed, sight=visit.pii_access)
        )


async def _by_orders(connection: ReadConnection, order_filter: OrderFilter) -> set[UUID]:
    page = await list_orders(connection, order_filter, limit=ORDERS_MAX)
    return await store.customers_of(
        connection, order_filter.merchant_id, [row.order_id for row in page.rows]
    )


def _text(row: store.ListedCustomer) -> str:
    return f"{row.first_seen_at.isoformat()}_{row.payer_id}"


def _place(text: str) -> store.Place | None:
    place = parse_place(text)
    return place and store.Place(*place)


def label_of(customer: store.Customer, language: str) -> str:
    """The label that the merchant knows them by, as it is; or the end of our id for one whose data
    is gone or masked, as the page's language says it. People type what they read."""
    label = customer.known_email or customer.external_id
    if label and DOTS not in label:
        return label
    return said(language, Sentence("customer {0}", str(customer.payer_id)[-6:]))


def is_gone(customer: store.Customer) -> bool:
    """True when nothing names them any more."""
    return not any(
        (customer.email, customer.name, customer.phone, customer.external_id, customer.newest)
    )


SIZE: Final = 100


@member.page("/customers/{payer_id}", "desk/customers_customer.html")
async def customer_page(visit: Visit, *, before: UUID = HIGHEST) -> Values:
    """`typed`: what did not confirm the erasure; its sheet stands open with that, and with the
    problem. Raises: Problem(not_found) for an id that is none, and for another merchant's
    customer."""
    payer_id, merchant_id = _id(visit), visit.merchant_id
    email, alike = await find_alike(visit.world, merchant_id, payer_id)
    async with visit.world.db.read() as connection:
        until = await clear_until(visit, connection, payer_id)
        clear = visit.pii_access == SHOWN or until is not None
        customer = await store.find_customer(connection, merchant_id, payer_id, clear=clear)
        if customer is None:
            raise no_such_customer()
        orders = await store.customer_orders(connection, merchant_id, payer_id, before, SIZE + 1)
        listed, last = cut(orders, SIZE)
        ids = [row.order_id for row in listed]
        attempts = await store.attempts_of(connection, merchant_id, ids)
        refunds = await store.refunds_of(connection, merchant_id, ids, clear=clear)
        transmissions = await store.transmissions_of(connection, merchant_id, payer_id, SIZE)
        sums = await store.customer_sums(connection, merchant_id, payer_id)
        lines = await store.person_log(connection, merchant_id, payer_id)
        _, opened = await store.count_orders_of(connection, merchant_id, alike)
        blocks = await standing_blocks(connection, merchant_id, [payer_id])
        more = await panels(lambda part: part.customer, connection, merchant_id, payer_id)
    actors = [row.actor for row in lines] + [row.actor for row in blocks]
    newest = dict.fromkeys(("first_name", "last_name", "email", "phone"), "") | (
        customer.newest or {}
    )
    return dict(
        customer=customer,
        newest=newest,
        gone=is_gone(customer),
        label=label_of(customer, visit.language),
        payer_id=payer_id,
        orders=listed,
        more=last and last.order_id,
        paged=before != HIGHEST,
        attempts=attempts,
        refunds=refunds,
        transmissions=transmissions,
        sums=sums,
        lines=lines,
        blocks=blocks,
        **more,
        external={row.order_id: row.external_id for row in orders},
        alike=len(alike),
        email=email if clear else "",
        open_orders=opened,
        names=await named(visit, actors),
        typed=None,
        may_erase=visit.session.may("erase"),
        masked=not clear,
        until=until,
        path=f"/customers/{payer_id}/reveal",
    )


async def find(visit: Visit) -> store.Customer:
    """The customer of the address. Raises: Problem(not_found) for an id that is none, and for
    another merchant's."""
    async with visit.world.db.read() as connection:
        until = await clear_until(visit, connection, _id(visit))
        clear = visit.pii_access == SHOWN or until is not None
        customer = await store.find_customer(connection, visit.merchant_id, _id(visit), clear=clear)
    if customer is None:
        raise no_such_customer()
    return customer


_id: Final = id_in_path("payer_id", no_such_customer())


@customer_page.post("/customers/{payer_id}/block", may=BLOCK, find=find)
async def post_block(visit: Visit, customer: store.Customer, *, reason: str) -> None:
    payer_id = customer.payer_id
    await block(visit.world, visit.scope, "customer", payer_id, reason)
    visit.portal.merchants.forget(visit.merchant_id)


@customers_page.post("/customers/unblock", may=BLOCK)
async def post_unblock(visit: Visit, *, block: BlockId) -> None:
    """Removes a block of whatever is blocked, from the list of them."""
    await unblock_by(visit, block)


@customer_page.post(
    "/customers/{payer_id}/export",
    may=role("erase", "export a customer's data"),
    find=find,
    shows=nothing,
)
async def post_export(visit: Visit, customer: store.Customer) -> Answer:
    payer_id = customer.payer_id
    parts = await export_person(visit.world, visit.scope, payer_id)
    name = f"customer-{str(payer_id)[-6:]}-{visit.now:%Y-%m-%d}.json"
    return download(parts, name, "application/json")


@customer_page.post(
    "/customers/{payer_id}/erase",
    may=role("erase", "erase a customer's data"),
    find=find,
    shows=nothing,
)
async def post_erasure(visit: Visit, customer: store.Customer, *, confirm: str) -> Answer:
    """Erases all who are known by the same e-mail, and only with the customer's name typed as the
    page shows it. `confirm`: the customer's name, as the page shows it."""
    label = label_of(customer, visit.language)
    if confirm.strip().casefold() != label.casefold():
        problem = invalid(
            "Nothing was erased: the text does not match this customer.",
            "confirm",
            Sentence("Type {0} to erase their data.", label),
        )
        return shown(problem, typed=confirm)
    world, payer_id = visit.world, customer.payer_id
    email, alike = await find_alike(world, visit.merchant_id, payer_id)
    await erase_all(world, visit.scope, email, alike, last=payer_id)
    return redirect(f"/customers/{customer.payer_id}")


@customer_page.post("/customers/{payer_id}/reveal", may=anybody, find=find, shows=nothing)
async def post_reveal(visit: Visit, customer: store.Customer) -> Answer:
    await reveal_subject(visit, "customer", customer.payer_id)
    return redirect(f"/customers/{customer.payer_id}#customer")
