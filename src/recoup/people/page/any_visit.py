"""Visit of somebody who is signed in, whether they look at a merchant or have only a seat at a
partner."""

from starlette.requests import Request
from starlette.responses import Response

from recoup.people.flows.sessions import Session
from recoup.people.page.partner_visit import PartnerVisit, partner_visit
from recoup.people.page.portal import Portal
from recoup.people.page.portal_visit import Visit, member_visit

AnyVisit = Visit | PartnerVisit


async def any_visit(portal: Portal, request: Request, session: Session) -> AnyVisit | Response:
    """The visit: a PartnerVisit of who has a seat and no merchant yet, else a Visit."""
    if session.merchant is None and session.seat:
        return await partner_visit(portal, request, session)
    return await member_visit(portal, request, session)
