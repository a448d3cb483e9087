"""/account/time: the language that somebody reads, and the zone in which they are shown times."""

from typing import Final

from recoup.kernel.problem import invalid
from recoup.kit.languages.catalogues import languages
from recoup.kit.languages.times import Times
from recoup.notifications.flows.notifications import keep_language, keep_zone
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.endpoint import done_of, locale, redirect, with_done
from recoup.people.page.form_shape import read_again
from recoup.people.page.menu import TABS, Entry
from recoup.people.page.pages import Answer, Values, account
from recoup.people.page.rights import anybody

PLACE: Final = "/account/time"


@account.page(PLACE, "notifications/account_time.html", menu=Entry(TABS, 6, "Language and time"))
async def page(visit: AccountVisit) -> Values:
    typed = read_again(post_time, visit.typed)
    return {
        "typed": (typed.back or typed.zone)[:60] if visit.problem else visit.session.zone,
        "languages": languages(),
        "browsers": languages()[locale(visit.request)],
        "saved": done_of(visit.session, visit.request) == "saved",
        "clock": Times(visit.session.zone, visit.wall).full(visit.wall),
    }


@page.post(may=anybody, shows=lambda problem: problem.field != "language")
async def post_time(visit: AccountVisit, *, language: str | None, zone: str, back: str) -> Answer:
    """Sets either `language`, empty for what the browser asks for; or `zone`, and `back` for a
    button that names one."""
    if language is None:
        await keep_zone(visit.world, visit.session.user_id, back or zone)
    elif language and language not in languages():
        raise invalid(
            "The portal is not available in this language.", "language", "Choose one of the list."
        )
    else:
        await keep_language(visit.world, visit.session.user_id, language)
    return redirect(with_done(visit.session, PLACE, "saved"))
