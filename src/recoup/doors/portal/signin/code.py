"""/signin/code: after the password a code of the app, or a recovery code. Without half a sign-in it begins anew."""

from dataclasses import dataclass, field

from recoup.doors.edge.cookies import cookie
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import COOKIE, redirect, whence
from recoup.doors.portal.form_shape import read_again
from recoup.doors.portal.pages import Answer, Values, only, public, shown
from recoup.doors.portal.public_visit import PublicVisit
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.signin.page import CODE, HALF, HOME, next_page, sign_in_page, with_session
from recoup.flows.people.second_step import CodeGiven, give_code, read_half
from recoup.kernel.problem import Problem


@dataclass(frozen=True, slots=True)
class CodeForm:
    """`by`: recovery, for a code of the list; else the app."""

    code: str = field(repr=False)
    by: str
    next: str


@public.page(CODE, "signin/code.html")
async def code_page(visit: PublicVisit) -> Values | Answer:
    query = visit.request.query_params
    if visit.problem is not None:
        typed = read_again(CodeForm, visit.typed)
        return {"next": next_page(typed.next), "by_list": typed.by == "recovery"}
    if await read_half(visit.world, cookie(visit.request, HALF)) is None:
        return redirect("/signin")
    return {"next": next_page(query.get("next", "")), "by_list": "recovery" in query}


@code_page.post(may=anybody, shape=CodeForm, shows=only("invalid", "bad_credentials", "too_many_requests"))
async def post_code(visit: PublicVisit, form: CodeForm) -> Answer:
    request, client, wanted = visit.request, whence(visit.request), next_page(form.next)
    given = CodeGiven(
        cookie(request, HALF),
        form.code,
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
        return await sign_in_page.answer(visit, shown(problem, error=problem.sentence(), next=wanted))
    answer = with_session(redirect(wanted or HOME), request, token)
    answer.delete_cookie(HALF, path="/signin", httponly=True, samesite="lax")
    return answer
