"""/partner/keys: the keys of the partner itself."""

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from recoup.doors.portal.forms import one
from recoup.doors.portal.keys.question import OVERLAPS, Ending, Question, is_sure
from recoup.doors.portal.partner.visit import PartnerVisit
from recoup.doors.portal.templates import render
from recoup.flows.merchants.partners import PartnerKey, make_partner_key
from recoup.kernel.problem import Problem
from recoup.store.read.partner_merchants import partner_keys_of

PLACE: Final = "/partner/keys"


async def keys_page(visit: PartnerVisit) -> Response:
    visit.only("see_keys")
    return await _show(visit, None)


async def make_key(visit: PartnerVisit) -> Response:
    form = await visit.form()
    visit.only("keys")
    hours = one(form, "overlap")
    if hours not in OVERLAPS:
        raise Problem("invalid", "Choose when the old keys end.", field="overlap", cure="Reload the page.")
    if hours == "0" and not is_sure(form):
        async with visit.portal.world.db.connection() as connection:
            rows, wall = await partner_keys_of(connection, visit.partner.partner_id), visit.portal.world.clocks.wall()
        working = [row for row in rows if row["ends_at"] is None or row["ends_at"] > wall]
        if working:
            ending = [Ending("Partner key", row["app_key"][-4:], "", None) for row in working]
            return await _show(visit, None, Question(PLACE, {"overlap": hours}, ending, PLACE))
    overlap = timedelta(hours=int(hours))
    made = await make_partner_key(visit.portal.world, visit.partner.partner_id, overlap, visit.scope)
    return await _show(visit, made)


async def _show(visit: PartnerVisit, made: PartnerKey | None, question: Question | None = None) -> Response:
    async with visit.portal.world.db.connection() as connection:
        rows = await partner_keys_of(connection, visit.partner.partner_id)
    return render("partner/keys.html", visit.values(rows=rows, made=made, overlaps=OVERLAPS, question=question))
