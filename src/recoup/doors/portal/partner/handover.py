"""/handover/{token}: credentials for the person whom a link leads here. Open to everybody: the link is the proof.

A button shows them, not the link itself: programs that look at every link in a mail would use it up.
"""

from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.pages import Answer, Values, nothing, public, shown
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.public_visit import PublicVisit, from_here
from recoup.doors.portal.rights import anybody
from recoup.flows.merchants.handover import look


@public.page("/handover/{token}", "partner/handover.html")
async def handover(visit: PublicVisit) -> Values:
    return {"given": None, "lines": ""}


@handover.post(may=anybody, reads=from_here, shows=nothing)
async def reveal(visit: PublicVisit) -> Answer:
    request = visit.request
    given = await look(visit.world, request.path_params["token"], request_id(request.scope))
    return shown(given=given, lines=shell_lines(base_address(visit.world, request), given))
