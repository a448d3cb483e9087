"""/uplift: what the rescue engine brings more than the comparison group, and declined payments by
week."""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from recoup.kernel.problem import Problem
from recoup.people.page import rights
from recoup.people.page.as_of import read_as_of, strict_as_of
from recoup.people.page.endpoint import redirect
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, download, member, taken
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import anybody
from recoup.people.page.words import MEANS
from recoup.uplift.flows.uplift_report import ask_for_report, read_report, read_return, set_return
from recoup.uplift.rules.cohorts import cohort_file
from recoup.uplift.rules.comparison import PAYERS_MIN

WIDTH: Final = 1120
HEIGHT: Final = 210
_LEFT, _TOP, _BASE = 44.0, 14.0, 184.0
_LABEL: Final = 75  # units that a day's name takes
_WIDEST: Final = 24.0  # of an interval, however few there are
_SPELT: Final = 150.0  # from here on there is room for an interval's numbers beside it
_STEPS: Final = (1, 2, 5, 10, 20, 50)  # points between two lines


def chart(looks: Sequence[Mapping[str, Any]], width: int = WIDTH) -> Values | None:
    """Chart of looks with an interval; None without any. Lengths in units of the view box; `low`,
    `high` and `difference` of an interval in points; `grid`: (height, points), from the bottom;
    `spelt`: its numbers stand beside it."""
    shown = [look for look in looks if look["low"] is not None]
    if not shown:
        return None
    lowest: float = min(0.0, *(100 * figures["low"] for figures in shown))
    highest: float = max(0.0, *(100 * figures["high"] for figures in shown))
    step: int = next((step for step in _STEPS if (highest - lowest) / step <= 6), 100)
    bottom, top = math.floor(lowest / step) * step, max(1, math.ceil(highest / step)) * step
    each = (width - _LEFT) / len(shown)
    every = max(1, -(-len(shown) * _LABEL // (width - int(_LEFT))))

    def y(points: float) -> float:
        return round(_BASE - (_BASE - _TOP) * (points - bottom) / (top - bottom), 1)

    def interval(at: int, figures: Mapping[str, Any]) -> Values:
        wide = round(min(each * 0.4, _WIDEST), 1)
        x = round(_LEFT + at * each + (each - wide) / 2, 1)
        low, high, difference = (
            100 * figures["low"],
            100 * figures["high"],
            100 * figures["difference"],
        )
        return dict(
            on=date.fromisoformat(figures["on"]),
            low=low,
            high=high,
            difference=difference,
            x=x,
            width=wide,
            centre=round(x + wide / 2, 1),
            top=y(high),
            bottom=y(low),
            middle=y(difference),
            label=at % every == 0,
            spelt=each >= _SPELT,
        )

    return dict(
        intervals=[interval(at, figures) for at, figures in enumerate(shown)],
        grid=[(y(points), points) for points in range(bottom, top + 1, step)],
        left=_LEFT,
        width=width,
        height=HEIGHT,
    )


PLACE: Final = "/uplift"
WEEKS: Final = 26  # looks that the chart shows
FEW_WEEKS: Final = 8  # on a phone
FILES: Final = {"week": "cohorts by week", "site": "cohorts by site"}
RESCUED_BY: Final = MEANS | {"paid_elsewhere": "Paid elsewhere"}
# name -> its words, digits, and by what it is multiplied: shares are in percent
OTHERS: Final = {
    "sends": ("Attempts per order", 2, 1, ""),
    "disputes": ("Orders with a dispute", 2, 100, " %"),
    "orders_per_payer": ("Orders per customer", 3, 1, ""),
    "customers_lost": ("Customers whose last payment was not rescued", 1, 100, " %"),
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
        payers_min=PAYERS_MIN,
    )


def _days(report: dict[str, Any] | None) -> list[str]:
    return (
        [look["on"] for look in report["looks"]] + [cohort["week"] for cohort in report["cohorts"]]
        if report
        else []
    )


_acting: Final = rights.acting("switch", "set the rescue engine")


@uplift.post("/uplift/return", may=_acting)
async def post_return(visit: Visit, *, on_harm: str = "") -> Answer:
    """Sets whether the engine stops on harm. `on_harm`: `on` or empty."""
    await set_return(visit.world, _acting(visit), on_harm=on_harm == "on")
    return redirect(f"{PLACE}#return")


@uplift.post("/uplift/compute", may=anybody)
async def post_compute(visit: Visit) -> None:
    await ask_for_report(visit.world, visit.merchant_id)


@member.page("/uplift/cohorts-by-{by}.csv")
async def cohorts_file(visit: Visit) -> Response:
    by = visit.request.path_params["by"]
    then = await strict_as_of(visit)
    row = await read_report(visit.world, visit.merchant_id, then.cut)
    if by not in FILES or row is None:
        raise Problem("not_found", "There is no such file.", cure="Go to the page Uplift.")
    await taken(visit, FILES[by], **then.query)
    return download(
        _parts(row.report, by), f"cohorts-by-{by}-{row.until:%Y-%m-%d}{then.cut.stamp()}.csv"
    )


async def _parts(report: dict[str, Any], by: Any) -> AsyncIterator[bytes]:
    for line in cohort_file(report, by):
        yield line.encode()
