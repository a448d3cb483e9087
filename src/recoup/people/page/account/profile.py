"""/account: who one is here and what was done to the account lately; its password, and where one is
signed in."""

from typing import Final

from recoup.kernel.problem import Problem
from recoup.people.flows.notices import inbox
from recoup.people.flows.oneself import (
    change_password,
    end_others,
    end_session,
    rename,
    sessions_of,
)
from recoup.people.flows.passwords import LENGTH_MAX, LENGTH_MIN, Passwords
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.endpoint import done_of, redirect, with_done
from recoup.people.page.form_shape import read_again
from recoup.people.page.menu import TABS, Entry
from recoup.people.page.pages import Answer, Values, account, nothing
from recoup.people.page.portal_visit import names_for
from recoup.people.page.rights import anybody
from recoup.people.rules.account_words import HAPPENINGS
from recoup.people.store.account_log import account_lines

SESSIONS_PLACE: Final = "/account/sessions"


@account.page(SESSIONS_PLACE, "people/account/sessions.html", menu=Entry(TABS, 4, "Sessions"))
async def sessions(visit: AccountVisit) -> Values:
    return {"rows": await sessions_of(visit.world, visit.me)}


@sessions.post(may=anybody, shows=nothing)
async def post_end(visit: AccountVisit, *, which: str) -> None:
    """Ends a session. `which`: others, or a session's id."""
    if which == "others":
        await end_others(visit.world, visit.me)
    else:
        await end_session(visit.world, visit.me, which)


CHANGE_PLACE: Final = "/account/password"


@account.page(CHANGE_PLACE, "people/account/password.html", menu=Entry(TABS, 2, "Password"))
async def page(visit: AccountVisit) -> Values:
    changed = visit.problem is None and done_of(visit.session, visit.request) == "changed"
    return {"changed": changed, "least": LENGTH_MIN, "most": LENGTH_MAX}


def _in_form(problem: Problem) -> bool:
    return problem.field is not None or problem.code == "too_many_requests"


@page.post(may=anybody, shows=_in_form)
async def post_password(visit: AccountVisit, *, old: str, new: str) -> Answer:
    await change_password(visit.world, visit.portal.get(Passwords), visit.me, old, new)
    return redirect(with_done(visit.session, CHANGE_PLACE, "changed"))


PLACE: Final = "/account"
LINES: Final = 30


@account.page(
    PLACE,
    "people/account/profile.html",
    menu=(Entry("Settings", 9, "Your account", "user"), Entry(TABS, 1, "You")),
)
async def profile(visit: AccountVisit) -> Values:
    world = visit.world
    lines = await account_lines(visit.world.people.reader, visit.session.user_id, LINES)
    mails = await inbox(world, [row.log_id for row in lines if row.mail_state == "sent"])
    names = await names_for(visit.portal, [row.actor for row in lines])
    return {
        "lines": lines,
        "names": names,
        "words": HAPPENINGS,
        "mails": mails,
        "me": f"user:{visit.session.user_id}",
        "name": read_again(post_name, visit.typed).name[:200]
        if visit.problem
        else visit.session.name,
    }


@profile.post("/account/name", may=anybody)
async def post_name(visit: AccountVisit, *, name: str) -> None:
    await rename(visit.world, visit.me, name)
