"""/handover/{token}: credentials for the person whom a link leads here. Open to everybody: the link is the proof.

A button shows them, not the link itself: programs that look at every link in a mail would use it up.
"""

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import Endpoint, outside, unsigned
from recoup.doors.portal.forms import same_origin
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.templates import render
from recoup.flows.merchants.handover import Credentials, look


def handover_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        return _page(portal, request, None)

    return unsigned(portal, show)


def handover_post(portal: Portal) -> Endpoint:
    async def reveal(request: Request) -> Response:
        same_origin(request)
        given = await look(portal.world, request.path_params["token"], request_id(request.scope))
        return _page(portal, request, given)

    return unsigned(portal, reveal)


def _page(portal: Portal, request: Request, given: Credentials | None) -> Response:
    lines = shell_lines(base_address(portal.world, request), given) if given else ""
    return render("partner/handover.html", outside(portal, request, given=given, lines=lines))
