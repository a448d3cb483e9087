"""/partner/keys: the keys of the partner itself."""

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.forms import first
from recoup.doors.portal.keys.question import OVERLAPS, Ending, Question, is_sure
from recoup.doors.portal.partner.visit import PartnerVisit
from recoup.doors.portal.templates import render
from recoup.flows.merchants.own_keys import NAME_MAX
from recoup.flows.merchants.partners import PartnerKey, make_partner_key, rename_partner_key
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.store.read.partner_merchants import PartnerKeyShown, partner_keys_of

PLACE: Final = "/partner/keys"


async def keys_page(visit: PartnerVisit) -> Response:
    visit.only("see_keys")
    return await _show(visit)


async def make_key(visit: PartnerVisit) -> Response:
    form = await visit.form()
    visit.only("keys")
    hours, name = first(form, "overlap"), first(form, "name")
    try:
        if hours not in OVERLAPS:
            raise Problem("invalid", "Choose when the old keys end.", field="overlap", cure="Reload the page.")
        if hours == "0" and not is_sure(form) and (working := await _working(visit)):
            ending = [Ending("Partner key", row.app_key[-4:], row.name, row.last_used_at) for row in working]
            return await _show(visit, question=Question(PLACE, {"overlap": hours, "name": name}, ending, PLACE))
        overlap = timedelta(hours=int(hours))
        made = await make_partner_key(visit.world, visit.partner.partner_id, overlap, visit.scope, name=name)
    except Problem as problem:
        return await _show(visit, problem=problem)
    return await _show(visit, made)


async def name_key(visit: PartnerVisit) -> Response:
    form = await visit.form()
    visit.only("keys")
    try:
        await rename_partner_key(visit.world, visit.scope, parse_id(first(form, "id")), first(form, "name"))
    except Problem as problem:
        return await _show(visit, problem=problem)
    return redirect(PLACE)


async def _working(visit: PartnerVisit) -> list[PartnerKeyShown]:
    return [row for row in await _keys(visit) if row.ends_at is None or row.ends_at > visit.wall]


async def _keys(visit: PartnerVisit) -> list[PartnerKeyShown]:
    async with visit.world.db.read() as connection:
        return await partner_keys_of(connection, visit.partner.partner_id)


async def _show(
    visit: PartnerVisit, made: PartnerKey | None = None, question: Question | None = None,
    problem: Problem | None = None,
) -> Response:  # fmt: skip
    may = visit.seat.may("keys") and visit.partner.state == "active"
    values = visit.values(rows=await _keys(visit), made=made, overlaps=OVERLAPS, question=question, problem=problem,
                          may=may, name_max=NAME_MAX)  # fmt: skip
    return render("partner/keys.html", values, status=STATUSES[problem.code] if problem else 200)
