"""One call of somebody who is signed in, whether they look at a merchant or have only a seat at a partner."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.portal.endpoint import Endpoint, session_of
from recoup.doors.portal.forms import Form
from recoup.doors.portal.own_forms import AT_MERCHANT, IN_WORLD, not_paused, read_form_of
from recoup.doors.portal.partner.visit import PartnerVisit, partner_endpoint
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.visit import Visit, member_endpoint
from recoup.kernel.problem import Problem

AnyVisit = Visit | PartnerVisit
AnyPage = Callable[[AnyVisit], Awaitable[Response]]


def any_endpoint(portal: Portal, work: AnyPage) -> Endpoint:
    """A route's endpoint. Who has a seat and no merchant yet gets a PartnerVisit, everybody else a Visit."""
    with_merchant, without = member_endpoint(portal, work), partner_endpoint(portal, work)

    async def endpoint(request: Request) -> Response:
        try:
            session = await session_of(portal, request)
        except Problem:
            session = None  # the page meets the same problem and shows it
        alone = session is not None and session.merchant is None and session.seat is not None
        return await (without if alone else with_merchant)(request)

    return endpoint


async def any_form(visit: AnyVisit) -> Form:
    """Raises: as `checked_form`."""
    not_paused(visit.paused)
    return await read_form_of(visit.request, visit.session, where_of(visit))


def where_of(visit: AnyVisit) -> int:
    """A partner's forms are of the partner, whichever merchant is looked at."""
    return AT_MERCHANT if isinstance(visit, Visit) else IN_WORLD
