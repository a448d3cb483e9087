"""One call of somebody who is signed in, whether they look at a merchant or have only a seat at a partner."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.portal.partner.visit import PartnerVisit, partner_page
from recoup.doors.portal.visit import COOKIE, Form, Portal, Visit, not_paused, page, read_form_of
from recoup.flows.people.sessions import read_session
from recoup.kernel.problem import Problem

AnyVisit = Visit | PartnerVisit
AnyPage = Callable[[AnyVisit], Awaitable[Response]]


def any_page(portal: Portal, work: AnyPage) -> Callable[[Request], Awaitable[Response]]:
    """A route's endpoint. Who has a seat and no merchant yet gets a PartnerVisit, everybody else a Visit."""
    with_merchant, without = page(portal, work), partner_page(portal, work)

    async def endpoint(request: Request) -> Response:
        try:
            session = await read_session(portal.world, request.cookies.get(COOKIE, ""))
        except Problem:
            session = None  # the page meets the same trouble, and tells it
        alone = session is not None and session.merchant is None and session.seat is not None
        return await (without if alone else with_merchant)(request)

    return endpoint


async def any_form(visit: AnyVisit) -> Form:
    """Raises: Problem(forbidden) for a form that this session did not make, and for a paused partner's people."""
    not_paused(visit.paused)
    return await read_form_of(visit.request, visit.session)
