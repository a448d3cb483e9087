"""/partner/keys: the keys of the partner itself."""

from datetime import timedelta

from starlette.responses import Response

from recoup.doors.portal.forms import one
from recoup.doors.portal.partner.merchant import OVERLAPS
from recoup.doors.portal.partner.visit import PartnerVisit
from recoup.doors.portal.templates import render
from recoup.flows.merchants.partners import PartnerKey, make_partner_key
from recoup.store.read.partner_merchants import partner_keys_of


async def keys_page(visit: PartnerVisit) -> Response:
    visit.only("see_keys")
    return await _show(visit, None)


async def make_key(visit: PartnerVisit) -> Response:
    form = await visit.form()
    visit.only("keys")
    hours = one(form, "overlap") if one(form, "overlap") in OVERLAPS else "0"
    overlap = timedelta(hours=int(hours))
    made = await make_partner_key(visit.portal.world, visit.partner.partner_id, overlap, visit.scope)
    return await _show(visit, made)


async def _show(visit: PartnerVisit, made: PartnerKey | None) -> Response:
    async with visit.portal.world.db.connection() as connection:
        rows = await partner_keys_of(connection, visit.partner.partner_id)
    return render("partner/keys.html", visit.values(rows=rows, made=made, overlaps=OVERLAPS))
