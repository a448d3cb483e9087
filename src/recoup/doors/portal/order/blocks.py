"""The forms by which a customer or a card is blocked, and let buy again, from an order's page."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.order.page import find, order
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.pages import Answer
from recoup.doors.portal.rights import role
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.blocks import block_of_order, unblock
from recoup.kernel.problem import Problem
from recoup.store.orders.order_page import OrderPage

BLOCK: Final = role("block", "block customers and cards")


@dataclass(frozen=True, slots=True)
class NewBlock:
    """`kind`: customer or card."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unblock:
    block: Annotated[UUID, Problem("not_found", "There is no such block.", cure="Reload the page.")]


@order.post("/orders/{order_id}/block", may=BLOCK, shape=NewBlock, find=find)
async def post_block(visit: Visit, form: NewBlock, page: OrderPage) -> Answer:
    """Blocked before, nothing changes."""
    await block_of_order(visit.world, visit.scope, page.order_id, form.kind, form.reason)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(back_to(visit, page.order_id, "customer"))


@order.post("/orders/{order_id}/unblock", may=BLOCK, shape=Unblock, find=find)
async def post_unblock(visit: Visit, form: Unblock, page: OrderPage) -> Answer:
    await unblock_by(visit, form.block)
    return redirect(back_to(visit, page.order_id, "customer"))


async def unblock_by(visit: Visit, block_id: UUID) -> None:
    """Raises: Problem(not_found)."""
    await unblock(visit.world, visit.scope, block_id)
    visit.portal.merchants.forget(visit.merchant_id)
