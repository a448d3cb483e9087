"""/handover/{token}: credentials for the person whom a link leads here. Open to everybody: the link is the proof.

A button shows them, not the link itself: programs that look at every link in a mail would use it up.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Portal, error_page, same_origin
from recoup.flows.merchants.handover import Credentials, look
from recoup.kernel.problem import Problem

Endpoint = Callable[[Request], Awaitable[Response]]


def handover_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        return _page(portal, request, None)

    return show


def handover_post(portal: Portal) -> Endpoint:
    async def reveal(request: Request) -> Response:
        try:
            same_origin(request)
            given = await look(portal.world, request.path_params["token"], request_id(request.scope))
        except Problem as problem:
            return error_page(portal, problem, request)
        return _page(portal, request, given)

    return reveal


def _page(portal: Portal, request: Request, given: Credentials | None) -> Response:
    lines = shell_lines(base_address(portal.world, request), given) if given else ""
    values = {"sandbox": portal.world.policy.test_mode, "offset": None, "given": given, "lines": lines,
              "path": request.url.path}  # fmt: skip
    return render("partner/handover.html", values)
