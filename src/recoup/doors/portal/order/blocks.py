"""The forms by which a customer or a card is blocked, and let buy again, from an order's page."""

from typing import Final

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.order.page import find, order
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.pages import Answer
from recoup.doors.portal.rights import role
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.blocks import block_of_order, unblock
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.store.read.order_page import OrderPage

BLOCK: Final = role("block", "block customers and cards")


@order.post("/orders/{order_id}/block", may=BLOCK, find=find)
async def post_block(visit: Visit, form: Form, page: OrderPage) -> Answer:
    """Blocked before, nothing changes."""
    await block_of_order(visit.world, visit.scope, page.order_id, first(form, "kind"), first(form, "reason"))
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(back_to(visit, page.order_id, "customer"))


@order.post("/orders/{order_id}/unblock", may=BLOCK, find=find)
async def post_unblock(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await unblock_by(visit, first(form, "block"))
    return redirect(back_to(visit, page.order_id, "customer"))


async def unblock_by(visit: Visit, text: str) -> None:
    """Raises: Problem(not_found)."""
    block_id = parse_id(text)
    if block_id is None:
        raise Problem("not_found", "There is no such block.", cure="Reload the page.")
    await unblock(visit.world, visit.scope, block_id)
    visit.portal.merchants.forget(visit.merchant_id)
