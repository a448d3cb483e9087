"""/signin/code: after the password a code of the app, or a recovery code. Without half a sign-in it begins anew."""

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import COOKIE, STATUSES, Endpoint, outside, redirect, unsigned, whence
from recoup.doors.portal.forms import first, read_form, same_origin
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.signin.page import HALF, HOME, next_page, sign_in_form, with_session
from recoup.doors.portal.templates import render
from recoup.flows.people.second_step import CodeGiven, give_code, read_half
from recoup.kernel.problem import Problem


def code_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        if await read_half(portal.world, cookie(request, HALF)) is None:
            return redirect("/signin")
        asked = request.query_params
        return _form(portal, request, next_page(asked.get("next", "")), "recovery" in asked)

    return unsigned(portal, show)


def code_post(portal: Portal) -> Endpoint:
    async def take(request: Request) -> Response:
        wanted, by_list = "", False
        try:
            same_origin(request)
            form = await read_form(request)
            wanted, by_list = next_page(first(form, "next")), first(form, "by") == "recovery"
            here = whence(request)
            given = CodeGiven(cookie(request, HALF), first(form, "code"), here.address,
                              cookie(request, COOKIE)[:100] or None, here.agent,
                              request_id(request.scope))  # fmt: skip
            token = await give_code(portal.world, given)
        except Problem as problem:
            return _refused(portal, request, problem, wanted, by_list)
        answer = with_session(redirect(wanted or HOME), request, token)
        answer.delete_cookie(HALF, path="/signin", httponly=True, samesite="lax")
        return answer

    return unsigned(portal, take)


def _refused(portal: Portal, request: Request, problem: Problem, wanted: str, by_list: bool) -> Response:
    if problem.code == "unauthenticated":
        return sign_in_form(portal, request, "", wanted, f"{problem.message} {problem.cure}", 401)
    if problem.code not in ("invalid", "bad_credentials", "too_many_requests"):
        raise problem
    answer = _form(portal, request, wanted, by_list, problem, STATUSES[problem.code])
    if problem.retry_after_seconds is not None:
        answer.headers["retry-after"] = str(problem.retry_after_seconds)
    return answer


def _form(
    portal: Portal, request: Request, wanted: str, by_list: bool, problem: Problem | None = None, status: int = 200
) -> Response:
    values = outside(portal, request, next=wanted, by_list=by_list, problem=problem)
    return render("signin/code.html", values, status=status)
