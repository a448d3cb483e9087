"""Who may look after webhooks, on whose behalf, and which endpoint an address names."""

from uuid import UUID

from recoup.doors.portal.visit import Visit
from recoup.flows.messages import endpoints
from recoup.flows.messages.endpoints import Endpoint
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope

_GONE = Problem("not_found", "There is no such webhook endpoint.", cure="Look at the list of webhooks.")


def may(visit: Visit) -> bool:
    return visit.is_operator or visit.session.may("hooks")


def acting(visit: Visit) -> Scope:
    """Raises: Problem(forbidden)."""
    if visit.is_operator:
        return visit.operator_scope
    if not visit.session.may("hooks"):
        raise Problem("forbidden", "Your role may look, not change webhooks.",
                      cure="Ask somebody with the role developer or operations.")  # fmt: skip
    return visit.scope


async def find(visit: Visit, *, changing: bool = False) -> Endpoint:
    """The endpoint of the address. `changing`: one that the stablecoin API manages is left alone here.

    Raises: Problem(not_found) for an id that is none, and for another merchant's; Problem(wrong_state).
    """
    endpoint_id: UUID | None = parse_id(visit.request.path_params["endpoint_id"])
    if endpoint_id is None:
        raise _GONE
    try:
        found = await endpoints.read(visit.portal.world, visit.scope, endpoint_id, every_door=True)
    except Problem:
        raise _GONE from None
    if changing and found.door != "rescue":
        raise Problem("wrong_state", "The stablecoin API manages this endpoint; nothing was changed.",
                      cure="Change it with PUT /api/v1/webhook.")  # fmt: skip
    return found


def in_portal(problem: Problem, cure: str) -> Problem:
    """A flow's refusal, whose cure speaks of the API, with what to do here."""
    return Problem(problem.code, problem.message, field=problem.field, cure=cure)
