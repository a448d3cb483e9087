"""What may be done about a customer: block and unblock; a file of what is kept of them; erasure."""

from starlette.responses import Response, StreamingResponse

from recoup.doors.portal.customers.label import label_of
from recoup.doors.portal.customers.page import blocks_page, find, show
from recoup.doors.portal.order.blocks import may_block, unblock_by
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit, checked_form, one, see
from recoup.flows.merchants.blocks import block
from recoup.flows.people.persons import erase_person, export_person
from recoup.kernel.problem import Problem


async def post_block(visit: Visit) -> Response:
    form = await checked_form(visit)
    payer_id = (await find(visit))["payer_id"]
    may_block(visit)
    try:
        await block(visit.portal.world, visit.scope, "customer", payer_id, one(form, "reason"))
    except Problem as problem:
        return await show(visit, problem=problem)
    visit.portal.merchants.forget(visit.merchant_id)
    return see(f"/customers/{payer_id}")


async def post_unblock(visit: Visit) -> Response:
    """Of whatever is blocked, from the list of them."""
    form = await checked_form(visit)
    may_block(visit)
    try:
        await unblock_by(visit, one(form, "block"))
    except Problem as problem:
        return await blocks_page(visit, problem=problem)
    return see("/customers")


async def post_export(visit: Visit) -> Response:
    await checked_form(visit)
    payer_id = (await find(visit))["payer_id"]
    _may_erase(visit)
    parts = await export_person(visit.portal.world, visit.scope, payer_id)
    name = f"customer-{str(payer_id)[-6:]}-{visit.now:%Y-%m-%d}.json"
    headers = HEADERS | {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type="application/json", headers=headers)


async def post_erasure(visit: Visit) -> Response:
    """Only with the customer's name typed as the page shows it."""
    form = await checked_form(visit)
    customer = await find(visit)
    _may_erase(visit)
    if one(form, "confirm").strip().casefold() != label_of(customer).casefold():
        problem = Problem("invalid", "Nothing was erased: what was typed is not this customer.", field="confirm",
                          cure=f"Type {label_of(customer)} to erase their data.")  # fmt: skip
        return await show(visit, problem=problem)
    await erase_person(visit.portal.world, visit.scope, customer["payer_id"])
    return see(f"/customers/{customer['payer_id']}")


def _may_erase(visit: Visit) -> None:
    """Raises: Problem(forbidden)."""
    if not visit.session.may("erase"):
        raise Problem("forbidden", "Only an owner may export or erase a customer's data; nothing was done.",
                      cure="Ask an owner.")  # fmt: skip
