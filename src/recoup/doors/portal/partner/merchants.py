"""/partner: a partner's merchants, how they stand and what was rescued; switches for many at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from recoup.doors.portal.form_shape import As, AtMost, Names
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, partner, shown
from recoup.doors.portal.partner.visit import PartnerVisit
from recoup.doors.portal.rights import seat
from recoup.flows.merchants.bulk_switches import switch_many
from recoup.flows.merchants.partner_merchants import STATES
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.rescue.switches import KINDS
from recoup.store.merchants.partner_merchants import MerchantFilter, list_merchants, rescued_of
from recoup.store.merchants.partners import count_merchants

PAGE: Final = 50
RESCUED_WITHIN: Final = timedelta(days=30)
_ON: Final = {"on": True, "off": False}


@dataclass(frozen=True, slots=True)
class BulkSwitch:
    """`mid`: of the merchants that are ticked; `wanted`: the order types to switch, under their names."""

    mid: Annotated[tuple[UUID, ...], AtMost(PAGE)]
    wanted: Annotated[Mapping[str, bool], Names(KINDS.__contains__), As(_ON.get)]
    why: str


@partner.page("/partner", "partner/merchants.html", menu=Entry("Partner", 1, "Merchants", "shop"))
async def merchants(visit: PartnerVisit) -> Values:
    query = visit.request.query_params
    state = query.get("state") or None
    state = state if state is None or state in STATES else "unknown"  # in which no merchant is
    text, after = query.get("q", "").replace("\0", "")[:128].strip(), parse_id(query.get("after", ""))
    merchant_filter = MerchantFilter(visit.partner.partner_id, state, text)
    async with visit.world.db.read() as connection:
        rows = await list_merchants(connection, merchant_filter, after, PAGE + 1)
        if text and not rows and after is None:
            rows = await list_merchants(
                connection, MerchantFilter(visit.partner.partner_id, state, "", text), None, PAGE + 1
            )
        shown = rows[:PAGE]
        rescued = await rescued_of(connection, [row.merchant_id for row in shown], visit.wall - RESCUED_WITHIN)
        total = await count_merchants(connection, visit.partner.partner_id)
    further = shown[-1].merchant_id if len(rows) > PAGE else None
    return dict(
        rows=shown,
        rescued=rescued,
        total=total,
        text=text,
        state=state,
        states=STATES,
        kinds=KINDS,
        after=after,
        results={},
        days=RESCUED_WITHIN.days,
        next_link=_link(state, text, further) if further else None,
        first_link=_link(state, text, None),
    )


@merchants.post("/partner/switches", may=seat("switches"), shape=BulkSwitch)
async def switch_merchants(visit: PartnerVisit, form: BulkSwitch) -> Answer:
    """Answers for each merchant, on the same page."""
    if not form.mid or not form.wanted:
        raise Problem("invalid", "Choose merchants and the order types to switch.", cure="Nothing was switched.")
    results = await switch_many(visit.world, visit.scope, form.mid, form.wanted, form.why)
    for result in results:
        visit.portal.merchants.forget(result.merchant_id)
    return shown(results={result.merchant_id: result for result in results})


def _link(state: str | None, text: str, after: Any) -> str:
    parameters = {"state": state, "q": text, "after": after}
    return "/partner?" + urlencode({name: value for name, value in parameters.items() if value})
