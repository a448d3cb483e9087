"""/account/second-factor: setting it up, moving it to another app, recovery codes, turning it off."""

from typing import Final

from starlette.responses import Response

from recoup.doors.portal.account.qr import qr_svg
from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.endpoint import SET_UP, redirect
from recoup.doors.portal.form_key import fresh_key, key_of
from recoup.doors.portal.forms import first
from recoup.flows.people import second_factor as flow
from recoup.kernel.problem import Problem
from recoup.rules.people.codes import shown
from recoup.rules.people.totp import in_fours

_SHOWN: Final = ("invalid", "bad_credentials", "too_many_requests", "forbidden", "conflict")


async def factor_page(visit: AccountVisit) -> Response:
    return await _show(visit)


async def post_begin(visit: AccountVisit) -> Response:
    form = await visit.form()
    try:
        await flow.begin(visit.world, visit.portal.passwords, visit.me, first(form, "password"),
                         first(form, "code"))  # fmt: skip
    except Problem as problem:
        return await _show(visit, problem, "begin")
    return redirect(SET_UP)


async def post_withdraw(visit: AccountVisit) -> Response:
    await visit.form()
    await flow.withdraw(visit.world, visit.me)
    return redirect(SET_UP)


async def post_confirm(visit: AccountVisit) -> Response:
    form = await visit.form()
    try:
        codes = await flow.confirm(visit.world, visit.me, first(form, "code"), key_of(form))
    except Problem as problem:
        return await _show(visit, problem, "confirm")
    return _codes(visit, codes, is_first=True)


async def post_codes(visit: AccountVisit) -> Response:
    form = await visit.form()
    try:
        codes = await flow.renew_codes(visit.world, visit.portal.passwords, visit.me, first(form, "password"),
                                       first(form, "code"), key_of(form))  # fmt: skip
    except Problem as problem:
        return await _show(visit, problem, "codes")
    return _codes(visit, codes, is_first=False)


async def post_off(visit: AccountVisit) -> Response:
    form = await visit.form()
    try:
        await flow.turn_off(visit.world, visit.portal.passwords, visit.me, first(form, "password"),
                            first(form, "code"))  # fmt: skip
    except Problem as problem:
        return await _show(visit, problem, "off")
    return redirect(SET_UP)


def _codes(visit: AccountVisit, codes: list[str], *, is_first: bool) -> Response:
    return visit.show("account/codes.html", codes=[shown(code) for code in codes], is_first=is_first)


async def _show(visit: AccountVisit, problem: Problem | None = None, wrong: str = "") -> Response:
    """`wrong`: in which form something was."""
    if problem is not None and problem.code not in _SHOWN:
        raise problem
    world = visit.world
    stands = await flow.read_standing(world, visit.me)
    qr = secret = ""
    if stands.offer is not None:
        qr, secret = qr_svg(stands.offer, visit.email, world), in_fours(stands.offer)
    return visit.show("account/second_factor.html", problem, stands=stands, qr=qr, secret=secret, key=fresh_key(),
                      wrong=wrong, lasts=flow.OFFER_LASTS)  # fmt: skip
