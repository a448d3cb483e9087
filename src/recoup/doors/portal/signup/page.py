"""/signup: an e-mail, a password and a name become a partner, a merchant or both. Credentials are shown once."""

from typing import Final

from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.portal.endpoint import COOKIE, whence
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.pages import Answer, Values, only, public
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.public_visit import PublicVisit, public_form
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.signin.page import with_device, with_half, with_session
from recoup.doors.portal.templates import render
from recoup.flows.sign_up import KINDS, SignedUp, SignUp, is_open, sign_up
from recoup.kernel.problem import Problem

_SHOWN: Final = ("invalid", "unavailable")
_EMPTY: Final = {"email": "", "name": "", "kind": "merchant", "site_url": ""}
_CLOSED: Final = Problem("not_found", "Sign-up is switched off.", cure="Ask the operator for an account.")


@public.page("/signup", "signup/signup.html")
async def page(visit: PublicVisit) -> Values:
    if not is_open(visit.world):
        raise _CLOSED
    return {"kinds": KINDS, "typed": _EMPTY | (_typed(visit.typed) if visit.problem is not None else {})}


async def _fields(visit: PublicVisit) -> Form:
    if not is_open(visit.world):
        raise _CLOSED
    return await public_form(visit)


def _typed(form: Form) -> dict[str, str]:
    return {name: first(form, name).strip()[:512] for name in _EMPTY}


@page.post(may=anybody, reads=_fields, shows=only("invalid", "unavailable"))
async def take(visit: PublicVisit, form: Form) -> Answer:
    request, typed, client = visit.request, _typed(form), whence(visit.request)
    old = cookie(request, COOKIE)[:100] or None
    registration = SignUp(
        typed["email"],
        first(form, "password"),
        typed["name"],
        typed["kind"],
        typed["site_url"],
        client.address,
        old,
        client.agent,
    )
    made = await sign_up(visit.world, visit.portal.passwords, registration)
    if made.is_half:
        return with_device(with_half(request, made.session), request, made.device)
    return with_device(with_session(_welcome(visit, made), request, made.session), request, made.device)


def _welcome(visit: PublicVisit, made: SignedUp) -> Response:
    lines = shell_lines(base_address(visit.world, visit.request), made.credentials, made.partner_key)
    return render("signup/welcome.html", visit.values(made=made, lines=lines))
