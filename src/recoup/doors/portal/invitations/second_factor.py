"""A second factor of everybody at a shop or partner: required by its owner, and removed for a member who lost it."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from recoup.doors.edge.cookies import cookie
from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.endpoint import COOKIE, redirect, whence
from recoup.doors.portal.form_shape import read_again
from recoup.doors.portal.invitations.page import may_invite, people, subject_of
from recoup.doors.portal.pages import Answer, Values, either, nothing, only
from recoup.doors.portal.rights import anybody
from recoup.flows.people.lost_factor import help_member, whom_to_help
from recoup.flows.people.passwords import Passwords
from recoup.flows.people.required_factor import require
from recoup.flows.people.sessions import session_hash
from recoup.flows.people.who import Oneself
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem


@dataclass(frozen=True, slots=True)
class RuleForm:
    """`required`: of everybody at the `subject`."""

    subject: str
    required: Literal["yes", "no"] | None


@dataclass(frozen=True, slots=True)
class LostForm:
    """`password`: of who helps."""

    subject: str
    password: str = field(repr=False)


@people.post("/invitations/second-factor", may=anybody, shape=RuleForm, shows=nothing)
async def post_rule(visit: AnyVisit, form: RuleForm) -> Answer:
    subject = await subject_of(visit, form.subject)
    if not may_invite(visit, subject):
        raise Problem(
            "forbidden", "Only an owner can require it for everybody; nothing was done.", cure="Ask the owner."
        )
    if form.required is None:
        raise Problem("invalid", "Say whether it is required.", field="required", cure="Reload the page.")
    await require(
        visit.world, subject, visit.session.user_id, required=form.required == "yes", request_id=visit.scope.request_id
    )
    return redirect("/invitations")


@either.page("/invitations/members/{user_id}/second-factor", "invitations/lost.html")
async def lost(visit: AnyVisit) -> Values:
    """`subject`: the shop or partner, of the form, else of the address."""
    wanted = read_again(LostForm, visit.typed).subject if visit.typed else visit.request.query_params.get("subject", "")
    subject, user_id = await subject_of(visit, wanted), _user(visit)
    name = await whom_to_help(visit.world, subject, visit.session.user_id, user_id)
    return dict(
        name=name,
        user_id=user_id,
        subject=subject,
    )


@lost.post(may=anybody, shape=LostForm, shows=only("bad_credentials", "too_many_requests"))
async def post_lost(visit: AnyVisit, form: LostForm) -> Answer:
    subject, user_id = await subject_of(visit, form.subject), _user(visit)
    key = session_hash(visit.world, cookie(visit.request, COOKIE))
    me = Oneself(visit.session.user_id, key, whence(visit.request).address, visit.scope.request_id)
    await help_member(visit.world, visit.portal.get(Passwords), subject, me, user_id, form.password)
    return redirect("/invitations")


def _user(visit: AnyVisit) -> UUID:
    user_id = parse_id(visit.request.path_params["user_id"])
    if user_id is None:
        raise Problem("not_found", "There is no such member.", cure="Reload the page.")
    return user_id
