"""Signing in and out, and choosing the merchant to look at."""

from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from recoup.kernel.problem import Problem, invalid
from recoup.kit.edge.cookies import cookie
from recoup.kit.edge.tracing import request_id
from recoup.people.flows.mails import mails_leave
from recoup.people.flows.password_links import ask_for_link, read_link, set_password
from recoup.people.flows.passwords import LENGTH_MAX, LENGTH_MIN, Passwords
from recoup.people.flows.second_step import CodeGiven, give_code, read_half
from recoup.people.flows.sessions import LASTS, is_csrf, sign_out, switch_merchant, switch_world
from recoup.people.flows.sign_in import HALF_LASTS, SignIn, sign_in, takes_sign_ups
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.endpoint import COOKIE, is_place, locale, redirect, session_of, whence
from recoup.people.page.form_shape import Text, read_again
from recoup.people.page.pages import Answer, Values, account, member, only, public, shown
from recoup.people.page.portal_visit import Visit
from recoup.people.page.public_visit import PublicVisit, fields_from_here
from recoup.people.page.rights import anybody
from recoup.people.page.templates import render

HOME: Final = "/overview"
HALF: Final = (
    "recoup_half"  # a cookie that is no session: the password was right, the code is still to come
)
CODE: Final = "/signin/code"
DEVICE: Final = "recoup_device"
DEVICE_SECONDS: Final = 180 * 86_400
_NO_MERCHANT: Final = invalid(
    "This is not a merchant's id.", "merchant", "Choose one from the list of merchants."
)


@public.page("/signin", "people/signin.html")
async def sign_in_page(visit: PublicVisit, *, next: str) -> Values | Answer:
    problem, typed = visit.problem, read_again(post_sign_in, visit.typed)
    wanted = next_page(typed.next if problem else next)
    if problem is None and await session_of(visit.portal, visit.request):
        return redirect(wanted or HOME)
    return {
        "email": typed.email,
        "next": wanted,
        "error": problem.message if problem else None,
        "sign_up": takes_sign_ups(visit.world),
    }


@sign_in_page.post(
    may=anybody, in_quarantine=True, shows=only("bad_credentials", "too_many_requests")
)
async def post_sign_in(
    visit: PublicVisit, *, email: Annotated[str, Text(254)], password: str, next: str
) -> Answer:
    """`next`, here and below: the page to go on to."""
    request, client, wanted = visit.request, whence(visit.request), next_page(next)
    credentials = SignIn(
        email,
        password,
        client.address,
        cookie(request, COOKIE)[:100] or None,
        client.agent,
        request_id(request.scope),
        cookie(request, DEVICE)[:100],
    )
    entered = await sign_in(visit.world, visit.portal.get(Passwords), credentials)
    if entered.is_half:
        return with_device(with_half(request, entered.token, wanted), request, entered.device)
    return with_device(
        with_session(redirect(wanted or HOME), request, entered.token), request, entered.device
    )


def with_session(answer: Response, request: Request, token: str) -> Response:
    """The answer with the session's cookie."""
    return _with_cookie(answer, request, COOKIE, token, int(LASTS.total_seconds()), path="/")


def with_device(answer: Response, request: Request, device: str) -> Response:
    """The answer with the cookie by which this browser is known when somebody signs in again. It
    opens nothing."""
    return _with_cookie(answer, request, DEVICE, device, DEVICE_SECONDS)


def with_half(request: Request, half: str, wanted: str = "") -> Response:
    """Leads to the page that asks for the code."""
    answer = redirect(CODE + (f"?next={quote(wanted, safe='')}" if wanted else ""))
    return _with_cookie(answer, request, HALF, half, int(HALF_LASTS.total_seconds()))


def _with_cookie(
    answer: Response,
    request: Request,
    name: str,
    value: str,
    seconds: int,
    *,
    path: str = "/signin",
) -> Response:
    # Over plain HTTP a Secure cookie would never come back; live refuses plain HTTP beyond
    # loopback.
    secure = request.url.scheme == "https"
    answer.set_cookie(
        name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="lax"
    )
    return answer


@public.no_page.post("/signout", may=anybody, in_quarantine=True, reads=fields_from_here)
async def post_sign_out(visit: PublicVisit, *, csrf: str) -> Response:
    session = await session_of(visit.portal, visit.request)
    if session:
        if not is_csrf(session, csrf):
            raise Problem("forbidden", "This form is from another session.", "Reload the page.")
        await sign_out(visit.world, cookie(visit.request, COOKIE))
    answer = redirect("/signin")
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return answer


@member.no_page.post("/merchant", may=anybody, in_quarantine=True, while_paused=True)
async def choose(visit: Visit, *, merchant: Annotated[UUID, _NO_MERCHANT], next: str) -> Response:
    """Another of the merchants that this person may see; then `next`, or the orders."""
    await switch_merchant(visit.world, cookie(visit.request, COOKIE), visit.session, merchant)
    return redirect(next_page(next) or HOME)


@account.no_page.post("/world", may=anybody, in_quarantine=True)
async def go_to_other_world(visit: AccountVisit, *, next: str) -> Response:
    """The same page in the other environment; what shows one thing leads to the list of its
    kind."""
    token = await switch_world(visit.world, cookie(visit.request, COOKIE), visit.session)
    wanted = next_page(next)
    parts = wanted.partition("?")[0].split("/")
    if any(c.isdigit() for c in "".join(parts)):  # an id of something, which is of this world alone
        wanted = "/" + parts[1]
    return with_session(redirect(wanted or HOME), visit.request, token)


def next_page(path: str) -> str:
    """A page of ours, or nothing: never another site."""
    return path if is_place(path) and path.isprintable() and "\\" not in path else ""


@public.page(CODE, "people/signin_code.html")
async def code_page(visit: PublicVisit, *, next: str, recovery: str | None) -> Values | Answer:
    if visit.problem:
        typed = read_again(post_code, visit.typed)
        return {"next": next_page(typed.next), "by_list": typed.by == "recovery"}
    if await read_half(visit.world, cookie(visit.request, HALF)) is None:
        return redirect("/signin")
    return {"next": next_page(next), "by_list": recovery is not None}


@code_page.post(
    may=anybody, in_quarantine=True, shows=only("invalid", "bad_credentials", "too_many_requests")
)
async def post_code(visit: PublicVisit, *, code: str, by: str, next: str) -> Answer:
    """Takes a code. `by`: recovery, for a code of the list; else the app."""
    request, client, wanted = visit.request, whence(visit.request), next_page(next)
    given = CodeGiven(
        cookie(request, HALF),
        code,
        client.address,
        cookie(request, COOKIE)[:100] or None,
        client.agent,
        request_id(request.scope),
    )
    try:
        token = await give_code(visit.world, given)
    except Problem as problem:
        if problem.code != "unauthenticated":
            raise
        return await sign_in_page.answer(
            visit, shown(problem, error=problem.sentence(), next=wanted)
        )
    answer = with_session(redirect(wanted or HOME), request, token)
    answer.delete_cookie(HALF, path="/signin", httponly=True, samesite="lax")
    return answer


SHOWN: Final = only("invalid", "too_many_requests")


@public.page("/signin/forgot", "people/signin_forgot.html")
async def forgot(visit: PublicVisit) -> Values:
    return {
        "email": read_again(post_forgot, visit.typed).email,
        "requested": False,
        "leave": mails_leave(visit.world),
    }


@forgot.post(may=anybody, shows=SHOWN)
async def post_forgot(visit: PublicVisit, *, email: Annotated[str, Text(254)]) -> Answer:
    request = visit.request
    await ask_for_link(
        visit.world, email, whence(request).address, locale(request), request_id(request.scope)
    )
    return shown(requested=True)


@public.page("/signin/password/{token}", "people/signin_new_password.html")
async def new_password(visit: PublicVisit) -> Values:
    link = await read_link(visit.world, visit.request.path_params["token"])
    return _values(link.login.partition("#")[0], done=False)


@public.no_page.post("/signin/password/{token}", may=anybody)
async def post_password(visit: PublicVisit, *, password: str) -> Response:
    """The link works once: it is read again only where the password was refused."""
    request, token = visit.request, visit.request.path_params["token"]
    try:
        email = await set_password(
            visit.world,
            visit.portal.get(Passwords),
            token,
            password,
            whence(request).address,
            request_id(request.scope),
        )
    except Problem as problem:
        if not SHOWN(problem):
            raise
        return await new_password.answer(visit, shown(problem))
    return render("people/signin_new_password.html", visit.values(**_values(email, done=True)))


def _values(email: str, *, done: bool) -> Values:
    return {"email": email, "done": done, "least": LENGTH_MIN, "most": LENGTH_MAX}
