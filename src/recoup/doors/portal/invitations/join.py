"""/invitations/{token}: whoever has the link joins, as the person that is signed in or as a new one."""

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import (
    COOKIE,
    SET_UP,
    STATUSES,
    Endpoint,
    locale,
    outside,
    redirect,
    session_of,
    unsigned,
    whence,
)
from recoup.doors.portal.forms import Form, first, read_form, same_origin
from recoup.doors.portal.looks.bounds import check_behind
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.signin.page import with_session
from recoup.doors.portal.templates import render
from recoup.flows.people.invitations import join_as, join_new, read_invitation
from recoup.flows.people.sessions import Session, is_csrf, switch_merchant
from recoup.kernel.problem import Problem
from recoup.store.read.invitations import OpenInvitation


def join_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        found = await read_invitation(portal.world, request.path_params["token"])
        session = await session_of(portal, request)
        if session is not None and session.must_set_up:
            return redirect(SET_UP)
        return _page(portal, request, found, session)

    return unsigned(portal, show)


def join_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        token = request.path_params["token"]
        same_origin(request)
        form = await read_form(request)
        found = await read_invitation(portal.world, token)
        session = await session_of(portal, request)
        if session is not None and session.must_set_up:
            return redirect(SET_UP)
        if session is not None:
            return await _join(portal, request, session, form, found)
        try:
            made = await join_new(portal.world, portal.passwords, token, first(form, "name"), first(form, "password"),
                                  whence(request), request_id=request_id(request.scope))  # fmt: skip
        except Problem as problem:
            if problem.code not in ("invalid", "conflict"):
                raise
            return _page(portal, request, found, None, problem, first(form, "name")[:80])
        return with_session(redirect("/orders"), request, made)

    return unsigned(portal, take)


async def _join(portal: Portal, request: Request, session: Session, form: Form, found: OpenInvitation) -> Response:
    check_behind(request, session)
    if not is_csrf(session, first(form, "csrf")):
        raise Problem("forbidden", "This form is from another session; nothing was done.", cure="Reload the page.")
    await join_as(portal.world, request.path_params["token"], session.user_id, request_id=request_id(request.scope))
    if found.subject_kind == "merchant":
        try:
            await switch_merchant(portal.world, cookie(request, COOKIE), session, found.subject_id)
        except Problem:
            pass  # this world does not have it: they are a member all the same
    return redirect("/orders")


def _page(
    portal: Portal, request: Request, found: OpenInvitation, session: Session | None, problem: Problem | None = None,
    name: str = "",
) -> Response:  # fmt: skip
    values = outside(
        portal, request, found=found, session=session, name=name, problem=problem, language=locale(request, session)
    )
    return render("invitations/join.html", values, status=STATUSES[problem.code] if problem else 200)
