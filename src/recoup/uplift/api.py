"""GET /reports/uplift and /reports/cohorts: what the rescue engine brings. Source: decision
0069."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, field

from recoup.keys.api.as_of import BusinessAsOf, RecordedAsOf, read_cut
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call, file_reply, form_of_reply
from recoup.kit.api.query import read_query
from recoup.kit.api.wire import Members, Moment, Shape, Text64, UnusedMid, iso_or_null
from recoup.kit.as_of import NOW, Cut
from recoup.kit.edge.described import CSV, JSON
from recoup.rescue.api.payment import read_own
from recoup.uplift.flows.uplift_report import read_report, read_return, set_return
from recoup.uplift.rules.cohorts import CURVE_DAYS, cohort_file

Points = Annotated[
    float | None,
    Meta(description="Engine less comparison group, as a share; null: not enough yet."),
]
Low = Annotated[
    float | None, Meta(description="The interval holds at every look together, in 95 of 100 cases.")
]
Counted = Annotated[int, Meta(ge=0)]
Mean = Annotated[float, Meta(description="Per order or per customer.")]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[
    Share | None, Meta(description="`rescued` of `closed`; null without closed windows.")
]
Units = Annotated[
    dict[str, int], Meta(description="By currency, minor units, of orders whose window has closed.")
]


class UpliftOrders(Shape, kw_only=True):
    """Which orders were compared."""

    closed: Annotated[int, Meta(ge=0, description="Their window has closed: these are compared.")]
    open: Annotated[int, Meta(ge=0, description="Their window is open: they say nothing yet.")]
    other: Counted
    one_in: Annotated[
        int, Meta(ge=1, description="Above 1: of so many customers one was compared.")
    ]


class UpliftArm(Shape, kw_only=True):
    """One of the two groups."""

    orders: Counted
    payers: Counted
    rescued: Annotated[Share | None, Meta(description="Share of its orders; null without any.")]
    by: Annotated[dict[str, int], Meta(description="What brought the money, in rescued orders.")]


class UpliftArms(Shape, kw_only=True):
    """The engine's customers, and the comparison group."""

    engine: UpliftArm
    holdout: UpliftArm


class UpliftBounds(Shape, kw_only=True):
    """A difference with its interval."""

    difference: Points
    low: Low
    high: Low


class UpliftSums(Shape, kw_only=True):
    """Of one group, in minor units."""

    declined: Counted = 0
    rescued: Counted = 0


class UpliftAmount(UpliftBounds, kw_only=True):
    """Of one currency: what was declined and rescued, and the difference of both shares."""

    engine: UpliftSums = field(default_factory=UpliftSums)
    holdout: UpliftSums = field(default_factory=UpliftSums)


class UpliftLook(UpliftBounds, kw_only=True):
    """After all windows that had closed by then."""

    on: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    engine: Counted
    holdout: Counted


class UpliftOther(UpliftBounds, kw_only=True):
    """What else the engine may change, with an interval of its own."""

    name: Literal["sends", "disputes", "orders_per_payer", "customers_lost"]
    engine: Mean
    holdout: Mean
    harm: Annotated[bool, Meta(description="The interval shows harm.")]


class SharedCards(Shape, kw_only=True):
    """Cards that customers of both groups hold: their allowance is shared."""

    shared: Counted
    cards: Counted
    too_many: Annotated[bool, Meta(description="More than 2 %.")]


class Uplift(Shape, kw_only=True):
    """Engine and comparison group, as they were assigned."""

    orders: UpliftOrders
    arms: UpliftArms
    expected: Annotated[
        int, Meta(ge=0, description="Orders in 90 days, fixed once 30 are over; 0: not yet.")
    ]
    looks: Annotated[list[UpliftLook], Meta(description="By week, the oldest first.")]
    by_amount: Annotated[
        dict[str, UpliftAmount], Meta(description="By currency, shares of amounts.")
    ]
    orders_missing: Annotated[
        int | None,
        Meta(
            description="Until the interval is 3 points to each side; null: one group has no order."
        ),
    ]
    alarm: Annotated[
        Literal["harm", "gone"] | None,
        Meta(
            description="`harm`: the engine brings less. `gone`: this quarter's uplift is below "
            "what was shown."
        ),
    ]
    others: list[UpliftOther]
    shared_cards: SharedCards
    payers_in_both_arms: Annotated[
        int, Meta(ge=0, description="They count in the group of their first order.")
    ]


class UpliftQuery(Shape, kw_only=True):
    """As of when."""

    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class UpliftReport(Members, kw_only=True):
    """As last computed."""

    made_at: Annotated[Moment | None, Meta(description="Null: not computed yet; within minutes.")]
    until: Annotated[Moment | None, Meta(description="The look's moment, in business time.")]
    return_on_harm: Annotated[
        bool, Meta(description="The engine stops by itself once harm is shown.")
    ]
    data: Uplift | None


class CohortQuery(Shape, kw_only=True):
    """How the rows are made, and in which form."""

    by: Annotated[Literal["week", "site"], Meta(description="`site`: by site and campaign.")] = (
        "week"
    )
    format: Annotated[Literal["json", "csv"] | None, Meta(description="`csv`: one file.")] = None
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class CohortSums(Shape, kw_only=True):
    """Declined payments, and how many of those whose window has closed were rescued in it."""

    orders: Counted
    closed: Counted
    rescued: Counted
    rate: Rate
    units: Units
    rescued_units: Units


class Cohort(CohortSums, kw_only=True):
    """One week of declines."""

    week: Annotated[str, Meta(description="Its Monday, UTC.", extra_json_schema={"format": "date"})]
    curve: Annotated[
        list[Share | None],
        Meta(
            description="By day of `curveDays`, the share of all its orders rescued by then; null: "
            "not so old yet."
        ),
    ]


class PlaceArm(Shape, kw_only=True):
    """Of one of the two groups, orders whose window has closed, since the comparison began."""

    orders: Counted = 0
    payers: Counted = 0
    rescued: Counted = 0


class CohortPlace(CohortSums, kw_only=True):
    """One site, and one campaign of it."""

    engine: PlaceArm = field(default_factory=PlaceArm)
    holdout: PlaceArm = field(default_factory=PlaceArm)
    difference: Points = None
    low: Annotated[
        float | None,
        Meta(
            description="The intervals of all places hold at every look together, in 95 of 100 "
            "cases."
        ),
    ] = None
    high: Low = None

    site_id: UUID
    site: str
    campaign_id: UUID | None
    campaign: Annotated[Text64 | None, Meta(description="Its key; null: none.")]


class Cohorts(Members, kw_only=True):
    """The last 26 weeks of declined payments without a customer present."""

    made_at: Annotated[Moment | None, Meta(description="Null: not computed yet; within minutes.")]
    curve_days: list[int]
    weeks: Annotated[list[Cohort], Meta(description="Newest first; empty with `by=site`.")]
    places: Annotated[
        list[CohortPlace],
        Meta(description="Those with the most orders first; empty with `by=week`."),
    ]


class EngineReturnBody(Shape, kw_only=True):
    """Whether the engine stops by itself."""

    on_harm: Annotated[
        bool, Meta(description="True: once it is shown to do harm, in whatever is compared.")
    ]
    mid: UnusedMid = None


_NOTHING: Final[dict[str, Any]] = {"curveDays": list(CURVE_DAYS), "cohorts": [], "places": []}


api: Final = Api()


@api("GET /v1/reports/uplift", group="Reports", query=UpliftQuery, scope="reports")
async def get_uplift(call: Call) -> UpliftReport:
    """What the rescue engine brings. The engine's customers against the comparison group: rescued
    orders, amounts, and what else may change. Only orders whose window has closed count. The
    interval holds at every look at once: read it daily. Computed each hour; for more than 20,000
    orders each day. With `asOf` or `asOfRecorded` it is the response as it was then, byte for byte.
    """
    wanted, query = read_query(call.query, UpliftQuery)
    cut = await read_cut(call, query, wanted.as_of, wanted.as_of_recorded)
    return await _uplift(call, cut)


async def _uplift(call: Call, cut: Cut) -> UpliftReport:
    world, merchant_id = call.services.world, call.scope.merchant_id
    row, back = (
        await read_report(world, merchant_id, cut),
        await read_return(world, merchant_id, cut),
    )
    return UpliftReport(
        made_at=iso_or_null(row.made_at if row else None),
        until=iso_or_null(row.until if row else None),
        return_on_harm=back is not None and back.on_harm,
        data=msgspec.convert(row.report, Uplift) if row else None,
    )


@api(
    "GET /v1/reports/cohorts",
    group="Reports",
    query=CohortQuery,
    answers={200: Cohorts},
    types=(JSON, CSV),
    scope="reports",
)
@api.example("by site and campaign", {"by": "site"})
async def get_cohorts(call: Call) -> Reply:
    """Declined payments by week. Of each week's declined payments, how many were rescued, and by
    which day. A rate stands beside its denominator. With `format=csv`, or `Accept: text/csv`, the
    response is one file. With `asOf` or `asOfRecorded` it is the response as it was then, byte for
    byte."""
    wanted, query = read_query(call.query, CohortQuery)
    by, form = wanted.by, form_of_reply(call, wanted.format)
    cut = await read_cut(call, query, wanted.as_of, wanted.as_of_recorded)
    row = await read_report(call.services.world, call.scope.merchant_id, cut)
    report = row.report if row else _NOTHING
    if form == "csv":
        return file_reply(_parts(report, by), f"cohorts-by-{by}{cut.stamp()}.csv")
    return Reply(
        Cohorts(
            made_at=iso_or_null(row.made_at if row else None),
            curve_days=report["curveDays"],
            weeks=msgspec.convert(report["cohorts"], list[Cohort]) if by == "week" else [],
            places=msgspec.convert(report["places"], list[CohortPlace]) if by == "site" else [],
        )
    )


@api("PUT /v1/engine/return", group="Settings", body=EngineReturnBody, scope="merchants")
@api.example("on", {"onHarm": True})
async def put_return(call: Call) -> UpliftReport:
    """Let the engine stop by itself. Once it is shown to bring less than the comparison group, or
    to do harm by another of the figures compared, the fixed schedule applies to every order.
    Whoever starts the engine again is not overruled."""
    body = read_own(call, EngineReturnBody)
    await set_return(call.services.world, call.scope, on_harm=body.on_harm)
    return await _uplift(call, NOW)


async def _parts(report: dict[str, Any], by: Any) -> AsyncIterator[bytes]:
    for line in cohort_file(report, by):
        yield line.encode()
