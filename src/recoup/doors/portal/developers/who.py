"""Who may use the sandbox's tools, and on whose behalf."""

from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope


def may_play(visit: Visit) -> bool:
    return visit.portal.world.policy.test_mode and (visit.is_operator or visit.session.may("sandbox"))


def acting(visit: Visit) -> Scope:
    """Raises: Problem(forbidden)."""
    if not visit.portal.world.policy.test_mode:
        raise Problem("forbidden", "This is a tool of the sandbox; nothing was done.", cure="Go to the sandbox.")
    if visit.is_operator:
        return visit.operator_scope
    if not visit.session.may("sandbox"):
        raise Problem("forbidden", "Your role may look, not use the sandbox's tools.",
                      cure="Ask somebody with the role developer or operations.")  # fmt: skip
    return visit.scope
