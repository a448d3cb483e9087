"""What waits for a person on a stablecoin order, and the forms by which they decide: late money, a stuck settlement."""

from dataclasses import dataclass
from typing import Final

from recoup.doors.portal.order.just_done import done
from recoup.doors.portal.order.page import find, order
from recoup.doors.portal.pages import Answer
from recoup.doors.portal.rights import role
from recoup.doors.portal.visit import Visit
from recoup.flows.locked import Orders
from recoup.flows.stable import late
from recoup.flows.stable.settle import settle_again
from recoup.store.orders.order_page import OrderPage

MONEY: Final = role("refund", "move money")


@order.post("/orders/{order_id}/give-back", may=MONEY, find=find)
async def post_give_back(visit: Visit, page: OrderPage) -> Answer:
    await late.give_back(visit.portal.get(Orders), visit.scope, page.order_id)
    return done(visit, page)


@dataclass(frozen=True, slots=True)
class Settled:
    """`note`: how it was settled."""

    note: str


@order.post("/orders/{order_id}/settled-by-hand", may=MONEY, shape=Settled, find=find)
async def post_by_hand(visit: Visit, form: Settled, page: OrderPage) -> Answer:
    await late.settle_by_hand(visit.portal.get(Orders), visit.scope, page.order_id, form.note)
    return done(visit, page)


@order.post("/orders/{order_id}/settle-again", may=MONEY, find=find)
async def post_settle_again(visit: Visit, page: OrderPage) -> Answer:
    await settle_again(visit.portal.get(Orders), visit.scope, page.order_id)
    return done(visit, page)
