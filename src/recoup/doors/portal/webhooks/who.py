"""Who may look after webhooks, on whose behalf, and which endpoint an address names: a merchant's or a partner's."""

from typing import Final
from uuid import UUID

from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.visit import Visit
from recoup.flows.messages import endpoints
from recoup.flows.messages.endpoints import Endpoint
from recoup.flows.messages.owner import Owner
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope

PLACE: Final = "/webhooks"
OF_PARTNER: Final = "/partner/webhooks"
_GONE = Problem("not_found", "There is no such webhook endpoint.", cure="Choose it from the list of webhooks.")


def place(visit: AnyVisit) -> str:
    """Where the pages are."""
    return PLACE if isinstance(visit, Visit) else OF_PARTNER


def may(visit: AnyVisit) -> bool:
    if not isinstance(visit, Visit):
        return visit.seat.may("hooks") and not visit.paused
    return visit.may("hooks", or_operator=True)


def acting(visit: AnyVisit) -> Owner:
    """Raises: Problem(forbidden)."""
    if isinstance(visit, Visit):
        return at_merchant(visit)
    visit.only("hooks")
    return visit.scope


def at_merchant(visit: Visit) -> Scope:
    """Raises: Problem(forbidden)."""
    return visit.acting("hooks", "change webhooks")


async def find(visit: AnyVisit) -> Endpoint:
    """The endpoint of the address. Raises: Problem(not_found) for an id that is none, and for another's."""
    endpoint_id: UUID | None = parse_id(visit.request.path_params["endpoint_id"])
    if endpoint_id is None:
        raise _GONE
    try:
        return await endpoints.read(visit.world, visit.scope, endpoint_id, every_door=True)
    except Problem:
        raise _GONE from None


async def find_to_change(visit: AnyVisit) -> Endpoint:
    """The same, but one that the stablecoin API manages is left alone here. Raises: also Problem(wrong_state)."""
    found = await find(visit)
    if found.door != "rescue":
        raise Problem(
            "wrong_state",
            "The stablecoin API manages this endpoint; nothing was changed.",
            cure="Change it with PUT /api/v1/webhook.",
        )
    return found


def in_portal(problem: Problem, cure: str) -> Problem:
    """A flow's refusal, whose cure speaks of the API, with what to do here."""
    return Problem(problem.code, problem.message, field=problem.field, cure=cure)
