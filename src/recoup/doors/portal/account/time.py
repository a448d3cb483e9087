"""/account/time: the language that somebody reads, and the zone in which they are shown times."""

from typing import Final

from starlette.responses import Response

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import locale, redirect
from recoup.doors.portal.forms import first
from recoup.doors.portal.orders.times import COMMON, Times
from recoup.flows.people.notifications import keep_language, keep_zone
from recoup.kernel.problem import Problem
from recoup.rules.languages.catalogues import LANGUAGES

PLACE: Final = "/account/time"


async def time_page(visit: AccountVisit) -> Response:
    return _show(visit, visit.session.zone, None)


async def post_time(visit: AccountVisit) -> Response:
    form = await visit.form()
    if "language" in form:
        return await _language(visit, first(form, "language"))
    typed = first(form, "back") or first(form, "zone")
    try:
        await keep_zone(visit.world, visit.session.user_id, typed)
    except Problem as problem:
        return _show(visit, typed[:60], problem)
    return redirect(with_done(visit.session, PLACE, "saved"))


async def _language(visit: AccountVisit, chosen: str) -> Response:
    if chosen and chosen not in LANGUAGES:
        raise Problem("invalid", "The portal is not available in this language.", field="language",
                      cure="Choose one of the list.")  # fmt: skip
    await keep_language(visit.world, visit.session.user_id, chosen)
    return redirect(with_done(visit.session, PLACE, "saved"))


def _show(visit: AccountVisit, typed: str, problem: Problem | None) -> Response:
    browsers = LANGUAGES[locale(visit.request)]
    return visit.show(
        "account/time.html", problem, typed=typed, common=COMMON, languages=LANGUAGES, browsers=browsers,
        saved=done_of(visit.session, visit.request) == "saved",
        clock=Times(visit.session.zone, visit.wall).full(visit.wall),
    )  # fmt: skip
