"""/partner/report: counts and amounts over all merchants of a partner. Source: contract §16.5
(reporting)."""

from datetime import timedelta
from typing import Any, Final

from recoup.keys.api.partners_shapes import Report, ReportQuery, ReportRow
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import PARTNER, Api, Call, file_reply, form_of_reply
from recoup.kit.api.query import read_query
from recoup.kit.edge.described import CSV, JSON
from recoup.merchants.flows.as_of import partner_cut_of
from recoup.merchants.flows.find_partner import own_merchant
from recoup.partners.api.partner import GROUP
from recoup.partners.api.partner_caller import only_partner
from recoup.partners.flows.partner_report import (
    DAYS_MAX,
    PartnerReportRequest,
    report_csv,
    report_page,
)

DAYS_USUAL: Final = 30


api: Final = Api(group=GROUP, credential=PARTNER, scope=PARTNER)


@api(
    "GET /v1/partner/report",
    query=ReportQuery,
    answers={200: Report},
    types=(JSON, CSV),
    problems=("not_found",),
)
async def report(call: Call) -> Reply:
    """Report over your merchants. Counts and amounts by merchant, day, currency and kind. `placed`
    counts incoming orders; all other kinds are the ledger's entries on the merchant's account, to
    the cent. Days are in the merchants' business time, in UTC; a page contains complete merchants.
    With `format=csv`, or `Accept: text/csv`, the response is one file with all merchants and
    decimal amounts. With `asOf` or `asOfRecorded` it is the response as it was then, byte for byte;
    `asOf` is by each merchant's own clock."""
    partner, (wanted, query), world = (
        await only_partner(call),
        read_query(call.query, ReportQuery, "format", "from", "to", "mid", "after", "limit"),
        call.services.world,
    )
    form, mid = form_of_reply(call, wanted.format), wanted.mid
    first: Any = wanted.from_
    last: Any = wanted.to
    query.raise_if_any()
    cut = await partner_cut_of(world, partner.partner_id, mid, wanted.as_of, wanted.as_of_recorded)
    if mid is not None:
        mid = await own_merchant(world, partner.partner_id, mid)
    last = last or min(world.clocks.wall(), *cut).date()
    first = first or last - timedelta(days=DAYS_USUAL - 1)
    if not 0 <= (last - first).days < DAYS_MAX:
        query.complain(
            "to", text=f"The last day must be the first or later, within {DAYS_MAX} days."
        )
    query.raise_if_any()
    request = PartnerReportRequest(partner.partner_id, first, last, mid, wanted.currency, cut)
    if form == "csv":
        return file_reply(report_csv(world, request), f"merchants-{first}-{last}{cut.stamp()}.csv")
    rows, further = await report_page(world, request, wanted.after, wanted.limit)
    return Reply(
        Report(
            from_=first.isoformat(),
            to=last.isoformat(),
            next=further,
            data=[
                ReportRow.of(row, mid=row.merchant_id, day=row.day.isoformat(), count=row.counted)
                for row in rows
            ],
        )
    )
