"""What the forms of an order's page have in common: may they, do it, back to the order or what was refused on it."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.forms import Form
from recoup.doors.portal.order.just_done import ADDRESS
from recoup.doors.portal.order.page import find, show
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.visit import Visit, checked_form
from recoup.kernel.problem import Problem
from recoup.store.read.order_page import OrderPage

Work = Callable[[Visit, OrderPage, Form], Awaitable[object]]


def working(work: Work, action: str, doing: str) -> Callable[[Visit], Awaitable[Response]]:
    """The same form again changes nothing: the flows see to that. `action` and `doing` as of `Visit.only`."""

    async def post(visit: Visit) -> Response:
        form = await checked_form(visit)
        page = await find(visit)
        visit.only(action, doing)
        try:
            await work(visit, page, form)
        except Problem as problem:
            return show(visit, await find(visit), problem=problem, status=STATUSES[problem.code])
        return redirect(back_to(visit, page.order_id, **{ADDRESS: "1"}))

    return post
