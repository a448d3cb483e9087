"""Back-tests: what a policy would have rescued of past payments. Source: docs/prove-it.md."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.backtest.flows.make import PAYMENTS_MAX
from recoup.backtest.rules.question import DAYS, DAYS_MAX, DAYS_MIN, WINDOW_DAYS, WINDOW_DAYS_MAX
from recoup.kit.api.query import at_most
from recoup.kit.api.wire import AfterId, Members, Moment, Shape, UnusedMid
from recoup.policy_versions.api import Campaign, Lines, Number, Site

PAGE_MAX = 100
Counted = Annotated[int, Meta(ge=0)]
Decider = Literal["engine", "retry-1", "retry-2"]


class BacktestShare(Shape, kw_only=True):
    """A share of all orders with its 90 % interval."""

    value: float
    low: float
    high: float


class BacktestMissing(Shape, kw_only=True):
    """Why there is no figure: what there is, and what is needed."""

    what: Literal[
        "weight",
        "support",
        "clipped",
        "one_payer",
        "width",
        "days",
        "rescued",
        "not_rescued",
        "customers",
        "attempts",
        "only_successes",
        "declined",
        "guessed",
        "unknown",
    ]
    have: Annotated[float | None, Meta(description="Null: it could not be computed.")]
    needed: float


class BacktestMoney(Shape, kw_only=True):
    """One currency, in minor units, over all orders."""

    currency: str
    orders: Counted
    declined: Annotated[int, Meta(description="Amount of the declined orders.")]
    rescued_then: int
    rescued: int | None
    net_then: Annotated[int, Meta(description="Rescued less the cost of attempts, as it was.")]
    net: int | None
    net_difference: Annotated[
        dict[str, int | None], Meta(description="`low` and `high`: 90 % interval.")
    ]
    fees_avoided: int | None


class BacktestFees(Shape, kw_only=True):
    """Of sends that the policy does not make, in minor units; below 0: it makes more."""

    currency: str
    units: int


class BacktestFigures(Shape, kw_only=True):
    """Some orders. Null: not enough, and `missing` says what."""

    orders: Counted
    rescued_then: Annotated[int, Meta(ge=0, description="Orders that were rescued.")]
    then: Annotated[
        BacktestShare | None,
        Meta(description="Share that was rescued; the interval is of more such."),
    ]
    rescued: Annotated[
        BacktestShare | None, Meta(description="Share that the policy would have rescued.")
    ]
    difference: Annotated[BacktestShare | None, Meta(description="Policy less what was done.")]
    missing: list[BacktestMissing]
    sends: Annotated[float | None, Meta(description="Of an order.")]
    sends_then: float
    days: Annotated[
        float | None, Meta(description="From the decline to the money, of rescued orders.")
    ]
    days_then: float | None
    days_earlier: Annotated[
        float | None,
        Meta(description="Days by which the policy’s money comes earlier; below 0: later."),
    ] = None
    fees_avoided: list[BacktestFees] = []


class BacktestGroup(BacktestFigures, kw_only=True):
    """Orders of one class of decline, issuer, country or band of amounts."""

    name: Annotated[
        str, Meta(description="Empty: all others. A band is `USD/1299/2499`, in minor units.")
    ]


class BacktestOverlap(Shape, kw_only=True):
    """How much the orders say about the policy."""

    effective_payers: Annotated[float, Meta(description="So many customers the weights count as.")]
    followed: float
    unsupported: float
    clipped: float
    largest_payer: float


class BacktestReport(BacktestFigures, kw_only=True):
    """Of own orders, whose decisions have probabilities."""

    basis: Literal["propensities"]
    policy: Annotated[str, Meta(description="Who was asked, within which versions.")]
    from_: Annotated[Moment | None, Meta(description="The first decline.")] = field(name="from")
    until: Annotated[Moment | None, Meta(description="The last window that closed.")]
    sampled_of: Annotated[
        int | None, Meta(description="Orders there were, where a sample of customers was read.")
    ]
    open: Annotated[int, Meta(ge=0, description="Orders whose window has not closed; left out.")]
    left_out: Annotated[int, Meta(ge=0, description="Orders whose decisions cannot be read.")] = (
        field(name="unread")
    )
    payers: Counted
    verdict: Literal["better", "worse", "not_told"]
    overlap: BacktestOverlap
    money: list[BacktestMoney]
    groups: dict[str, list[BacktestGroup]]
    send_cost: Annotated[int, Meta(ge=0, description="Minor units, of one send.")]
    span_days: Annotated[float | None, Meta(description="From the first decline to the last.")] = (
        None
    )


class BacktestBounds(Shape, kw_only=True):
    """What happened then says so much, and nothing is assumed."""

    at_least: float
    at_most: float


class BacktestModels(Shape, kw_only=True):
    """The lowest and highest that several models expect: their word, no interval."""

    lowest: float
    highest: float


class BacktestCalibration(Shape, kw_only=True):
    """How far a model is off at tries that it has not seen."""

    error: float
    plus_minus: Annotated[
        float | None, Meta(description="Of the error, 90 %: what chance makes of so many tries.")
    ] = None
    tenths: Annotated[list[list[float]], Meta(description="Tries, expected, observed.")]


class BacktestExperiment(Shape, kw_only=True):
    """What a comparison on your own payments would show."""

    orders: Counted
    compared: Annotated[float, Meta(description="Share of the orders in the comparison group.")]
    plus_minus: float
    days: Annotated[
        float | None, Meta(description="Until so many are declined, at the pace of the file.")
    ] = None
    at_risk: Annotated[
        Counted | None,
        Meta(description="About how many of the comparison group were rescued then."),
    ] = None


class BacktestAssuming(Shape, kw_only=True):
    """Bounds under an assumption. `payer`: another charge of the same card (of the customer, where the
    file names no card) shows what an attempt within six hours of it would have brought: approved and of as much at
    least, or declined and of as much at most. `lasting`: no longer made."""

    assumed: list[Literal["lasting", "payer"]]
    at_least: Annotated[float | None, Meta(description="Null: too many payments contradict it.")]
    at_most: float | None
    known: Annotated[int, Meta(ge=0, description="Payments at which both bounds are the same.")]
    contradicted: Annotated[
        int, Meta(ge=0, description="Payments whose attempts contradict it: not assumed of them.")
    ]


class BacktestFeeBounds(Shape, kw_only=True):
    """Fees of sends that the policy does not make, in minor units; below 0: it makes more."""

    currency: str
    at_least: int
    at_most: int


class BacktestMoneyBounds(Shape, kw_only=True):
    """One currency, in minor units. Null: nothing was planned, or models were not asked."""

    currency: str
    orders: Counted
    declined: Counted
    rescued_then: Counted
    at_least: Annotated[
        Counted | None, Meta(description="What the policy brings in, as far as the file shows.")
    ]
    at_most: Counted | None
    lowest: Annotated[Counted | None, Meta(description="What models expect that it brings in.")]
    highest: Counted | None


class BacktestHistoryFigures(Shape, kw_only=True):
    """Payments of an import: all, or those of one class of decline, issuer, country or band of amounts."""

    name: Annotated[str, Meta(description="Empty: all others, or all.")]
    orders: Counted
    rescued_then: Counted
    sends_then: float | None = None
    days_then: float | None = None
    rescued: Annotated[
        BacktestBounds | None,
        Meta(description="Share that the policy rescues if nothing is assumed."),
    ] = None
    models: Annotated[
        BacktestModels | None,
        Meta(description="Lowest and highest share that models expect; null: too few payments."),
    ] = None
    sends: Annotated[BacktestBounds | None, Meta(description="Of a payment, under the policy.")] = (
        None
    )
    days_earlier: Annotated[
        BacktestBounds | None,
        Meta(description="Of those rescued then, if the policy rescues them too; below 0: later."),
    ] = None
    fees_avoided: list[BacktestFeeBounds] = []


class BacktestHistory(Shape, kw_only=True):
    """Of imported attempts, which have no probabilities: no interval but that of what happened."""

    basis: Literal["history"]
    policy: str
    orders: Annotated[
        int, Meta(ge=0, description="Declined at first, with their whole window in the file.")
    ]
    declined: Counted
    begun_before: Counted
    open_after: Counted
    attempts: Counted
    sampled_of: Annotated[
        int | None, Meta(description="Attempts there were, where a sample of customers was read.")
    ]
    from_: Moment | None = field(name="from")
    until: Moment | None
    missing: list[BacktestMissing]
    then: BacktestShare | None = None
    sends_then: float | None = None
    days_then: float | None = None
    bounds: BacktestBounds | None = None
    planned_of: Annotated[
        list[int] | None, Meta(description="Payments that were planned, of how many.")
    ] = None
    sends: Annotated[float | None, Meta(description="Planned for each.")] = None
    calibration: BacktestCalibration | None = None
    range_of_models: BacktestModels | None = None
    why_no_models: Annotated[str, Meta(description="Empty where they were asked.")] = ""
    note: Annotated[str | None, Meta(description="Whose word the range is.")] = None
    experiments: list[BacktestExperiment] = []
    assuming: list[BacktestAssuming] = []
    send_cost: Annotated[Counted | None, Meta(description="Minor units, of one send.")] = None
    span_days: Annotated[float | None, Meta(description="From the first decline to the last.")] = (
        None
    )
    money: list[BacktestMoneyBounds] = []
    whole: BacktestHistoryFigures | None = None
    groups: dict[str, list[BacktestHistoryFigures]] = {}


class BacktestShown(Shape, kw_only=True):
    """A question, and its figures once they are made."""

    id: UUID
    requested_at: Moment
    requested_by: Annotated[
        str,
        Meta(
            description="`api`, `user`, `operator` or `worker`, with an id.",
            examples=["api:pk_test_1"],
        ),
    ]
    purpose: Annotated[
        Literal["request", "draft", "floor"],
        Meta(description="`draft`: before a policy is saved; `floor`: asked by Recoup each day."),
    ]
    decider: str
    scope: Literal["merchant", "site", "campaign"]
    subject_id: Annotated[UUID, Meta(description="Id of that merchant, site or campaign.")]
    version: Annotated[
        int | None, Meta(description="Version of the policy that was asked about, or would be.")
    ]
    policy: Annotated[
        dict[str, Any] | None,
        Meta(description="Its lines. Null: the policies that held at the time."),
    ]
    days: int
    import_id: UUID | None
    saved_as: Annotated[int | None, Meta(description="Version that was saved of these lines.")]
    made_at: Annotated[
        Moment | None, Meta(description="Null: not made yet; ask again in some seconds.")
    ]
    failed: Annotated[str | None, Meta(description="Why there are no figures.")]
    payments: Annotated[
        int, Meta(ge=0, description="How many GET /v1/backtests/{id}/payments lists.")
    ]
    report: Annotated[BacktestReport | None, Meta(description="Of own orders.")]
    history: Annotated[BacktestHistory | None, Meta(description="Of an import.")]


class Backtest(BacktestShown, kw_only=True):
    """One back-test."""

    success: bool = True


class BacktestQuery(Shape, kw_only=True):
    """Which part of the list."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 25
    after: AfterId = None


class BacktestList(Members, kw_only=True):
    """The newest first. The newest 25 that were asked for are kept, 15 that versions name, and 5 other drafts."""

    data: list[BacktestShown]
    next: Annotated[UUID | None, Meta(description="For `after`; null on the last page.")]


class BacktestBody(Shape, kw_only=True):
    """What is asked."""

    decider: Annotated[Decider | None, Meta(description="Null: whoever decides now.")] = None
    policy: Annotated[Lines | None, Meta(description="A retry policy that is not saved.")] = None
    version: Annotated[
        Number | None,
        Meta(description="A saved one. Without it and `policy`: those that held at the time."),
    ] = None
    days: Annotated[int, Meta(ge=DAYS_MIN, le=DAYS_MAX, description="How far back.")] = DAYS
    import_id: Annotated[
        UUID | None, Meta(description="Payments of this import instead of your orders.")
    ] = None
    window_days: Annotated[
        int,
        Meta(
            ge=1,
            le=WINDOW_DAYS_MAX,
            description="Of an import: days in which a payment may be rescued.",
        ),
    ] = WINDOW_DAYS
    site_id: Site = None
    campaign_id: Campaign = None
    mid: UnusedMid = None


class BacktestPaymentQuery(Shape, kw_only=True):
    """Which part of the payments."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 25
    after: Annotated[
        Counted | None,
        Meta(description="`next` of the previous page.", extra=at_most(PAYMENTS_MAX)),
    ] = None


class BacktestPayment(Shape, kw_only=True):
    """A declined payment, what was done, and what the policy would have planned."""

    order: Annotated[str, Meta(description="Id of the order; of an import, of the payment.")]
    declined_at: Moment
    amount: int
    currency: str
    class_: str = field(name="class")
    issuer: Annotated[str, Meta(description="First digits of the card.")]
    country: str
    rescued_then: bool
    sends_then: Counted
    verdict: Annotated[
        str | None, Meta(description="Of the policy: `plan`, `stop`, …; null: nobody was asked.")
    ]
    plan: Annotated[list[Moment], Meta(description="Its tries.")]
    chance: Annotated[float | None, Meta(description="The model's, of the first.")]
    why: list[str]


class BacktestPayments(Members, kw_only=True):
    """The latest decline first; at most 20,000 are kept."""

    data: list[BacktestPayment]
    next: Annotated[int | None, Meta(description="For `after`; null on the last page.")]
