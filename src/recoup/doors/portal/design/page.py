"""Every part that pages are made of, in every state, with nobody's data: what a change of the look is looked at on."""

from starlette.responses import Response

from recoup.doors.portal.design.samples import samples
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit

PLACE = "/design"


async def design_page(visit: Visit) -> Response:
    """For everybody in the sandbox. Raises: Problem(forbidden) in live, but for the operator."""
    if not visit.world.policy.test_mode:
        visit.only_operator("see the parts of pages in live")
    return render("design/design.html", visit.values(**samples(visit.now)))
