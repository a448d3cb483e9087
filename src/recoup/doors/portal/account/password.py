"""/account/password: another password, for the old one. All other sessions end."""

from typing import Final

from starlette.responses import Response

from recoup.doors.portal.account.visit import AccountVisit
from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import first
from recoup.flows.people.oneself import change_password
from recoup.flows.people.passwords import LENGTH_MAX, LENGTH_MIN
from recoup.kernel.problem import Problem

PLACE: Final = "/account/password"


async def password_page(visit: AccountVisit) -> Response:
    return _show(visit)


async def post_password(visit: AccountVisit) -> Response:
    form = await visit.form()
    try:
        await change_password(visit.world, visit.portal.passwords, visit.me, first(form, "old"),
                              first(form, "new"))  # fmt: skip
    except Problem as problem:
        if problem.field is None and problem.code != "too_many_requests":
            raise
        return _show(visit, problem)
    return redirect(with_done(visit.session, PLACE, "changed"))


def _show(visit: AccountVisit, problem: Problem | None = None) -> Response:
    changed = problem is None and done_of(visit.session, visit.request) == "changed"
    return visit.show("account/password.html", problem, changed=changed, least=LENGTH_MIN, most=LENGTH_MAX)
