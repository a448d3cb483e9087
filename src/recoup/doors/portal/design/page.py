"""Every part that pages are made of, in every state, with nobody's data: what a change of the look is looked at on."""

from recoup.doors.portal.design.samples import samples
from recoup.doors.portal.pages import Values, member
from recoup.doors.portal.visit import Visit

PLACE = "/design"


@member.page(PLACE, "design/design.html")
async def design(visit: Visit) -> Values:
    """For everybody in the sandbox. Raises: Problem(forbidden) in live, but for the operator."""
    if not visit.world.policy.test_mode:
        visit.only_operator("see the parts of pages in live")
    return samples(visit.now)
