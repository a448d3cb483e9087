"""For whom somebody applies: the operator for nobody, a partner's people for it, others for their shop."""

from dataclasses import dataclass

from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.applications import Applicant
from recoup.kernel.problem import Problem


@dataclass(frozen=True, slots=True)
class ApplicationAccess:
    """`may_apply`: begin, edit, submit, cancel and convert. `may_decide`: the operator."""

    who: Applicant
    may_apply: bool
    may_decide: bool


def access_of(visit: AnyVisit) -> ApplicationAccess:
    scope, session = visit.scope, visit.session
    if session.is_operator:
        return ApplicationAccess(Applicant(None, scope.actor, scope.request_id), False, True)
    if session.seat is not None:
        owner = ("partner", session.seat.partner_id)
        return ApplicationAccess(Applicant(owner, scope.actor, scope.request_id), session.seat.may("apply"), False)
    assert isinstance(visit, Visit), "without a seat there is a merchant"
    applicant = Applicant(("merchant", visit.merchant_id), scope.actor, scope.request_id)
    return ApplicationAccess(applicant, session.may("apply"), False)


def only_applicants(access: ApplicationAccess) -> None:
    """Raises: Problem(forbidden)."""
    if not access.may_apply:
        raise Problem(
            "forbidden", "Your role may view applications, but not submit them; nothing was done.", cure="Ask an owner."
        )
