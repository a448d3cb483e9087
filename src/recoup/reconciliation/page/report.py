"""Movements on the merchant's account in a month: sums that are the ledger's own, the lines, and
both as a file."""

from typing import Annotated, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.texts import parse_whole
from recoup.kit.as_of import Window
from recoup.kit.lists.paging import cut, parse_instant
from recoup.kit.report_spans import month, months_until, zone_of
from recoup.orders.store.movements import Place, first_booked, movements, open_differences
from recoup.people.page.as_of import chosen_month, read_as_of, strict_as_of
from recoup.people.page.form_shape import As
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, download, member, taken
from recoup.people.page.portal_visit import Visit
from recoup.settlement.flows.report import balance_of, kind_of, place_of, report_csv, report_totals

LINES: Final = 100
WORDS: Final = {
    "amount": "Approved", "fee": "Service fee",
    "dispute_fee": "Chargeback fee", "dispute": "Chargeback", "refund": "Refund",
    "adjustment": "Adjustment", "reserve": "Reserve", "carried": "Carried", "payout": "Payout",
}  # fmt: skip


@member.page(
    "/reconciliation",
    "reconciliation/report.html",
    menu=Entry("Money", 2, "Reconciliation", "match"),
)
async def report(
    visit: Visit, *, after: Annotated[Place | None, As(lambda text: _place(text))]
) -> Values:
    """A month or zone that cannot be read is the present one, and said."""
    chosen, zone, problem = _chosen(visit)
    then = await read_as_of(visit)
    window = Window(*month(chosen, str(zone)), then.cut)
    world = visit.world
    totals = await report_totals(world, visit.merchant_id, window)
    rows, last = cut(
        await movements(world.db.reader, visit.merchant_id, window, after, LINES + 1), LINES
    )
    span = (window.begin, window.end)
    differences = 0 if then.at else await open_differences(world.db.reader, visit.merchant_id, span)
    first = await first_booked(world.db.reader, visit.merchant_id)
    kept = {"month": chosen, "zone": str(zone)}
    query = kept | dict(then.query)
    return dict(
        then=then,
        then_kept=kept,
        month=chosen,
        zone=zone,
        months=months_until(visit.now, first, zone),
        totals=totals,
        rows=rows,
        first=after is None,
        next=urlencode(query | {"after": _text(place_of(last))}) if last else None,
        query=urlencode(query),
        differences=differences,
        problem=problem,
        kind_of=kind_of,
        balance_of=balance_of,
        local=lambda moment: moment.astimezone(zone),
        both=len({total.balance for total in totals}) > 1,
    )


@member.page("/reconciliation/report.csv")
async def report_file(visit: Visit) -> Response:
    chosen, zone, problem = _chosen(visit)
    if problem is not None:
        raise problem
    then = await strict_as_of(visit)
    window = Window(*month(chosen, str(zone)), then.cut)
    await taken(visit, "reconciliation report", month=chosen, zone=str(zone), **then.query)
    parts = report_csv(visit.world, visit.merchant_id, window, zone)
    return download(parts, f"reconciliation-{chosen}{then.cut.stamp()}.csv")


def _chosen(visit: Visit) -> tuple[str, ZoneInfo, Problem | None]:
    query, problem = visit.request.query_params, None
    try:
        zone = zone_of(query.get("zone", "") or "UTC")
    except Problem as wrong:
        zone, problem = zone_of("UTC"), wrong
    chosen, wrong_month = chosen_month(query, f"{visit.now.astimezone(zone):%Y-%m}", str(zone))
    return chosen, zone, wrong_month or problem


def _text(place: Place) -> str:
    return f"{place.at.isoformat()}~{place.posting_id}~{place.line_no}"


def _place(text: str) -> Place | None:
    moment, _, rest = text.partition("~")
    posting, _, number = rest.partition("~")
    at, posting_id, line_no = parse_instant(moment), parse_id(posting), parse_whole(number, 4)
    if at is None or posting_id is None or line_no is None:
        return None
    return Place(at, posting_id, line_no)
