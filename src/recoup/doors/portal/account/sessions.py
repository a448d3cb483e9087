"""/account/sessions: where one is signed in; ending one, or all others."""

from typing import Final

from starlette.responses import Response

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import first
from recoup.flows.people.oneself import end_others, end_session, sessions_of

PLACE: Final = "/account/sessions"


async def sessions_page(visit: AccountVisit) -> Response:
    rows = await sessions_of(visit.world, visit.me)
    return visit.show("account/sessions.html", rows=rows)


async def post_end(visit: AccountVisit) -> Response:
    form = await visit.form()
    if first(form, "which") == "others":
        await end_others(visit.world, visit.me)
    else:
        await end_session(visit.world, visit.me, first(form, "which"))
    return redirect(PLACE)
