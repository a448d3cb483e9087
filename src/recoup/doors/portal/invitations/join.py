"""/invitations/{token}: whoever has the link joins, as the person that is signed in or as a new one."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.portal.signin.page import with_session
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import COOKIE, STATUSES, Form, Portal, error_page, one, read_form, same_origin, see
from recoup.flows.people.invitations import join_as, join_new, read_invitation
from recoup.flows.people.sessions import Session, is_csrf, read_session, switch_merchant
from recoup.kernel.problem import Problem

Endpoint = Callable[[Request], Awaitable[Response]]


def join_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        try:
            found = await read_invitation(portal.world, request.path_params["token"])
            session = await read_session(portal.world, request.cookies.get(COOKIE, ""))
            return _page(portal, request, found, session)
        except Problem as problem:
            return error_page(portal, problem, request)

    return show


def join_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        token = request.path_params["token"]
        try:
            same_origin(request)
            form = await read_form(request)
            found = await read_invitation(portal.world, token)
            session = await read_session(portal.world, request.cookies.get(COOKIE, ""))
            if session is not None:
                return await _join(portal, request, session, form, found)
            try:
                made = await join_new(portal.world, portal.passwords, token, one(form, "name"), one(form, "password"))
            except Problem as problem:
                if problem.code not in ("invalid", "conflict"):
                    raise
                return _page(portal, request, found, None, problem, one(form, "name")[:80])
            return with_session(see("/orders"), request, made)
        except Problem as problem:
            return error_page(portal, problem, request)

    return take


async def _join(portal: Portal, request: Request, session: Session, form: Form, found: Any) -> Response:
    if not is_csrf(session, one(form, "csrf")):
        raise Problem("forbidden", "This form is from another session; nothing was done.", cure="Reload the page.")
    await join_as(portal.world, request.path_params["token"], session.user_id)
    if found["subject_kind"] == "merchant":
        try:
            await switch_merchant(portal.world, request.cookies.get(COOKIE, ""), session, found["subject_id"])
        except Problem:
            pass  # this world does not have it: they are a member all the same
    return see("/orders")


def _page(
    portal: Portal, request: Request, found: Any, session: Session | None, problem: Problem | None = None,
    name: str = "",
) -> Response:  # fmt: skip
    values = {
        "sandbox": portal.world.policy.test_mode, "offset": None, "found": found, "session": session, "name": name,
        "problem": problem, "path": request.url.path,
    }  # fmt: skip
    return render("invitations/join.html", values, status=STATUSES[problem.code] if problem else 200)
