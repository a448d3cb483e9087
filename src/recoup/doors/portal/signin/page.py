"""Signing in and out, and choosing the merchant to look at."""

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.endpoint import (
    COOKIE,
    STATUSES,
    Endpoint,
    is_place,
    outside,
    redirect,
    session_of,
    unsigned,
    whence,
)
from recoup.doors.portal.forms import first, read_form, same_origin
from recoup.doors.portal.own_forms import read_form_of
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit
from recoup.flows.people.sessions import LASTS, is_csrf, sign_out, switch_merchant, switch_world
from recoup.flows.people.sign_in import HALF_LASTS, SignIn, sign_in
from recoup.flows.sign_up import is_open
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem

HOME: Final = "/orders"
HALF: Final = "recoup_half"  # a cookie that is no session: the password was right, the code is still to come
CODE: Final = "/signin/code"
DEVICE: Final = "recoup_device"
DEVICE_SECONDS: Final = 180 * 86_400


def sign_in_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        wanted = next_page(request.query_params.get("next", ""))
        if await session_of(portal, request) is not None:
            return redirect(wanted or HOME)
        return sign_in_form(portal, request, "", wanted, None, 200)

    return unsigned(portal, show)


def sign_in_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        email = wanted = ""
        try:
            same_origin(request)
            form = await read_form(request)
            email, wanted = first(form, "email")[:254], next_page(first(form, "next"))
            here = whence(request)
            asked = SignIn(email, first(form, "password"), here.address, cookie(request, COOKIE)[:100] or None,
                           here.agent, request_id(request.scope), cookie(request, DEVICE)[:100])  # fmt: skip
            entered = await sign_in(portal.world, portal.passwords, asked)
        except Problem as problem:
            if problem.code not in ("bad_credentials", "too_many_requests"):
                raise
            answer = sign_in_form(portal, request, email, wanted, problem.message, STATUSES[problem.code])
            if problem.retry_after_seconds is not None:
                answer.headers["retry-after"] = str(problem.retry_after_seconds)
            return answer
        if entered.is_half:
            return with_device(with_half(request, entered.token, wanted), request, entered.device)
        return with_device(with_session(redirect(wanted or HOME), request, entered.token), request, entered.device)

    return unsigned(portal, take)


def with_session(answer: Response, request: Request, token: str) -> Response:
    """The answer with the session's cookie."""
    # Over plain HTTP a Secure cookie would never come back; live refuses plain HTTP beyond loopback.
    answer.set_cookie(
        COOKIE, token, max_age=int(LASTS.total_seconds()), path="/", secure=request.url.scheme == "https",
        httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


def with_device(answer: Response, request: Request, device: str) -> Response:
    """The answer with the cookie by which this browser is known when somebody signs in again. It opens nothing."""
    answer.set_cookie(DEVICE, device, max_age=DEVICE_SECONDS, path="/signin", secure=request.url.scheme == "https",
                      httponly=True, samesite="lax")  # fmt: skip
    return answer


def with_half(request: Request, half: str, wanted: str = "") -> Response:
    """To the page that asks for the code."""
    answer = redirect(CODE + (f"?next={quote(wanted, safe='')}" if wanted else ""))
    answer.set_cookie(
        HALF, half, max_age=int(HALF_LASTS.total_seconds()), path="/signin", secure=request.url.scheme == "https",
        httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


def sign_out_post(portal: Portal) -> Endpoint:
    async def leave(request: Request) -> Response:
        same_origin(request)
        token = cookie(request, COOKIE)
        session = await session_of(portal, request)
        if session is not None:
            if not is_csrf(session, first(await read_form(request), "csrf")):
                raise Problem("forbidden", "This form is from another session.", cure="Reload the page.")
            await sign_out(portal.world, token)
        answer = redirect("/signin")
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return answer

    return unsigned(portal, leave)


async def choose(visit: Visit) -> Response:
    """Another of the merchants that this person may see; then `next`, or the orders."""
    form = await read_form_of(visit.request, visit.session)  # who looks may choose at what
    merchant_id = parse_id(first(form, "merchant"))
    if merchant_id is None:
        raise Problem("invalid", "This is not a merchant's id.", field="merchant",
                      cure="Choose one from the list of merchants.")  # fmt: skip
    token = cookie(visit.request, COOKIE)
    await switch_merchant(visit.world, token, visit.session, merchant_id)
    return redirect(next_page(first(form, "next")) or HOME)


async def go_to_other_world(visit: AnyVisit) -> Response:
    """The same page in the other environment; what shows one thing leads to the list of its kind."""
    form = await read_form_of(visit.request, visit.session)
    token = await switch_world(visit.world, cookie(visit.request, COOKIE), visit.session)
    wanted = next_page(first(form, "next"))
    parts = wanted.partition("?")[0].split("/")
    if any(c.isdigit() for c in "".join(parts)):  # an id of something, which is of this world alone
        wanted = "/" + parts[1]
    return with_session(redirect(wanted or HOME), visit.request, token)


def next_page(path: str) -> str:
    """A page of ours, or nothing: never another site."""
    return path if is_place(path) and path.isprintable() and "\\" not in path else ""


def sign_in_form(
    portal: Portal, request: Request, email: str, wanted: str, error: str | None, status: int
) -> Response:
    values = outside(portal, request, email=email, next=wanted, error=error, sign_up=is_open(portal.world))
    return render("signin/signin.html", values, status=status)
