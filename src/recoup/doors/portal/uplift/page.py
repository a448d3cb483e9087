"""/uplift: what the rescue engine brings more than the comparison group, and declined payments by week."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from recoup.doors.portal.as_of import read_as_of, strict_as_of
from recoup.doors.portal.downloads import download
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.taken import taken
from recoup.doors.portal.uplift.intervals import chart
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.words import MEANS
from recoup.flows.insight.uplift_report import ask_for_report, read_report, read_return, set_return
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.rules.uplift.cohorts import cohort_file
from recoup.rules.uplift.comparison import PAYERS_MIN

PLACE: Final = "/uplift"
WEEKS: Final = 26  # looks that the chart shows
FEW_WEEKS: Final = 8  # on a phone
FILES: Final = {"week": "cohorts by week", "site": "cohorts by site"}
RESCUED_BY: Final = MEANS | {"paid_elsewhere": "Paid elsewhere"}
# name -> its words, digits, and by what it is multiplied: shares are in percent
OTHERS: Final = {
    "sends": ("Attempts per order", "%.2f", 1, ""),
    "disputes": ("Orders with a dispute", "%.2f", 100, " %"),
    "orders_per_payer": ("Orders per customer", "%.3f", 1, ""),
    "customers_lost": ("Customers whose last payment was not rescued", "%.1f", 100, " %"),
}


@member.page(PLACE, "uplift/uplift.html", menu=Entry("Insight", 2, "Uplift", "gain"))
async def uplift(visit: Visit) -> Values:
    then = await read_as_of(visit)
    row = await read_report(visit.world, visit.merchant_id, then.cut)
    back = await read_return(visit.world, visit.merchant_id, then.cut)
    report = row.report if row else None
    looks = report["looks"] if report else []
    return dict(
        then=then,
        then_kept={},
        row=row,
        report=report,
        compared=report is not None and any(arm["orders"] for arm in report["arms"].values()),
        day_of={text: date.fromisoformat(text) for text in _days(report)},
        last=looks[-1] if looks else None,
        chart=chart(looks[-WEEKS:]),
        few=chart(looks[-FEW_WEEKS:], 380),
        returns=back is not None and back.on_harm,
        may=visit.may("switch", or_operator=True),
        means=RESCUED_BY,
        others=OTHERS,
        payers_min=PAYERS_MIN,
    )


def _days(report: dict[str, Any] | None) -> list[str]:
    return [one["on"] for one in report["looks"]] + [one["week"] for one in report["cohorts"]] if report else []


def _acting(visit: Visit) -> Scope:
    return visit.acting("switch", "set the rescue engine")


@dataclass(frozen=True, slots=True)
class ReturnForm:
    """`on_harm`: `on` or empty."""

    on_harm: str = ""


@uplift.post("/uplift/return", may=_acting, shape=ReturnForm)
async def post_return(visit: Visit, form: ReturnForm) -> Answer:
    await set_return(visit.world, _acting(visit), on_harm=form.on_harm == "on")
    return redirect(f"{PLACE}#return")


@uplift.post("/uplift/compute", may=anybody)
async def post_compute(visit: Visit) -> Answer:
    await ask_for_report(visit.world, visit.merchant_id)
    return redirect(PLACE)


@member.page("/uplift/cohorts-by-{by}.csv")
async def cohorts_file(visit: Visit) -> Response:
    by = visit.request.path_params["by"]
    then = await strict_as_of(visit)
    row = await read_report(visit.world, visit.merchant_id, then.cut)
    if by not in FILES or row is None:
        raise Problem("not_found", "There is no such file.", cure="Go to the page Uplift.")
    await taken(visit, FILES[by], **then.query)
    return download(_parts(row.report, by), f"cohorts-by-{by}-{row.until:%Y-%m-%d}{then.cut.stamp()}.csv")


async def _parts(report: dict[str, Any], by: Any) -> AsyncIterator[bytes]:
    for line in cohort_file(report, by):
        yield line.encode()
