"""A second factor of everybody at a shop or partner: required by its owner, and removed for a member who lost it."""

from uuid import UUID

from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.portal.any_visit import AnyVisit, any_form
from recoup.doors.portal.endpoint import COOKIE, STATUSES, redirect, whence
from recoup.doors.portal.forms import first
from recoup.doors.portal.invitations.page import may_invite, subject_of
from recoup.doors.portal.templates import render
from recoup.flows.people.invitations import Subject
from recoup.flows.people.lost_factor import help_member, whom_to_help
from recoup.flows.people.oneself import Oneself
from recoup.flows.people.required_factor import require
from recoup.flows.people.sessions import session_hash
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem

_SHOWN = ("bad_credentials", "too_many_requests")


async def post_rule(visit: AnyVisit) -> Response:
    form = await any_form(visit)
    subject = await subject_of(visit, first(form, "subject"))
    if not may_invite(visit, subject):
        raise Problem("forbidden", "Only an owner can require it for everybody; nothing was done.",
                      cure="Ask the owner.")
    wanted = first(form, "required")
    if wanted not in ("yes", "no"):
        raise Problem("invalid", "Say whether it is required.", field="required", cure="Reload the page.")
    await require(visit.world, subject, visit.session.user_id, required=wanted == "yes",
                  request_id=visit.scope.request_id)  # fmt: skip
    return redirect("/invitations")


async def lost_page(visit: AnyVisit) -> Response:
    return await _show(visit, await subject_of(visit, visit.request.query_params.get("subject", "")), _user(visit))


async def post_lost(visit: AnyVisit) -> Response:
    form = await any_form(visit)
    subject, user_id = await subject_of(visit, first(form, "subject")), _user(visit)
    key = session_hash(visit.world, cookie(visit.request, COOKIE))
    me = Oneself(visit.session.user_id, key, whence(visit.request).address, visit.scope.request_id)
    try:
        await help_member(visit.world, visit.portal.passwords, subject, me, user_id, first(form, "password"))
    except Problem as problem:
        if problem.code not in _SHOWN:
            raise
        return await _show(visit, subject, user_id, problem)
    return redirect("/invitations")


def _user(visit: AnyVisit) -> UUID:
    user_id = parse_id(visit.request.path_params["user_id"])
    if user_id is None:
        raise Problem("not_found", "There is no such member.", cure="Reload the page.")
    return user_id


async def _show(visit: AnyVisit, subject: Subject, user_id: UUID, problem: Problem | None = None) -> Response:
    name = await whom_to_help(visit.world, subject, visit.session.user_id, user_id)
    values = visit.values(name=name, user_id=user_id, subject=subject, problem=problem)
    return render("invitations/lost.html", values, status=STATUSES[problem.code] if problem else 200)
