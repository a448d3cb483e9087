"""/signup: an e-mail, a password and a name become a partner, a merchant or both. Credentials are
shown once."""

from copy import copy
from dataclasses import dataclass, field
from typing import Annotated, Final

from starlette.responses import Response

from recoup.kernel.filled import filled
from recoup.kernel.problem import Problem
from recoup.kit.edge.cookies import cookie
from recoup.onboarding.flows.sign_up import SignedUp, SignUp, sign_up
from recoup.onboarding.page.shell import base_address, shell_lines
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sign_in import takes_sign_ups
from recoup.people.page.endpoint import COOKIE, whence
from recoup.people.page.form_shape import Text, read_again
from recoup.people.page.pages import Answer, Values, only, public
from recoup.people.page.public_visit import PublicVisit
from recoup.people.page.signin import with_device, with_half, with_session
from recoup.people.page.templates import render

_CLOSED: Final = Problem(
    "not_found", "Sign-up is switched off.", "Ask the operator for an account."
)


@dataclass(frozen=True, slots=True)
class SignUpForm:
    """`kind`: of `KINDS`. `site_url`: of the shop, if there is one."""

    email: Annotated[str, Text(512, strip=True)]
    password: str = field(repr=False)
    name: Annotated[str, Text(512, strip=True)]
    kind: Annotated[str, Text(512, strip=True)]
    site_url: Annotated[str, Text(512, strip=True)]
    country: Annotated[str, Text(512, strip=True)] = ""


_EMPTY: Final = SignUpForm("", "", "", "merchant", "")


def _open(visit: PublicVisit) -> None:
    """Raises: Problem(not_found)."""
    if not takes_sign_ups(visit.world):
        raise copy(_CLOSED)


@public.page("/signup", "onboarding/signup.html", may=_open)
async def page(visit: PublicVisit) -> Values:
    return {"typed": read_again(SignUpForm, visit.typed) if visit.problem else _EMPTY}


@page.post(may=_open, shape=SignUpForm, shows=only("invalid", "unavailable"))
async def take(visit: PublicVisit, form: SignUpForm) -> Answer:
    request, client = visit.request, whence(visit.request)
    old = cookie(request, COOKIE)[:100] or None
    registration = filled(SignUp, form, address=client.address, old_token=old, agent=client.agent)
    made = await sign_up(visit.world, visit.portal.get(Passwords), registration)
    if made.is_half:
        return with_device(with_half(request, made.session), request, made.device)
    return with_device(
        with_session(_welcome(visit, made), request, made.session), request, made.device
    )


def _welcome(visit: PublicVisit, made: SignedUp) -> Response:
    lines = shell_lines(
        base_address(visit.world, visit.request), made.credentials, made.partner_key
    )
    return render("onboarding/signup_welcome.html", visit.values(made=made, lines=lines))
