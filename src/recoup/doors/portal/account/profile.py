"""/account: who one is here, and what was done to the account lately."""

from typing import Final

from starlette.responses import Response

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import first
from recoup.doors.portal.people import names_for
from recoup.flows.messages.notices import inbox
from recoup.flows.people.oneself import rename
from recoup.kernel.problem import Problem
from recoup.rules.people.account_words import HAPPENINGS
from recoup.store.read.accounts import account_lines

PLACE: Final = "/account"
LINES: Final = 30


async def profile_page(visit: AccountVisit) -> Response:
    return await _show(visit)


async def post_name(visit: AccountVisit) -> Response:
    form = await visit.form()
    try:
        await rename(visit.world, visit.me, first(form, "name"))
    except Problem as problem:
        return await _show(visit, problem, first(form, "name")[:200])
    return redirect(PLACE)


async def _show(visit: AccountVisit, problem: Problem | None = None, name: str | None = None) -> Response:
    world = visit.world
    async with world.people.read() as connection:
        lines = await account_lines(connection, visit.session.user_id, LINES)
    arrived = await inbox(world, [row.log_id for row in lines if row.mail_state == "sent"])
    names = await names_for(visit.portal, [row.actor for row in lines])
    return visit.show("account/profile.html", problem, lines=lines, names=names, words=HAPPENINGS, mails=arrived,
                      me=f"user:{visit.session.user_id}",
                      name=visit.session.name if name is None else name)  # fmt: skip
