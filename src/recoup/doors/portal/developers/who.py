"""Who may use the sandbox tools, and on whose behalf."""

from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope


def may_play(visit: Visit) -> bool:
    return visit.world.policy.test_mode and visit.may("sandbox", or_operator=True)


def acting(visit: Visit) -> Scope:
    """Raises: Problem(forbidden)."""
    if not visit.world.policy.test_mode:
        raise Problem(
            "forbidden", "This tool exists only in the sandbox; nothing was done.", cure="Switch to the sandbox."
        )
    return visit.acting("sandbox", "use the sandbox tools")
