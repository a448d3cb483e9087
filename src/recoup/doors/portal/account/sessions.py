"""/account/sessions: where one is signed in; ending one, or all others."""

from typing import Final

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.menu import TABS, Entry
from recoup.doors.portal.pages import Answer, Values, account, nothing
from recoup.doors.portal.rights import anybody
from recoup.flows.people.oneself import end_others, end_session, sessions_of

PLACE: Final = "/account/sessions"


@account.page(PLACE, "account/sessions.html", menu=Entry(TABS, 4, "Sessions"))
async def sessions(visit: AccountVisit) -> Values:
    return {"rows": await sessions_of(visit.world, visit.me)}


@sessions.post(may=anybody, shows=nothing)
async def post_end(visit: AccountVisit, form: Form) -> Answer:
    if first(form, "which") == "others":
        await end_others(visit.world, visit.me)
    else:
        await end_session(visit.world, visit.me, first(form, "which"))
    return redirect(PLACE)
