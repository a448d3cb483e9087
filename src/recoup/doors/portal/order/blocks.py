"""The forms by which a customer or a card is blocked, and let buy again, from an order's page."""

from starlette.responses import Response

from recoup.doors.portal.order.page import find, show
from recoup.doors.portal.visit import STATUSES, Visit, checked_form, one, see
from recoup.flows.merchants.blocks import block_of_order, unblock
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem


async def post_block(visit: Visit) -> Response:
    """Blocked before, nothing changes."""
    form = await checked_form(visit)
    page = await find(visit)
    may_block(visit)
    try:
        await block_of_order(visit.portal.world, visit.scope, page.order_id, one(form, "kind"), one(form, "reason"))
    except Problem as problem:
        return show(visit, page, problem=problem, status=STATUSES[problem.code])
    visit.portal.merchants.forget(visit.merchant_id)
    return see(f"/orders/{page.order_id}#customer")


async def post_unblock(visit: Visit) -> Response:
    form = await checked_form(visit)
    page = await find(visit)
    may_block(visit)
    try:
        await unblock_by(visit, one(form, "block"))
    except Problem as problem:
        return show(visit, page, problem=problem, status=STATUSES[problem.code])
    return see(f"/orders/{page.order_id}#customer")


async def unblock_by(visit: Visit, text: str) -> None:
    """Raises: Problem(not_found)."""
    block_id = parse_id(text)
    if block_id is None:
        raise Problem("not_found", "There is no such block.", cure="Reload the page.")
    await unblock(visit.portal.world, visit.scope, block_id)
    visit.portal.merchants.forget(visit.merchant_id)


def may_block(visit: Visit) -> None:
    """Raises: Problem(forbidden)."""
    if not visit.session.may("block"):
        cure = "Ask somebody with the role operations."
        raise Problem("forbidden", "Your role may look, not block anybody.", cure=cure)
