"""/signin/forgot asks for a link by mail, and says the same to everybody; /signin/password/{token} sets another
password. Nobody is signed in by either."""

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import STATUSES, Endpoint, locale, outside, unsigned, whence
from recoup.doors.portal.forms import first, read_form, same_origin
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.templates import render
from recoup.flows.people.password_links import ask_for_link, read_link, set_password
from recoup.flows.people.password_mail import mails_leave
from recoup.flows.people.passwords import LENGTH_MAX, LENGTH_MIN
from recoup.kernel.problem import Problem

_SHOWN = ("invalid", "too_many_requests")


def forgot_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        return _form(portal, request)

    return unsigned(portal, show)


def forgot_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        same_origin(request)
        email = first(await read_form(request), "email")[:254]
        try:
            await ask_for_link(portal.world, email, whence(request).address, locale(request),
                               request_id(request.scope))  # fmt: skip
        except Problem as problem:
            if problem.code not in _SHOWN:
                raise
            return _form(portal, request, email, problem)
        return _form(portal, request, email, asked=True)

    return unsigned(portal, take)


def new_password_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        found = await read_link(portal.world, request.path_params["token"])
        return _new(portal, request, found.login.partition("#")[0])

    return unsigned(portal, show)


def new_password_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        same_origin(request)
        form, token = await read_form(request), request.path_params["token"]
        try:
            email = await set_password(portal.world, portal.passwords, token, first(form, "password"),
                                       whence(request).address, request_id(request.scope))  # fmt: skip
        except Problem as problem:
            if problem.code not in _SHOWN:
                raise
            found = await read_link(portal.world, token)
            return _new(portal, request, found.login.partition("#")[0], problem)
        return _new(portal, request, email, done=True)

    return unsigned(portal, take)


def _form(
    portal: Portal, request: Request, email: str = "", problem: Problem | None = None, *, asked: bool = False
) -> Response:
    return _shown("signin/forgot.html", problem, outside(
        portal, request, email=email, asked=asked, problem=problem, leave=mails_leave(portal.world)))  # fmt: skip


def _new(
    portal: Portal, request: Request, email: str, problem: Problem | None = None, *, done: bool = False
) -> Response:
    return _shown("signin/new_password.html", problem, outside(
        portal, request, email=email, done=done, problem=problem, least=LENGTH_MIN, most=LENGTH_MAX))  # fmt: skip


def _shown(template: str, problem: Problem | None, values: dict[str, object]) -> Response:
    answer = render(template, values, status=STATUSES[problem.code] if problem else 200)
    if problem is not None and problem.retry_after_seconds is not None:
        answer.headers["retry-after"] = str(problem.retry_after_seconds)
    return answer
