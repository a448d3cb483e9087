"""/signup: an e-mail, a password and a name become a partner, a merchant or both. Credentials are shown once."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.rate import client_address
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import (
    COOKIE,
    STATUSES,
    Portal,
    error_page,
    one,
    read_form,
    same_origin,
    see,
)
from recoup.flows.people.sessions import LASTS
from recoup.flows.sign_up import KINDS, SignedUp, SignUp, is_open, sign_up
from recoup.kernel.problem import Problem

Endpoint = Callable[[Request], Awaitable[Response]]
_SHOWN: Final = ("invalid", "unavailable")
_CLOSED: Final = Problem("not_found", "There is no sign-up here.", cure="Ask the operator for an account.")


def sign_up_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        if not is_open(portal.world):
            return error_page(portal, _CLOSED, request)
        return _form(portal, {}, None)

    return show


def sign_up_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        typed: dict[str, str] = {}
        try:
            if not is_open(portal.world):
                raise _CLOSED
            same_origin(request)
            form = await read_form(request)
            typed = {name: one(form, name).strip()[:512] for name in ("email", "name", "kind", "site_url")}
            address = client_address(request.scope) or "unknown"
            old = request.cookies.get(COOKIE, "")[:100] or None
            asked = SignUp(typed["email"], one(form, "password"), typed["name"], typed["kind"], typed["site_url"],
                           address, old)  # fmt: skip
            made = await sign_up(portal.world, portal.passwords, asked)
        except Problem as problem:
            return _form(portal, typed, problem) if problem.code in _SHOWN else error_page(portal, problem, request)
        return _with_session(_welcome(portal, made, request), request, made.session)

    return take


def _welcome(portal: Portal, made: SignedUp, request: Request) -> Response:
    if made.credentials is None and made.partner_key is None:
        return see("/orders")
    lines = shell_lines(base_address(portal.world, request), made.credentials, made.partner_key)
    values = {"sandbox": portal.world.policy.test_mode, "offset": None, "made": made, "lines": lines}
    return render("signup/welcome.html", values)


def _with_session(answer: Response, request: Request, token: str) -> Response:
    answer.set_cookie(
        COOKIE, token, max_age=int(LASTS.total_seconds()), path="/", secure=request.url.scheme == "https",
        httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


def _form(portal: Portal, typed: dict[str, str], problem: Problem | None) -> Response:
    values = {
        "sandbox": portal.world.policy.test_mode, "offset": None, "problem": problem, "kinds": KINDS,
        "typed": {"email": "", "name": "", "kind": "merchant", "site_url": ""} | typed,
    }  # fmt: skip
    return render("signup/signup.html", values, status=STATUSES[problem.code] if problem else 200)
