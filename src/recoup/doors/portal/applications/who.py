"""For whom somebody applies: the operator for nobody, a partner's people for it, others for their shop."""

from dataclasses import dataclass

from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.applications import Applicant
from recoup.flows.people.sessions import MAY
from recoup.kernel.problem import Problem
from recoup.store.read.people import partner_roles


@dataclass(frozen=True, slots=True)
class Desk:
    """`may_apply`: begin, edit, submit, cancel and convert. `may_decide`: the operator."""

    who: Applicant
    may_apply: bool
    may_decide: bool


async def desk_of(visit: Visit) -> Desk:
    actor, request = visit.scope.actor, visit.scope.request_id
    if visit.is_operator:
        return Desk(Applicant(None, actor, request), False, True)
    async with visit.portal.world.extra["people"].connection() as connection:
        partners = await partner_roles(connection, visit.session.user_id)
    if partners:
        partner_id, role, _ = partners[0]
        return Desk(Applicant(("partner", partner_id), actor, request), "apply" in MAY.get(role, ()), False)
    return Desk(Applicant(("merchant", visit.merchant_id), actor, request), visit.session.may("apply"), False)


def only_applicants(desk: Desk) -> None:
    """Raises: Problem(forbidden)."""
    if not desk.may_apply:
        raise Problem("forbidden", "Your role may look, not apply; nothing was done.", cure="Ask an owner.")
