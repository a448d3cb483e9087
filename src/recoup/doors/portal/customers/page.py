"""One customer, with all of theirs."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.responses import StreamingResponse

from recoup.doors.portal.customers.listing import customers_page
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.feature_parts import customer_panels
from recoup.doors.portal.order.blocks import BLOCK, Unblock, unblock_by
from recoup.doors.portal.pages import Answer, Values, member, nothing, shown
from recoup.doors.portal.people import named
from recoup.doors.portal.personal import clear_until, reveal_subject
from recoup.doors.portal.rights import anybody, role
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.blocks import block
from recoup.flows.people.persons import erase_all, export_person, find_alike, no_such_customer
from recoup.kernel.ids import HIGHEST, parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.languages.said import said
from recoup.rules.merchants.blocks import REASONS
from recoup.rules.merchants.personal import DOTS, SHOWN
from recoup.store.lists.customers import (
    Customer,
    attempts_of,
    count_orders_of,
    customer_orders,
    customer_sums,
    find_customer,
    person_log,
    refunds_of,
    transmissions_of,
)
from recoup.store.merchants.blocks import standing_blocks


def label_of(customer: Customer, language: str) -> str:
    """What the merchant knows them by, as it is; or the end of our id for one whose data is gone or masked, as the
    page's language says it. People type what they read."""
    found = customer.known_email or customer.external_id
    if found and DOTS not in found:
        return found
    return said(language, Sentence("customer {0}", str(customer.payer_id)[-6:]))


def is_gone(customer: Customer) -> bool:
    """Nothing names them any more."""
    return not any((customer.email, customer.name, customer.phone, customer.external_id, customer.newest))


SIZE: Final = 100


@member.page("/customers/{payer_id}", "customers/customer.html")
async def customer_page(visit: Visit) -> Values:
    """`typed`: what did not confirm the erasure; its sheet stands open with that, and with the problem. Raises:
    Problem(not_found) for an id that is none, and for another merchant's customer."""
    payer_id, merchant_id = _id(visit), visit.merchant_id
    before = parse_id(visit.request.query_params.get("before", "")) or HIGHEST
    email, alike = await find_alike(visit.world, merchant_id, payer_id)
    async with visit.world.db.read() as connection:
        until = await clear_until(visit, connection, payer_id)
        clear = visit.pii_access == SHOWN or until is not None
        customer = await find_customer(connection, merchant_id, payer_id, clear=clear)
        if customer is None:
            raise no_such_customer()
        orders = await customer_orders(connection, merchant_id, payer_id, before, SIZE + 1)
        ids = [row.order_id for row in orders[:SIZE]]
        attempts = await attempts_of(connection, merchant_id, ids)
        refunds = await refunds_of(connection, merchant_id, ids, clear=clear)
        transmissions = await transmissions_of(connection, merchant_id, payer_id, SIZE)
        sums = await customer_sums(connection, merchant_id, payer_id)
        lines = await person_log(connection, merchant_id, payer_id)
        _, opened = await count_orders_of(connection, merchant_id, alike)
        blocks = await standing_blocks(connection, merchant_id, [payer_id])
        panels = await customer_panels(connection, merchant_id, payer_id)
    actors = [row.actor for row in lines] + [row.actor for row in blocks]
    newest = dict.fromkeys(("first_name", "last_name", "email", "phone"), "") | (customer.newest or {})
    return dict(
        customer=customer,
        newest=newest,
        gone=is_gone(customer),
        label=label_of(customer, visit.language),
        payer_id=payer_id,
        orders=orders[:SIZE],
        more=ids[-1] if len(orders) > SIZE else None,
        paged=before != HIGHEST,
        attempts=attempts,
        refunds=refunds,
        transmissions=transmissions,
        sums=sums,
        lines=lines,
        blocks=blocks,
        **panels,
        external={row.order_id: row.external_id for row in orders},
        size=SIZE,
        alike=len(alike),
        email=email if clear else "",
        open_orders=opened,
        names=await named(visit, actors),
        reasons=REASONS,
        typed=None,
        may_erase=visit.session.may("erase"),
        masked=not clear,
        until=until,
        path=f"/customers/{payer_id}/reveal",
    )


async def find(visit: Visit) -> Customer:
    """The customer of the address. Raises: Problem(not_found) for an id that is none, and for another merchant's."""
    async with visit.world.db.read() as connection:
        until = await clear_until(visit, connection, _id(visit))
        clear = visit.pii_access == SHOWN or until is not None
        customer = await find_customer(connection, visit.merchant_id, _id(visit), clear=clear)
    if customer is None:
        raise no_such_customer()
    return customer


def _id(visit: Visit) -> UUID:
    """Of the address. Raises: Problem(not_found)."""
    found = parse_id(visit.request.path_params["payer_id"])
    if found is None:
        raise no_such_customer()
    return found


@dataclass(frozen=True, slots=True)
class NewBlock:
    reason: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """`confirm`: the customer's name, as the page shows it."""

    confirm: str


@customer_page.post("/customers/{payer_id}/block", may=BLOCK, shape=NewBlock, find=find)
async def post_block(visit: Visit, form: NewBlock, customer: Customer) -> Answer:
    payer_id = customer.payer_id
    await block(visit.world, visit.scope, "customer", payer_id, form.reason)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(f"/customers/{payer_id}")


@customers_page.post("/customers/unblock", may=BLOCK, shape=Unblock)
async def post_unblock(visit: Visit, form: Unblock) -> Answer:
    """Of whatever is blocked, from the list of them."""
    await unblock_by(visit, form.block)
    return redirect("/customers")


@customer_page.post(
    "/customers/{payer_id}/export", may=role("erase", "export a customer's data"), find=find, shows=nothing
)
async def post_export(visit: Visit, customer: Customer) -> Answer:
    payer_id = customer.payer_id
    parts = await export_person(visit.world, visit.scope, payer_id)
    name = f"customer-{str(payer_id)[-6:]}-{visit.now:%Y-%m-%d}.json"
    headers = HEADERS | {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type="application/json", headers=headers)


@customer_page.post(
    "/customers/{payer_id}/erase", may=role("erase", "erase a customer's data"), shape=Erasure, find=find, shows=nothing
)
async def post_erasure(visit: Visit, form: Erasure, customer: Customer) -> Answer:
    """Of all who are known by the same e-mail, and only with the customer's name typed as the page shows it."""
    label = label_of(customer, visit.language)
    if form.confirm.strip().casefold() != label.casefold():
        problem = Problem(
            "invalid",
            "Nothing was erased: the text does not match this customer.",
            field="confirm",
            cure=Sentence("Type {0} to erase their data.", label),
        )
        return shown(problem, typed=form.confirm)
    world, payer_id = visit.world, customer.payer_id
    email, alike = await find_alike(world, visit.merchant_id, payer_id)
    await erase_all(world, visit.scope, email, alike, last=payer_id)
    return redirect(f"/customers/{customer.payer_id}")


@customer_page.post("/customers/{payer_id}/reveal", may=anybody, find=find, shows=nothing)
async def post_reveal(visit: Visit, customer: Customer) -> Answer:
    await reveal_subject(visit, "customer", customer.payer_id)
    return redirect(f"/customers/{customer.payer_id}#customer")
