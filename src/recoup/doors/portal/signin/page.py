"""Signing in and out, and choosing the merchant to look at."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.rate import client_address
from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import (
    COOKIE,
    STATUSES,
    Portal,
    Visit,
    error_page,
    is_place,
    one,
    read_form,
    read_form_of,
    same_origin,
    see,
)
from recoup.flows.people.sessions import LASTS, is_csrf, read_session, sign_out, switch_merchant, switch_world
from recoup.flows.people.sign_in import SignIn, sign_in
from recoup.flows.sign_up import is_open
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem

Endpoint = Callable[[Request], Awaitable[Response]]
_HOME: Final = "/orders"


def sign_in_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        wanted = next_page(request.query_params.get("next", ""))
        try:
            if await read_session(portal.world, request.cookies.get(COOKIE, "")) is not None:
                return see(wanted or _HOME)
        except Problem as problem:
            return error_page(portal, problem, request)
        return _form(portal, "", wanted, None, 200)

    return show


def sign_in_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        email = wanted = ""
        try:
            same_origin(request)
            form = await read_form(request)
            email, wanted = one(form, "email")[:254], next_page(one(form, "next"))
            address = client_address(request.scope) or "unknown"
            asked = SignIn(email, one(form, "password"), address, request.cookies.get(COOKIE, "")[:100] or None)
            token = await sign_in(portal.world, portal.passwords, asked)
        except Problem as problem:
            if problem.code not in ("bad_credentials", "too_many_requests"):
                return error_page(portal, problem, request)
            answer = _form(portal, email, wanted, problem.message, STATUSES[problem.code])
            if problem.retry_after_seconds is not None:
                answer.headers["retry-after"] = str(problem.retry_after_seconds)
            return answer
        return with_session(see(wanted or _HOME), request, token)

    return take


def with_session(answer: Response, request: Request, token: str) -> Response:
    """The answer with the session's cookie."""
    # Over plain HTTP a Secure cookie would never come back; live refuses plain HTTP beyond loopback.
    answer.set_cookie(
        COOKIE, token, max_age=int(LASTS.total_seconds()), path="/", secure=request.url.scheme == "https",
        httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


def sign_out_post(portal: Portal) -> Endpoint:
    async def leave(request: Request) -> Response:
        try:
            same_origin(request)
            token = request.cookies.get(COOKIE, "")
            session = await read_session(portal.world, token)
            if session is not None:
                if not is_csrf(session, one(await read_form(request), "csrf")):
                    raise Problem("forbidden", "This form is from another session.", cure="Reload the page.")
                await sign_out(portal.world, token)
        except Problem as problem:
            return error_page(portal, problem, request)
        answer = see("/signin")
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return answer

    return leave


async def choose(visit: Visit) -> Response:
    """Another of the merchants that this person may see."""
    form = await read_form_of(visit.request, visit.session)  # who looks may choose at what
    merchant_id = parse_id(one(form, "merchant"))
    if merchant_id is None:
        raise Problem("invalid", "This is not a merchant's id.", field="merchant",
                      cure="Choose one from the list of merchants.")  # fmt: skip
    token = visit.request.cookies.get(COOKIE, "")
    await switch_merchant(visit.portal.world, token, visit.session, merchant_id)
    return see(_HOME)


async def go_to_other_world(visit: AnyVisit) -> Response:
    """The same page in the other environment; what shows one thing leads to the list of its kind."""
    form = await read_form_of(visit.request, visit.session)
    token = await switch_world(visit.portal.world, visit.request.cookies.get(COOKIE, ""), visit.session)
    wanted = next_page(one(form, "next"))
    if wanted.count("/") > 1:
        wanted = "/" + wanted.split("/")[1]
    return with_session(see(wanted or _HOME), visit.request, token)


def next_page(path: str) -> str:
    """A page of ours, or nothing: never another site."""
    return path if is_place(path) and path.isprintable() and "\\" not in path else ""


def _form(portal: Portal, email: str, wanted: str, error: str | None, status: int) -> Response:
    values = {
        "sandbox": portal.world.policy.test_mode, "offset": None, "email": email, "next": wanted, "error": error,
        "sign_up": is_open(portal.world),
    }  # fmt: skip
    return render("signin/signin.html", values, status=status)
