"""What the forms of an order's page have in common: may they, do it, back to the order or what was refused on it."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from recoup.doors.portal.order.page import find, show
from recoup.doors.portal.visit import STATUSES, Form, Visit, checked_form, see
from recoup.kernel.problem import Problem
from recoup.store.read.order_page import OrderPage

Work = Callable[[Visit, OrderPage, Form], Awaitable[object]]


def working(work: Work, may: Callable[[Visit], None]) -> Callable[[Visit], Awaitable[Response]]:
    """The same form again changes nothing: the flows see to that. `may` raises for whom it is not."""

    async def post(visit: Visit) -> Response:
        form = await checked_form(visit)
        page = await find(visit)
        may(visit)
        try:
            await work(visit, page, form)
        except Problem as problem:
            return show(visit, await find(visit), problem=problem, status=STATUSES[problem.code])
        return see(f"/orders/{page.order_id}")

    return post
