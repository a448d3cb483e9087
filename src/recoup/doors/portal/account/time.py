"""/account/time: the language that somebody reads, and the zone in which they are shown times."""

from typing import Final

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.endpoint import done_of, locale, redirect, with_done
from recoup.doors.portal.form_shape import read_again
from recoup.doors.portal.menu import TABS, Entry
from recoup.doors.portal.orders.times import Times
from recoup.doors.portal.pages import Answer, Values, account
from recoup.doors.portal.rights import anybody
from recoup.flows.people.notifications import keep_language, keep_zone
from recoup.kernel.problem import Problem, invalid
from recoup.rules.languages.catalogues import languages

PLACE: Final = "/account/time"


@account.page(PLACE, "account/time.html", menu=Entry(TABS, 6, "Language and time"))
async def page(visit: AccountVisit) -> Values:
    typed = read_again(post_time, visit.typed)
    return {
        "typed": (typed.back or typed.zone)[:60] if visit.problem is not None else visit.session.zone,
        "languages": languages(),
        "browsers": languages()[locale(visit.request)],
        "saved": done_of(visit.session, visit.request) == "saved",
        "clock": Times(visit.session.zone, visit.wall).full(visit.wall),
    }


def _of_zone(problem: Problem) -> bool:
    return problem.field != "language"


@page.post(may=anybody, shows=_of_zone)
async def post_time(visit: AccountVisit, *, language: str | None, zone: str, back: str) -> Answer:
    """Either `language`, empty for what the browser asks for; or `zone`, and `back` for a button that names one."""
    if language is None:
        await keep_zone(visit.world, visit.session.user_id, back or zone)
    elif language and language not in languages():
        raise invalid("The portal is not available in this language.", "language", "Choose one of the list.")
    else:
        await keep_language(visit.world, visit.session.user_id, language)
    return redirect(with_done(visit.session, PLACE, "saved"))
