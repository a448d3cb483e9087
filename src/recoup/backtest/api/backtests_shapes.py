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


class BacktestShare(Shape):
    """A share of all orders with its 90 % interval."""

    value: float
    low: float
    high: float


class BacktestMissing(Shape):
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
    have: float | None
    """Null: it could not be computed."""
    needed: float


class BacktestMoney(Shape):
    """One currency, in minor units, over all orders."""

    currency: str
    orders: Counted
    declined: int
    """Amount of the declined orders."""
    rescued_then: int
    rescued: int | None
    net_then: int
    """Rescued less the cost of attempts, as it was."""
    net: int | None
    net_difference: dict[str, int | None]
    """`low` and `high`: 90 % interval."""
    fees_avoided: int | None


class BacktestFees(Shape):
    """Of sends that the policy does not make, in minor units; below 0: it makes more."""

    currency: str
    units: int


class BacktestFigures(Shape):
    """Some orders. Null: not enough, and `missing` says what."""

    orders: Counted
    rescued_then: Counted
    """Orders that were rescued."""
    then: BacktestShare | None
    """Share that was rescued; the interval is of more such."""
    rescued: BacktestShare | None
    """Share that the policy would have rescued."""
    difference: BacktestShare | None
    """Policy less what was done."""
    missing: list[BacktestMissing]
    sends: float | None
    """Of an order."""
    sends_then: float
    days: float | None
    """From the decline to the money, of rescued orders."""
    days_then: float | None
    days_earlier: float | None = None
    """Days by which the policy’s money comes earlier; below 0: later."""
    fees_avoided: list[BacktestFees] = []


class BacktestGroup(BacktestFigures):
    """Orders of one class of decline, issuer, country or band of amounts."""

    name: str
    """Empty: all others. A band is `USD/1299/2499`, in minor units."""


class BacktestOverlap(Shape):
    """How much the orders say about the policy."""

    effective_payers: float
    """So many customers the weights count as."""
    followed: float
    unsupported: float
    clipped: float
    largest_payer: float


class BacktestReport(BacktestFigures):
    """Of own orders, whose decisions have probabilities."""

    basis: Literal["propensities"]
    policy: str
    """Who was asked, within which versions."""
    from_: Moment | None = field(name="from")
    """The first decline."""
    until: Moment | None
    """The last window that closed."""
    sampled_of: int | None
    """Orders there were, where a sample of customers was read."""
    open: Counted
    """Orders whose window has not closed; left out."""
    left_out: Counted = field(name="unread")
    """Orders whose decisions cannot be read."""
    payers: Counted
    verdict: Literal["better", "worse", "not_told"]
    overlap: BacktestOverlap
    money: list[BacktestMoney]
    groups: dict[str, list[BacktestGroup]]
    send_cost: Counted
    """Minor units, of one send."""
    span_days: float | None = None
    """From the first decline to the last."""


class BacktestBounds(Shape):
    """What happened then says so much, and nothing is assumed."""

    at_least: float
    at_most: float


class BacktestModels(Shape):
    """The lowest and highest that several models expect: their word, no interval."""

    lowest: float
    highest: float


class BacktestCalibration(Shape):
    """How far a model is off at tries that it has not seen."""

    error: float
    plus_minus: float | None = None
    """Of the error, 90 %: what chance makes of so many tries."""
    tenths: list[list[float]]
    """Tries, expected, observed."""


class BacktestExperiment(Shape):
    """What a comparison on your own payments would show."""

    orders: Counted
    compared: float
    """Share of the orders in the comparison group."""
    plus_minus: float
    days: float | None = None
    """Until so many are declined, at the pace of the file."""
    at_risk: Counted | None = None
    """About how many of the comparison group were rescued then."""


class BacktestAssuming(Shape):
    """Bounds under an assumption. `payer`: another charge of the same card (of the customer, where
    the file names no card) shows what an attempt within six hours of it would have brought:
    approved and of as much at least, or declined and of as much at most. `lasting`: no longer made.
    """

    assumed: list[Literal["lasting", "payer"]]
    at_least: float | None
    """Null: too many payments contradict it."""
    at_most: float | None
    known: Counted
    """Payments at which both bounds are the same."""
    contradicted: Counted
    """Payments whose attempts contradict it: not assumed of them."""


class BacktestFeeBounds(Shape):
    """Fees of sends that the policy does not make, in minor units; below 0: it makes more."""

    currency: str
    at_least: int
    at_most: int


class BacktestMoneyBounds(Shape):
    """One currency, in minor units. Null: nothing was planned, or models were not asked."""

    currency: str
    orders: Counted
    declined: Counted
    rescued_then: Counted
    at_least: Counted | None
    """What the policy brings in, as far as the file shows."""
    at_most: Counted | None
    lowest: Counted | None
    """What models expect that it brings in."""
    highest: Counted | None


class BacktestHistoryFigures(Shape):
    """Payments of an import: all, or those of one class of decline, issuer, country or band of
    amounts."""

    name: str
    """Empty: all others, or all."""
    orders: Counted
    rescued_then: Counted
    sends_then: float | None = None
    days_then: float | None = None
    rescued: BacktestBounds | None = None
    """Share that the policy rescues if nothing is assumed."""
    models: BacktestModels | None = None
    """Lowest and highest share that models expect; null: too few payments."""
    sends: BacktestBounds | None = None
    """Of a payment, under the policy."""
    days_earlier: BacktestBounds | None = None
    """Of those rescued then, if the policy rescues them too; below 0: later."""
    fees_avoided: list[BacktestFeeBounds] = []


class BacktestHistory(Shape):
    """Of imported attempts, which have no probabilities: no interval but that of what happened."""

    basis: Literal["history"]
    policy: str
    orders: Counted
    """Declined at first, with their whole window in the file."""
    declined: Counted
    begun_before: Counted
    open_after: Counted
    attempts: Counted
    sampled_of: int | None
    """Attempts there were, where a sample of customers was read."""
    from_: Moment | None = field(name="from")
    until: Moment | None
    missing: list[BacktestMissing]
    then: BacktestShare | None = None
    sends_then: float | None = None
    days_then: float | None = None
    bounds: BacktestBounds | None = None
    planned_of: list[int] | None = None
    """Payments that were planned, of how many."""
    sends: float | None = None
    """Planned for each."""
    calibration: BacktestCalibration | None = None
    range_of_models: BacktestModels | None = None
    why_no_models: str = ""
    """Empty where they were asked."""
    note: str | None = None
    """Whose word the range is."""
    experiments: list[BacktestExperiment] = []
    assuming: list[BacktestAssuming] = []
    send_cost: Counted | None = None
    """Minor units, of one send."""
    span_days: float | None = None
    """From the first decline to the last."""
    money: list[BacktestMoneyBounds] = []
    whole: BacktestHistoryFigures | None = None
    groups: dict[str, list[BacktestHistoryFigures]] = {}


class BacktestShown(Shape):
    """A question, and its figures once they are made."""

    id: UUID
    requested_at: Moment
    requested_by: Annotated[str, Meta(examples=["api:pk_test_1"])]
    """`api`, `user`, `operator` or `worker`, with an id."""
    purpose: Literal["request", "draft", "floor"]
    """`draft`: before a policy is saved; `floor`: asked by Recoup each day."""
    decider: str
    scope: Literal["merchant", "site", "campaign"]
    subject_id: UUID
    """Id of that merchant, site or campaign."""
    version: int | None
    """Version of the policy that was asked about, or would be."""
    policy: dict[str, Any] | None
    """Its lines. Null: the policies that held at the time."""
    days: int
    import_id: UUID | None
    saved_as: int | None
    """Version that was saved of these lines."""
    made_at: Moment | None
    """Null: not made yet; ask again in some seconds."""
    failed: str | None
    """Why there are no figures."""
    payments: Counted
    """How many GET /v1/backtests/{id}/payments lists."""
    report: BacktestReport | None
    """Of own orders."""
    history: BacktestHistory | None
    """Of an import."""


class Backtest(BacktestShown):
    """One back-test."""

    success: bool = True


class BacktestQuery(Shape):
    """Which part of the list."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 25
    after: AfterId = None


class BacktestList(Members):
    """The newest first. The newest 25 that were asked for are kept, 15 that versions name, and 5
    other drafts."""

    data: list[BacktestShown]
    next: UUID | None
    """For `after`; null on the last page."""


class BacktestBody(Shape):
    """What is asked."""

    decider: Decider | None = None
    """Null: whoever decides now."""
    policy: Lines | None = None
    """A retry policy that is not saved."""
    version: Number | None = None
    """A saved one. Without it and `policy`: those that held at the time."""
    days: Annotated[int, Meta(ge=DAYS_MIN, le=DAYS_MAX)] = DAYS
    """How far back."""
    import_id: UUID | None = None
    """Payments of this import instead of your orders."""
    window_days: Annotated[int, Meta(ge=1, le=WINDOW_DAYS_MAX)] = WINDOW_DAYS
    """Of an import: days in which a payment may be rescued."""
    site_id: Site = None
    campaign_id: Campaign = None
    mid: UnusedMid = None


class BacktestPaymentQuery(Shape):
    """Which part of the payments."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 25
    after: Annotated[Counted | None, Meta(extra=at_most(PAYMENTS_MAX))] = None
    """`next` of the previous page."""


class BacktestPayment(Shape):
    """A declined payment, what was done, and what the policy would have planned."""

    order: str
    """Id of the order; of an import, of the payment."""
    declined_at: Moment
    amount: int
    currency: str
    class_: str = field(name="class")
    issuer: str
    """First digits of the card."""
    country: str
    rescued_then: bool
    sends_then: Counted
    verdict: str | None
    """Of the policy: `plan`, `stop`, …; null: nobody was asked."""
    plan: list[Moment]
    """Its tries."""
    chance: float | None
    """The model's, of the first."""
    why: list[str]


class BacktestPayments(Members):
    """The latest decline first; at most 20,000 are kept."""

    data: list[BacktestPayment]
    next: int | None
    """For `after`; null on the last page."""
