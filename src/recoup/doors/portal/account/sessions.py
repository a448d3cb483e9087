"""/account/sessions: where one is signed in; ending one, or all others."""

from dataclasses import dataclass
from typing import Final

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.menu import TABS, Entry
from recoup.doors.portal.pages import Answer, Values, account, nothing
from recoup.doors.portal.rights import anybody
from recoup.flows.people.oneself import end_others, end_session, sessions_of

PLACE: Final = "/account/sessions"


@account.page(PLACE, "account/sessions.html", menu=Entry(TABS, 4, "Sessions"))
async def sessions(visit: AccountVisit) -> Values:
    return {"rows": await sessions_of(visit.world, visit.me)}


@dataclass(frozen=True, slots=True)
class Ending:
    """`which`: others, or a session's id."""

    which: str


@sessions.post(may=anybody, shape=Ending, shows=nothing)
async def post_end(visit: AccountVisit, form: Ending) -> Answer:
    if form.which == "others":
        await end_others(visit.world, visit.me)
    else:
        await end_session(visit.world, visit.me, form.which)
    return redirect(PLACE)
