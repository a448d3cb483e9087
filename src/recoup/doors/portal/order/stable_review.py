"""What waits for a person on a stablecoin order, and the forms by which they decide: late money, a stuck settlement."""

from typing import Final

from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.order.just_done import done
from recoup.doors.portal.order.page import find, order
from recoup.doors.portal.pages import Answer
from recoup.doors.portal.rights import role
from recoup.doors.portal.visit import Visit
from recoup.flows.stable import late
from recoup.flows.stable.settle import settle_again
from recoup.store.read.order_page import OrderPage

MONEY: Final = role("refund", "move money")


@order.post("/orders/{order_id}/give-back", may=MONEY, find=find)
async def post_give_back(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await late.give_back(visit.portal.orders, visit.scope, page.order_id)
    return done(visit, page)


@order.post("/orders/{order_id}/settled-by-hand", may=MONEY, find=find)
async def post_by_hand(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await late.settle_by_hand(visit.portal.orders, visit.scope, page.order_id, first(form, "note"))
    return done(visit, page)


@order.post("/orders/{order_id}/settle-again", may=MONEY, find=find)
async def post_settle_again(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await settle_again(visit.portal.orders, visit.scope, page.order_id)
    return done(visit, page)
