"""/invitations/{token}: the holder of the link joins, as the person that is signed in or as a new one."""

from dataclasses import dataclass, field

from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import (
    COOKIE,
    SET_UP,
    locale,
    redirect,
    session_of,
    whence,
)
from recoup.doors.portal.form_shape import read_again
from recoup.doors.portal.impersonation.bounds import check_behind
from recoup.doors.portal.pages import Answer, Values, nothing, public, shown
from recoup.doors.portal.public_visit import PublicVisit
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.signin.page import with_session
from recoup.flows.people.invitations import join_as, join_new, read_invitation
from recoup.flows.people.passwords import Passwords
from recoup.flows.people.sessions import Session, is_csrf, switch_merchant
from recoup.kernel.problem import Problem
from recoup.store.people.invitations import OpenInvitation


@dataclass(frozen=True, slots=True)
class JoinForm:
    """`name`, `password`: of a new person; `csrf`: of one that is signed in."""

    name: str
    password: str = field(repr=False)
    csrf: str = field(repr=False)


@public.page("/invitations/{token}", "invitations/join.html")
async def join(visit: PublicVisit) -> Values | Answer:
    found = await read_invitation(visit.world, visit.request.path_params["token"])
    session = await session_of(visit.portal, visit.request) if visit.problem is None else None
    if session is not None and session.must_set_up:
        return redirect(SET_UP)
    return {
        "found": found,
        "session": session,
        "name": read_again(JoinForm, visit.typed).name[:80],
        "language": locale(visit.request, session),
    }


@join.post(may=anybody, shape=JoinForm, shows=nothing)
async def post_join(visit: PublicVisit, form: JoinForm) -> Answer:
    request, token = visit.request, visit.request.path_params["token"]
    found = await read_invitation(visit.world, token)
    session = await session_of(visit.portal, request)
    if session is not None and session.must_set_up:
        return redirect(SET_UP)
    if session is not None:
        return await _join(visit, session, form, found)
    try:
        made = await join_new(
            visit.world,
            visit.portal.get(Passwords),
            token,
            form.name,
            form.password,
            whence(request),
            request_id=request_id(request.scope),
        )
    except Problem as problem:
        if problem.code not in ("invalid", "conflict"):
            raise
        return shown(problem)
    return with_session(redirect("/orders"), request, made)


async def _join(visit: PublicVisit, session: Session, form: JoinForm, found: OpenInvitation) -> Response:
    request = visit.request
    check_behind(request, session)
    if not is_csrf(session, form.csrf):
        raise Problem("forbidden", "This form is from another session; nothing was done.", cure="Reload the page.")
    await join_as(visit.world, request.path_params["token"], session.user_id, request_id=request_id(request.scope))
    if found.subject_kind == "merchant":
        try:
            await switch_merchant(visit.world, cookie(request, COOKIE), session, found.subject_id)
        except Problem:
            pass  # this world does not have it: they are a member all the same
    return redirect("/orders")
