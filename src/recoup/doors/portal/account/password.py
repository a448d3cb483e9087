"""/account/password: another password, for the old one. All other sessions end."""

from dataclasses import dataclass, field
from typing import Final

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.menu import TABS, Entry
from recoup.doors.portal.pages import Answer, Values, account
from recoup.doors.portal.rights import anybody
from recoup.flows.people.oneself import change_password
from recoup.flows.people.passwords import LENGTH_MAX, LENGTH_MIN, Passwords
from recoup.kernel.problem import Problem

PLACE: Final = "/account/password"


@account.page(PLACE, "account/password.html", menu=Entry(TABS, 2, "Password"))
async def page(visit: AccountVisit) -> Values:
    changed = visit.problem is None and done_of(visit.session, visit.request) == "changed"
    return {"changed": changed, "least": LENGTH_MIN, "most": LENGTH_MAX}


def _in_form(problem: Problem) -> bool:
    return problem.field is not None or problem.code == "too_many_requests"


@dataclass(frozen=True, slots=True)
class NewPassword:
    old: str = field(repr=False)
    new: str = field(repr=False)


@page.post(may=anybody, shape=NewPassword, shows=_in_form)
async def post_password(visit: AccountVisit, form: NewPassword) -> Answer:
    await change_password(visit.world, visit.portal.get(Passwords), visit.me, form.old, form.new)
    return redirect(with_done(visit.session, PLACE, "changed"))
