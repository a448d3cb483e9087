"""What may be done about a customer: block and unblock; a file of what is kept of them; erasure."""

from starlette.responses import Response, StreamingResponse

from recoup.doors.portal.customers.label import label_of
from recoup.doors.portal.customers.listing import show_list
from recoup.doors.portal.customers.page import find, show
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import first
from recoup.doors.portal.order.blocks import BLOCK, unblock_by
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.merchants.blocks import block
from recoup.flows.people.persons import erase_all, export_person, find_alike
from recoup.kernel.problem import Problem


async def post_block(visit: Visit) -> Response:
    form = await checked_form(visit)
    payer_id = (await find(visit)).payer_id
    visit.only(*BLOCK)
    try:
        await block(visit.world, visit.scope, "customer", payer_id, first(form, "reason"))
    except Problem as problem:
        return await show(visit, problem=problem)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(f"/customers/{payer_id}")


async def post_unblock(visit: Visit) -> Response:
    """Of whatever is blocked, from the list of them."""
    form = await checked_form(visit)
    visit.only(*BLOCK)
    try:
        await unblock_by(visit, first(form, "block"))
    except Problem as problem:
        return await show_list(visit, problem=problem)
    return redirect("/customers")


async def post_export(visit: Visit) -> Response:
    await checked_form(visit)
    payer_id = (await find(visit)).payer_id
    visit.only("erase", "export a customer's data")
    parts = await export_person(visit.world, visit.scope, payer_id)
    name = f"customer-{str(payer_id)[-6:]}-{visit.now:%Y-%m-%d}.json"
    headers = HEADERS | {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type="application/json", headers=headers)


async def post_erasure(visit: Visit) -> Response:
    """Of all who are known by the same e-mail, and only with the customer's name typed as the page shows it."""
    form = await checked_form(visit)
    customer = await find(visit)
    visit.only("erase", "erase a customer's data")
    label = label_of(customer, visit.language)
    if first(form, "confirm").strip().casefold() != label.casefold():
        problem = Problem("invalid", "Nothing was erased: the text does not match this customer.", field="confirm",
                          cure=f"Type {label} to erase their data.")  # fmt: skip
        return await show(visit, problem=problem, typed=first(form, "confirm"))
    world, payer_id = visit.world, customer.payer_id
    email, alike = await find_alike(world, visit.merchant_id, payer_id)
    await erase_all(world, visit.scope, email, alike, last=payer_id)
    return redirect(f"/customers/{customer.payer_id}")
