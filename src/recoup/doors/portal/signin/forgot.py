"""/signin/forgot asks for a link by mail, and says the same to everybody; /signin/password/{token} sets another
password. Nobody is signed in by either."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from starlette.responses import Response

from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import locale, whence
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.pages import Answer, Values, only, public, shown
from recoup.doors.portal.public_visit import PublicVisit
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.templates import render
from recoup.flows.people.password_links import ask_for_link, read_link, set_password
from recoup.flows.people.password_mail import mails_leave
from recoup.flows.people.passwords import LENGTH_MAX, LENGTH_MIN, Passwords
from recoup.kernel.problem import Problem

SHOWN: Final = only("invalid", "too_many_requests")


@dataclass(frozen=True, slots=True)
class ForgotForm:
    email: Annotated[str, Text(254)]


@dataclass(frozen=True, slots=True)
class NewPassword:
    password: str = field(repr=False)


@public.page("/signin/forgot", "signin/forgot.html")
async def forgot(visit: PublicVisit) -> Values:
    return {"email": read_again(ForgotForm, visit.typed).email, "requested": False, "leave": mails_leave(visit.world)}


@forgot.post(may=anybody, shape=ForgotForm, shows=SHOWN)
async def post_forgot(visit: PublicVisit, form: ForgotForm) -> Answer:
    request = visit.request
    await ask_for_link(visit.world, form.email, whence(request).address, locale(request), request_id(request.scope))
    return shown(requested=True)


@public.page("/signin/password/{token}", "signin/new_password.html")
async def new_password(visit: PublicVisit) -> Values:
    found = await read_link(visit.world, visit.request.path_params["token"])
    return _values(found.login.partition("#")[0], done=False)


@public.no_page.post("/signin/password/{token}", may=anybody, shape=NewPassword)
async def post_password(visit: PublicVisit, form: NewPassword) -> Response:
    """The link works once: it is read again only where the password was refused."""
    request, token = visit.request, visit.request.path_params["token"]
    try:
        email = await set_password(
            visit.world,
            visit.portal.get(Passwords),
            token,
            form.password,
            whence(request).address,
            request_id(request.scope),
        )
    except Problem as problem:
        if not SHOWN(problem):
            raise
        return await new_password.answer(visit, shown(problem))
    return render("signin/new_password.html", visit.values(**_values(email, done=True)))


def _values(email: str, *, done: bool) -> Values:
    return {"email": email, "done": done, "least": LENGTH_MIN, "most": LENGTH_MAX}
