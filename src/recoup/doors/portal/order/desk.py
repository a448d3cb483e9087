"""What waits for a person on a stablecoin order, and the forms by which they decide: late money, a stuck settlement."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response

from recoup.doors.portal.order.page import find, show
from recoup.doors.portal.visit import STATUSES, Form, Visit, checked_form, one, see
from recoup.flows.stable import late
from recoup.flows.stable.settle import settle_again
from recoup.kernel.problem import Problem
from recoup.store.read.order_page import OrderPage

Decide = Callable[[Visit, OrderPage, Form], Awaitable[None]]


async def _give_back(visit: Visit, page: OrderPage, form: Form) -> None:
    await late.give_back(visit.portal.orders, visit.scope, page.order_id)


async def _by_hand(visit: Visit, page: OrderPage, form: Form) -> None:
    await late.settle_by_hand(visit.portal.orders, visit.scope, page.order_id, one(form, "note"))


async def _settle_again(visit: Visit, page: OrderPage, form: Form) -> None:
    await settle_again(visit.portal.orders, visit.scope, page.order_id)


def _decided(decide: Decide) -> Callable[[Visit], Awaitable[Response]]:
    """The same form again changes nothing: the flows see to that."""

    async def post(visit: Visit) -> Response:
        form = await checked_form(visit)
        page = await find(visit)
        if not visit.session.may("refund"):
            cure = "Ask somebody with the role operations."
            raise Problem("forbidden", "Your role may look, not move money.", cure=cure)
        try:
            await decide(visit, page, form)
        except Problem as problem:
            return show(visit, await find(visit), problem=problem, status=STATUSES[problem.code])
        return see(f"/orders/{page.order_id}")

    return post


post_give_back: Final = _decided(_give_back)
post_by_hand: Final = _decided(_by_hand)
post_settle_again: Final = _decided(_settle_again)
