"""What the rescue engine brings, and declined payments by week. Source: decision 0069."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.doors.rescue.shapes.as_of import BusinessAsOf, RecordedAsOf
from recoup.doors.rescue.wire import Members, Moment, Shape, Text64

Points = Annotated[float | None, Meta(description="Engine less comparison group, as a share; null: not enough yet.")]
Low = Annotated[float | None, Meta(description="The interval holds at every look together, in 95 of 100 cases.")]
Counted = Annotated[int, Meta(ge=0)]
Mean = Annotated[float, Meta(description="Per order or per customer.")]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[Share | None, Meta(description="`rescued` of `closed`; null without closed windows.")]
Units = Annotated[dict[str, int], Meta(description="By currency, minor units, of orders whose window has closed.")]


class UpliftOrders(Shape, kw_only=True):
    """Which orders were compared."""

    closed: Annotated[int, Meta(ge=0, description="Their window has closed: these are compared.")]
    open: Annotated[int, Meta(ge=0, description="Their window is open: they say nothing yet.")]
    other: Counted
    one_in: Annotated[int, Meta(ge=1, description="Above 1: of so many customers one was compared.")]


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
    expected: Annotated[int, Meta(ge=0, description="Orders in 90 days, fixed once 30 are over; 0: not yet.")]
    looks: Annotated[list[UpliftLook], Meta(description="By week, the oldest first.")]
    by_amount: Annotated[dict[str, UpliftAmount], Meta(description="By currency, shares of amounts.")]
    orders_missing: Annotated[
        int | None, Meta(description="Until the interval is 3 points to each side; null: one group has no order.")
    ]
    alarm: Annotated[
        Literal["harm", "gone"] | None,
        Meta(description="`harm`: the engine brings less. `gone`: this quarter's uplift is below what was shown."),
    ]
    others: list[UpliftOther]
    shared_cards: SharedCards
    payers_in_both_arms: Annotated[int, Meta(ge=0, description="They count in the group of their first order.")]


class UpliftQuery(Shape, kw_only=True):
    """As of when."""

    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class UpliftReport(Members, kw_only=True):
    """As last computed."""

    made_at: Annotated[Moment | None, Meta(description="Null: not computed yet; within minutes.")]
    until: Annotated[Moment | None, Meta(description="The look's moment, in business time.")]
    return_on_harm: Annotated[bool, Meta(description="The engine stops by itself once harm is shown.")]
    data: Uplift | None


class CohortQuery(Shape, kw_only=True):
    """How the rows are made, and in which form."""

    by: Annotated[Literal["week", "site"], Meta(description="`site`: by site and campaign.")] = "week"
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
        Meta(description="By day of `curveDays`, the share of all its orders rescued by then; null: not so old yet."),
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
        float | None, Meta(description="The intervals of all places hold at every look together, in 95 of 100 cases.")
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
    places: Annotated[list[CohortPlace], Meta(description="Those with the most orders first; empty with `by=week`.")]


class EngineReturnBody(Shape, kw_only=True):
    """Whether the engine stops by itself."""

    on_harm: Annotated[bool, Meta(description="True: once it is shown to do harm, in whatever is compared.")]
    mid: Annotated[UUID | None, Meta(description="Optional; not used.")] = None
