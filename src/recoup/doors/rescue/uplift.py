"""GET /reports/uplift and /reports/cohorts: what the rescue engine brings. Source: decision 0069."""

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from recoup.doors.edge.described import CSV, JSON, Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.as_of import NAMES, read_cut
from recoup.doors.rescue.body import read_body
from recoup.doors.rescue.payment import check_own
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.uplift import (
    Cohort,
    CohortPlace,
    CohortQuery,
    Cohorts,
    EngineReturnBody,
    Uplift,
    UpliftQuery,
    UpliftReport,
)
from recoup.doors.rescue.wire import iso_or_null
from recoup.flows.insight.uplift_report import read_report, read_return, set_return
from recoup.rules.money.as_of import NOW, Cut
from recoup.rules.uplift.cohorts import CURVE_DAYS, cohort_file

_FORMATS: Final = {"json": "json", "csv": "csv"}
_BY: Final = {"week": "week", "site": "site"}
_NOTHING: Final[dict[str, Any]] = {"curveDays": list(CURVE_DAYS), "cohorts": [], "places": []}


async def get_uplift(call: Call) -> Reply:
    query = Query(call.query)
    query.refuse_unknown(NAMES)
    return await _uplift(call, await read_cut(call, query))


async def _uplift(call: Call, cut: Cut) -> Reply:
    world, merchant_id = call.services.world, call.scope.merchant_id
    row, back = await read_report(world, merchant_id, cut), await read_return(world, merchant_id, cut)
    return Reply(
        UpliftReport(
            made_at=iso_or_null(row.made_at if row else None),
            until=iso_or_null(row.until if row else None),
            return_on_harm=back is not None and back.on_harm,
            data=msgspec.convert(row.report, Uplift) if row else None,
        )
    )


async def put_return(call: Call) -> Reply:
    body, complaints = read_body(call.body, EngineReturnBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    await set_return(call.services.world, call.scope, on_harm=body.on_harm)
    return await _uplift(call, NOW)


async def get_cohorts(call: Call) -> Reply:
    query = Query(call.query)
    query.refuse_unknown(("by", "format", *NAMES))
    by = query.choice("by", _BY, "week")
    accepted = call.headers.get("accept", "").lower()
    form = query.choice("format", _FORMATS, "csv" if accepted.startswith("text/csv") else "json")
    cut = await read_cut(call, query)
    row = await read_report(call.services.world, call.scope.merchant_id, cut)
    report = row.report if row else _NOTHING
    if form == "csv":
        name = f'attachment; filename="cohorts-by-{by}{cut.stamp()}.csv"'.encode()
        headers = ((b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", name))
        return Reply(_parts(report, by), headers=headers)
    return Reply(
        Cohorts(
            made_at=iso_or_null(row.made_at if row else None),
            curve_days=report["curveDays"],
            weeks=msgspec.convert(report["cohorts"], list[Cohort]) if by == "week" else [],
            places=msgspec.convert(report["places"], list[CohortPlace]) if by == "site" else [],
        )
    )


async def _parts(report: dict[str, Any], by: Any) -> AsyncIterator[bytes]:
    for line in cohort_file(report, by):
        yield line.encode()


METHODS: Final = (
    Method(Operation("GET", "/v1/reports/uplift", "What the rescue engine brings",
                     "The engine's customers against the comparison group: rescued orders, amounts, and what else may "
                     "change. Only orders whose window has closed count. The interval holds at every look at once: "
                     "read it daily. Computed each hour; for more than 20,000 orders each day. With `asOf` or "
                     "`asOfRecorded` it is the response as it was then, byte for byte.",
                     group="Reports", query=UpliftQuery, answers={200: UpliftReport}), get_uplift, "orders"),
    Method(Operation("GET", "/v1/reports/cohorts", "Declined payments by week",
                     "Of each week's declined payments, how many were rescued, and by which day. A rate stands beside "
                     "its denominator. With `format=csv`, or `Accept: text/csv`, the response is one file. With `asOf` "
                     "or `asOfRecorded` it is the response as it was then, byte for byte.",
                     group="Reports", query=CohortQuery, answers={200: Cohorts}, types=(JSON, CSV),
                     examples=(Example("by site and campaign", {"by": "site"}),)), get_cohorts, "orders"),
    Method(Operation("PUT", "/v1/engine/return", "Let the engine stop by itself",
                     "Once it is shown to bring less than the comparison group, or to do harm by another of the "
                     "figures compared, the fixed schedule applies to every order. Whoever starts the engine again "
                     "is not overruled.",
                     group="Settings", body=EngineReturnBody, answers={200: UpliftReport},
                     examples=(Example("on", {"onHarm": True}),)), put_return, "merchants", strict=True),
)  # fmt: skip
