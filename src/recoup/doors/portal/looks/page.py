"""/look-as: somebody of the operator chooses as whom to look, says why, and ends it."""

from typing import Final

from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.portal.endpoint import COOKIE, STATUSES, redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.own_forms import read_form_of
from recoup.doors.portal.permissions import in_words
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.people.looks import ImpersonationForm, begin, end
from recoup.flows.people.sessions import MAY
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.people.looks import MINUTES, REASON_MAX
from recoup.store.read.looks import members_to_look_as

PLACE: Final = "/look-as"


async def look_page(visit: Visit) -> Response:
    visit.only_operator("impersonate somebody")
    return await _show(visit)


async def post_look(visit: Visit) -> Response:
    form = await checked_form(visit)
    visit.only_operator("impersonate somebody")
    kind, _, whom = first(form, "whom").partition(":")
    user_id = parse_id(whom) if kind == "user" else None
    try:
        if kind == "user" and user_id is None or kind not in ("user", "role"):
            raise Problem("invalid", "Choose a person or a role.", field="whom", cure="Choose one of the list.")
        asked = ImpersonationForm(user_id, whom if kind == "role" else "", first(form, "reason"),
                                  first(form, "minutes"), first(form, "act") == "yes")  # fmt: skip
        await begin(visit.world, cookie(visit.request, COOKIE), visit.session, asked,
                    visit.scope.request_id)  # fmt: skip
    except Problem as problem:
        return await _show(visit, problem, form)
    return redirect("/orders")


async def post_end(visit: Visit) -> Response:
    """Also when it is over already: what they want is so."""
    if visit.session.behind is not None:
        await read_form_of(visit.request, visit.session)
        await end(visit.world, cookie(visit.request, COOKIE), visit.scope.request_id)
    return redirect("/orders")


async def _show(visit: Visit, problem: Problem | None = None, form: Form | None = None) -> Response:
    form = form or {}
    async with visit.world.people.read() as connection:
        members = await members_to_look_as(connection, visit.merchant_id, visit.session.user_id,
                                           visit.world.name)  # fmt: skip
    typed = {"whom": first(form, "whom"), "reason": first(form, "reason")[:REASON_MAX],
             "minutes": first(form, "minutes") or str(MINUTES[0]), "act": first(form, "act")}  # fmt: skip
    values = visit.values(members=members, roles={role: in_words(role) for role in MAY}, minutes=MINUTES, typed=typed,
                          problem=problem, reason_max=REASON_MAX)  # fmt: skip
    return render("looks/look.html", values, status=STATUSES[problem.code] if problem else 200)
