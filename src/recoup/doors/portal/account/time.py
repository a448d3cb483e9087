"""/account/time: the language that somebody reads, and the zone in which they are shown times."""

from typing import Final

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import locale, redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.menu import TABS, Entry
from recoup.doors.portal.orders.times import COMMON, Times
from recoup.doors.portal.pages import Answer, Values, account
from recoup.doors.portal.rights import anybody
from recoup.flows.people.notifications import keep_language, keep_zone
from recoup.kernel.problem import Problem
from recoup.rules.languages.catalogues import LANGUAGES

PLACE: Final = "/account/time"


@account.page(PLACE, "account/time.html", menu=Entry(TABS, 6, "Language and time"))
async def page(visit: AccountVisit) -> Values:
    return {
        "typed": _zone(visit.typed)[:60] if visit.problem is not None else visit.session.zone,
        "common": COMMON,
        "languages": LANGUAGES,
        "browsers": LANGUAGES[locale(visit.request)],
        "saved": done_of(visit.session, visit.request) == "saved",
        "clock": Times(visit.session.zone, visit.wall).full(visit.wall),
    }


def _zone(form: Form) -> str:
    return first(form, "back") or first(form, "zone")


def _of_zone(problem: Problem) -> bool:
    return problem.field != "language"


@page.post(may=anybody, shows=_of_zone)
async def post_time(visit: AccountVisit, form: Form) -> Answer:
    if "language" in form:
        return await _language(visit, first(form, "language"))
    await keep_zone(visit.world, visit.session.user_id, _zone(form))
    return redirect(with_done(visit.session, PLACE, "saved"))


async def _language(visit: AccountVisit, chosen: str) -> Answer:
    if chosen and chosen not in LANGUAGES:
        raise Problem(
            "invalid", "The portal is not available in this language.", field="language", cure="Choose one of the list."
        )
    await keep_language(visit.world, visit.session.user_id, chosen)
    return redirect(with_done(visit.session, PLACE, "saved"))
