"""/partner/report: what came in and what was booked at a partner's merchants, by day, currency and
kind."""

from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.files.moments import typed_day
from recoup.merchants.flows.find_partner import own_merchant
from recoup.onboarding.flows.partners import merchants_of
from recoup.onboarding.store.partner_merchants import MerchantFilter
from recoup.partners.flows.partner_report import (
    DAYS_MAX,
    PLACED,
    PartnerReportRequest,
    report_csv,
    report_page,
)
from recoup.people.page.as_of import AsOf, read_partner_as_of
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, download, partner, shown
from recoup.people.page.partner_visit import PartnerVisit

DAYS_USUAL: Final = 30
MERCHANTS: Final = 20  # of one page
CHOICES_MAX: Final = 200  # merchants that the page's list offers
FIELDS: Final = ("from", "to", "mid", "currency")
KINDS: Final = {
    PLACED: "Placed", "amount": "Approved", "fee": "Service fees", "refund": "Refunds",
    "dispute": "Disputes", "dispute_fee": "Dispute fees", "adjustment": "Adjustments",
    "reserve": "Reserve", "carried": "Carried on", "payout": "Payouts",
}  # fmt: skip


@partner.page(
    "/partner/report", "partners/report.html", menu=Entry("Partner", 2, "Report", "report")
)
async def report(visit: PartnerVisit, *, after: UUID | None) -> Answer:
    typed, problem = _typed(visit), None
    then = await read_partner_as_of(visit, parse_id(typed["mid"]))
    try:
        request = await _request(visit, typed, then)
    except Problem as wrong:
        request, problem = _usual(visit, then), wrong
    world = visit.world
    rows, further = await report_page(world, request, after, MERCHANTS)
    mine = MerchantFilter(visit.partner.partner_id)
    merchants, _ = await merchants_of(world, mine, None, CHOICES_MAX)
    kept = {name: value for name, value in typed.items() if value}
    query = kept | dict(then.query)
    fields = typed | {
        "from": typed["from"] or request.first.isoformat(),
        "to": typed["to"] or request.last.isoformat(),
    }
    return shown(
        problem,
        then=then,
        then_kept=kept,
        rows=rows,
        typed=fields,
        period=request,
        merchants=merchants,
        paged=after is not None,
        query=urlencode(query),
        more=urlencode(query | {"after": str(further)}) if further else None,
    )


@partner.page("/partner/report.csv")
async def partner_report_file(visit: PartnerVisit) -> Response:
    typed = _typed(visit)
    then = await read_partner_as_of(visit, parse_id(typed["mid"]))
    request = await _request(visit, typed, then.checked())
    name = f"merchants-{request.first}-{request.last}{request.cut.stamp()}.csv"
    return download(report_csv(visit.world, request), name)


def _typed(visit: PartnerVisit) -> dict[str, str]:
    return {name: visit.request.query_params.get(name, "").strip()[:40] for name in FIELDS}


def _usual(visit: PartnerVisit, then: AsOf) -> PartnerReportRequest:
    last = (then.at or visit.wall).date()
    return PartnerReportRequest(
        visit.partner.partner_id, last - timedelta(days=DAYS_USUAL - 1), last, cut=then.cut
    )


async def _request(visit: PartnerVisit, typed: dict[str, str], then: AsOf) -> PartnerReportRequest:
    """Raises: Problem(invalid) naming the field; Problem(not_found) for a merchant that is not the
    partner's."""
    last = _day(typed, "to") or (then.at or visit.wall).date()
    first = _day(typed, "from") or last - timedelta(days=DAYS_USUAL - 1)
    if not 0 <= (last - first).days < DAYS_MAX:
        raise invalid(
            Sentence("The last day must be the first or later, within {0} days.", DAYS_MAX),
            "to",
            "Choose a shorter period.",
        )
    asset = typed["currency"].upper()
    if asset and asset not in EXPONENTS:
        raise invalid(
            Sentence("The currency {0} is not an ISO 4217 code.", repr(asset[:8])),
            "currency",
            "Enter it like USD, or leave it empty.",
        )
    mid = None
    if typed["mid"]:
        mid = await own_merchant(visit.world, visit.partner.partner_id, parse_id(typed["mid"]))
    return PartnerReportRequest(visit.partner.partner_id, first, last, mid, asset or None, then.cut)


def _day(typed: dict[str, str], name: str) -> date | None:
    if not typed[name]:
        return None
    day = typed_day(typed[name])
    if day is None:
        raise invalid(
            Sentence("{0} is no day.", repr(typed[name])), name, "Enter it like 2026-03-01."
        )
    return day
