"""/account/second-factor: setting it up, moving it to another app, recovery codes, turning it
off."""

from typing import Final
from urllib.parse import urlsplit

import segno
from markupsafe import Markup
from starlette.responses import Response

from recoup.kit.world import World
from recoup.people.flows import second_factor as flow
from recoup.people.flows.passwords import Passwords
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.endpoint import SET_UP
from recoup.people.page.form_shape import FormKey, fresh_key
from recoup.people.page.menu import TABS, Entry
from recoup.people.page.pages import Answer, Values, account, account_setting_up, nothing, only
from recoup.people.page.rights import anybody
from recoup.people.page.templates import render
from recoup.people.rules.codes import shown
from recoup.people.rules.totp import address_of, in_fours

_HERE: Final = ("", "localhost", "127.0.0.1", "::1")


def qr_svg(secret: str, email: str, world: World) -> Markup:
    """Dark on light in either theme, with its quiet zone: phones read nothing else."""
    drawn = segno.make(address_of(secret, email, issuer_of(world)), error="m", micro=False)
    svg = drawn.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass="scanned", lineclass=None
    )
    return Markup(svg)  # noqa: S704 - drawn by us: squares and numbers only


def issuer_of(world: World) -> str:
    """The app's name for the installation; with the host, where there is one, so that installations
    differ."""
    host = urlsplit(world.url).hostname or ""
    return "Recoup" if host in _HERE else f"Recoup {host}"


SHOWN: Final = only("invalid", "bad_credentials", "too_many_requests", "forbidden", "conflict")


@account_setting_up.page(
    SET_UP, "people/account/second_factor.html", menu=Entry(TABS, 3, "Second factor")
)
async def factor(visit: AccountVisit) -> Values:
    """`wrong`: in which form something was."""
    stands = await flow.read_standing(visit.world, visit.me)
    qr = secret = ""
    if stands.offer is not None:
        qr, secret = qr_svg(stands.offer, visit.email, visit.world), in_fours(stands.offer)
    wrong = visit.request.url.path.rpartition("/")[2] if visit.problem else ""
    return {"stands": stands, "qr": qr, "secret": secret, "key": fresh_key(), "wrong": wrong}


@factor.post("/account/second-factor/begin", may=anybody, shows=SHOWN)
async def post_begin(visit: AccountVisit, *, password: str, code: str) -> None:
    """`code`, here and below: of the app, or a recovery code."""
    await flow.begin(visit.world, visit.portal.get(Passwords), visit.me, password, code)


@factor.post("/account/second-factor/withdraw", may=anybody, shows=nothing)
async def post_withdraw(visit: AccountVisit) -> None:
    await flow.withdraw(visit.world, visit.me)


@factor.post("/account/second-factor/confirm", may=anybody, shows=SHOWN)
async def post_confirm(visit: AccountVisit, *, code: str, key: FormKey) -> Answer:
    return _codes(visit, await flow.confirm(visit.world, visit.me, code, key), is_first=True)


@factor.post("/account/second-factor/codes", may=anybody, shows=SHOWN, sessions=account)
async def post_codes(visit: AccountVisit, *, password: str, code: str, key: FormKey) -> Answer:
    codes = await flow.renew_codes(
        visit.world, visit.portal.get(Passwords), visit.me, password, code, key
    )
    return _codes(visit, codes, is_first=False)


@factor.post("/account/second-factor/off", may=anybody, shows=SHOWN, sessions=account)
async def post_off(visit: AccountVisit, *, password: str, code: str) -> None:
    await flow.turn_off(visit.world, visit.portal.get(Passwords), visit.me, password, code)


def _codes(visit: AccountVisit, codes: list[str], *, is_first: bool) -> Response:
    return render(
        "people/account/codes.html",
        visit.values(codes=[shown(code) for code in codes], is_first=is_first),
    )
