"""What waits for a person on a stablecoin order, and the forms by which they decide: late money, a stuck settlement."""

from typing import Final

from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.order.working import working
from recoup.doors.portal.visit import Visit
from recoup.flows.stable import late
from recoup.flows.stable.settle import settle_again
from recoup.store.read.order_page import OrderPage

_MONEY: Final = ("refund", "move money")


async def _give_back(visit: Visit, page: OrderPage, form: Form) -> None:
    await late.give_back(visit.portal.orders, visit.scope, page.order_id)


async def _by_hand(visit: Visit, page: OrderPage, form: Form) -> None:
    await late.settle_by_hand(visit.portal.orders, visit.scope, page.order_id, first(form, "note"))


async def _settle_again(visit: Visit, page: OrderPage, form: Form) -> None:
    await settle_again(visit.portal.orders, visit.scope, page.order_id)


post_give_back: Final = working(_give_back, *_MONEY)
post_by_hand: Final = working(_by_hand, *_MONEY)
post_settle_again: Final = working(_settle_again, *_MONEY)
