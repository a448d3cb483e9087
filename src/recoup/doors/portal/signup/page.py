"""/signup: an e-mail, a password and a name become a partner, a merchant or both. Credentials are shown once."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.portal.endpoint import COOKIE, STATUSES, Endpoint, outside, unsigned, whence
from recoup.doors.portal.forms import first, read_form, same_origin
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.signin.page import with_device, with_half, with_session
from recoup.doors.portal.templates import render
from recoup.flows.sign_up import KINDS, SignedUp, SignUp, is_open, sign_up
from recoup.kernel.problem import Problem

_SHOWN: Final = ("invalid", "unavailable")
_EMPTY: Final = {"email": "", "name": "", "kind": "merchant", "site_url": ""}
_CLOSED: Final = Problem("not_found", "Sign-up is switched off.", cure="Ask the operator for an account.")


def sign_up_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        if not is_open(portal.world):
            raise _CLOSED
        return _form(portal, request, {}, None)

    return unsigned(portal, show)


def sign_up_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        typed: dict[str, str] = {}
        try:
            if not is_open(portal.world):
                raise _CLOSED
            same_origin(request)
            form = await read_form(request)
            typed = {name: first(form, name).strip()[:512] for name in ("email", "name", "kind", "site_url")}
            here = whence(request)
            old = cookie(request, COOKIE)[:100] or None
            asked = SignUp(typed["email"], first(form, "password"), typed["name"], typed["kind"], typed["site_url"],
                           here.address, old, here.agent)  # fmt: skip
            made = await sign_up(portal.world, portal.passwords, asked)
        except Problem as problem:
            if problem.code not in _SHOWN:
                raise
            return _form(portal, request, typed, problem)
        if made.is_half:
            return with_device(with_half(request, made.session), request, made.device)
        answer = with_session(_welcome(portal, made, request), request, made.session)
        return with_device(answer, request, made.device)

    return unsigned(portal, take)


def _welcome(portal: Portal, made: SignedUp, request: Request) -> Response:
    lines = shell_lines(base_address(portal.world, request), made.credentials, made.partner_key)
    return render("signup/welcome.html", outside(portal, request, made=made, lines=lines))


def _form(portal: Portal, request: Request, typed: dict[str, str], problem: Problem | None) -> Response:
    values = outside(portal, request, problem=problem, kinds=KINDS, typed=_EMPTY | typed)
    return render("signup/signup.html", values, status=STATUSES[problem.code] if problem else 200)
