"""The forms by which a customer or a card is blocked, and let buy again, from an order's page."""

from typing import Final

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.forms import first
from recoup.doors.portal.order.page import find, show
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.merchants.blocks import block_of_order, unblock
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem

BLOCK: Final = ("block", "block customers and cards")


async def post_block(visit: Visit) -> Response:
    """Blocked before, nothing changes."""
    form = await checked_form(visit)
    page = await find(visit)
    visit.only(*BLOCK)
    try:
        await block_of_order(visit.world, visit.scope, page.order_id, first(form, "kind"), first(form, "reason"))
    except Problem as problem:
        return show(visit, page, problem=problem, status=STATUSES[problem.code])
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(back_to(visit, page.order_id, "customer"))


async def post_unblock(visit: Visit) -> Response:
    form = await checked_form(visit)
    page = await find(visit)
    visit.only(*BLOCK)
    try:
        await unblock_by(visit, first(form, "block"))
    except Problem as problem:
        return show(visit, page, problem=problem, status=STATUSES[problem.code])
    return redirect(back_to(visit, page.order_id, "customer"))


async def unblock_by(visit: Visit, text: str) -> None:
    """Raises: Problem(not_found)."""
    block_id = parse_id(text)
    if block_id is None:
        raise Problem("not_found", "There is no such block.", cure="Reload the page.")
    await unblock(visit.world, visit.scope, block_id)
    visit.portal.merchants.forget(visit.merchant_id)
