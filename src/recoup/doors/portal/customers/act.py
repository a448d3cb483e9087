"""What may be done about a customer: block and unblock; a file of what is kept of them; erasure."""

from dataclasses import dataclass

from starlette.responses import StreamingResponse

from recoup.doors.portal.customers.listing import customers_page
from recoup.doors.portal.customers.page import customer_page, find, label_of
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.order.blocks import BLOCK, Unblock, unblock_by
from recoup.doors.portal.pages import Answer, nothing, shown
from recoup.doors.portal.personal import reveal_subject
from recoup.doors.portal.rights import anybody, role
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.blocks import block
from recoup.flows.people.persons import erase_all, export_person, find_alike
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.store.lists.customers import Customer


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
