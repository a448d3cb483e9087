"""/account: who one is here, and what was done to the account lately."""

from dataclasses import dataclass
from typing import Final

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import read_again
from recoup.doors.portal.menu import TABS, Entry
from recoup.doors.portal.pages import Answer, Values, account
from recoup.doors.portal.people import names_for
from recoup.doors.portal.rights import anybody
from recoup.flows.messages.notices import inbox
from recoup.flows.people.oneself import rename
from recoup.rules.people.account_words import HAPPENINGS
from recoup.store.people.account_log import account_lines

PLACE: Final = "/account"
LINES: Final = 30


@dataclass(frozen=True, slots=True)
class NewName:
    name: str


@account.page(PLACE, "account/profile.html", menu=(Entry("Settings", 9, "Your account", "user"), Entry(TABS, 1, "You")))
async def profile(visit: AccountVisit) -> Values:
    world = visit.world
    async with world.people.read() as connection:
        lines = await account_lines(connection, visit.session.user_id, LINES)
    mails = await inbox(world, [row.log_id for row in lines if row.mail_state == "sent"])
    names = await names_for(visit.portal, [row.actor for row in lines])
    return {
        "lines": lines,
        "names": names,
        "words": HAPPENINGS,
        "mails": mails,
        "me": f"user:{visit.session.user_id}",
        "name": read_again(NewName, visit.typed).name[:200] if visit.problem else visit.session.name,
    }


@profile.post("/account/name", may=anybody, shape=NewName)
async def post_name(visit: AccountVisit, form: NewName) -> Answer:
    await rename(visit.world, visit.me, form.name)
    return redirect(PLACE)
