"""Back-tests of a file of past payments. It has no probabilities: what happened is exact, what a
policy would have brought is bounds and the models' word, never an interval."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from recoup.backtest.rules import assuming
from recoup.backtest.rules.assuming import Narrowed
from recoup.backtest.rules.enough import Shortfall
from recoup.backtest.rules.estimate import Estimate
from recoup.backtest.rules.groups import By, bands
from recoup.backtest.rules.history import (
    WINDOW,
    Bounds,
    Cohort,
    Experiment,
    Payment,
    bounds,
    cohort_of,
    experiments,
    lacking,
    of_persons,
    outcome_of,
    payer_of,
    rescued_at,
    then,
    tries_of,
)
from recoup.backtest.rules.history_figures import (
    Case,
    HistoryFigures,
    MoneySpan,
    by_group,
    figures_of,
    money_of,
)
from recoup.backtest.rules.model_word import (
    PARTS,
    Calibration,
    Expectation,
    Past,
    RangeOfModels,
    calibrate,
    drawn_in,
    expect,
    expectations_of,
    past_tries,
    range_of,
)
from recoup.backtest.rules.recorded import (
    JudgedOrder,
    OrderFacts,
    Planned,
    is_drawn,
    place_in_sample,
)
from recoup.backtest.rules.replay import EngineTarget, ScheduleTarget, Target, place_in_file
from recoup.imports.rules.attempt import Attempt
from recoup.imports.rules.report import payments_of
from recoup.insight.flows.processes import spread_over
from recoup.kernel.feature import Place
from recoup.kernel.problem import Sentence
from recoup.kernel.spread import Spread, parts_of
from recoup.kernel.stop import stoppable
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import ENGINE_2, POLICIES, group_of
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.model import Model

ATTEMPTS_MAX: Final = 400_000  # some hundred thousand payments
PLANS_MAX: Final = 20_000
EXPECTED_MAX: Final = 2_500  # payments about which each model is asked
TRIES_MAX: Final = 20_000  # by which the own model is judged
LEVELS_MAX: Final = 2_000  # tries from which each model learns its level, and late ones its slope
SPREAD_FROM: Final = 10_000  # attempts; of fewer, all is said before another process has begun
TOO_LITTLE: Final = Sentence("there are too few repeated attempts to learn from")
NO_ARRAYS: Final = Sentence("the Python package numpy is not installed here")
TOO_FEW_LATE: Final = Sentence(
    "there are too few repeated attempts in the last quarter of the time to judge a model by"
)
WRONG: Final = Sentence(
    "in the last quarter of the time, which they had not seen, their chances were off by more than "
    "10 points"
)
HistoryModels = Callable[[Sequence[Payment], Past, datetime, datetime, Spread], Mapping[str, Model]]
# The engine's models of an import's payments, by name.
HISTORY_MODELS: Final = Place[HistoryModels]("history_models")


class Sample:
    """Attempts as they come; of more than `at_most` half the customers are left out, again and
    again, by a hash with a fixed seed. `seen`: how many came."""

    def __init__(self, at_most: int = ATTEMPTS_MAX) -> None:
        self.attempts: list[Attempt] = []
        self.seen = 0
        self._at_most, self._thin = at_most, 0

    def add(self, attempt: Attempt) -> None:
        self.seen += 1
        if self._is_kept(attempt):
            self.attempts.append(attempt)
        while len(self.attempts) > self._at_most:
            self._thin += 1
            self.attempts = [attempt for attempt in self.attempts if self._is_kept(attempt)]

    def _is_kept(self, attempt: Attempt) -> bool:
        return is_drawn(
            attempt.customer or attempt.card or attempt.payment or attempt.ref, self._thin
        )


@dataclass(slots=True)
class HistoryReport:
    """`lacking`: while there is anything, nothing else is said. `planned_of`: payments that were
    planned, of how many. `why_no_models`: empty where they are asked. `send_cost`: minor units of a
    send, on which fees rest. `sampled_of`: how many attempts there were, where this is a sample of
    customers: of so many, `cohort.attempts` were read."""

    policy: str
    cohort: Cohort
    lacking: list[Shortfall]
    then: Estimate | None = None
    bounds: Bounds | None = None
    planned_of: tuple[int, int] = (0, 0)
    sends: float | None = None
    calibration: Calibration | None = None
    models: RangeOfModels | None = None
    why_no_models: str = ""
    experiments: list[Experiment] = field(default_factory=list)
    narrowed: Narrowed | None = None
    whole: HistoryFigures | None = None
    money: list[MoneySpan] = field(default_factory=list)
    groups: Mapping[By, list[HistoryFigures]] = field(default_factory=dict)
    orders: list[JudgedOrder] = field(default_factory=list)
    sampled_of: int | None = None
    send_cost: int = ENGINE_2.send_units


def backtest_history(
    attempts: Iterable[Attempt] | Sample,
    decider: str,
    within: InForce | None,
    region: str,
    window: timedelta = WINDOW,
    send_cost: int = ENGINE_2.send_units,
    processes: int = 1,
) -> HistoryReport:
    """`decider`: `engine` or a schedule's version. `send_cost`: minor units of a send. `processes`:
    that a long history may take. Raises: Problem(invalid)."""
    sample = attempts if isinstance(attempts, Sample) else Sample()
    if not isinstance(attempts, Sample):
        for attempt in attempts:
            sample.add(attempt)
    payments = payments_of(sample.attempts)
    cohort = cohort_of(payments, window)
    report = HistoryReport(decider, cohort, lacking(cohort), send_cost=send_cost)
    report.sampled_of = sample.seen if len(sample.attempts) < sample.seen else None
    if report.lacking:
        return report
    payments, labels = _renamed(of_persons(payments))
    report.cohort = cohort = cohort_of(payments, window)
    past = Past(payments, region)
    report.then = then(cohort)
    report.experiments = experiments(cohort, report.then.value, len(sample.attempts) / sample.seen)
    plans = dict[int, tuple[Evidence, Decision]]()
    expected = dict[int, list[float]]()
    with spread_over(min(processes, PARTS) if len(sample.attempts) >= SPREAD_FROM else 1) as spread:
        models = _models(report, payments, past, spread)
        expectations = _expectations(report, models, past, spread)
        target = _target(decider, within, models)
        if target is not None:
            report.policy = target.name
            plans = _plan(report, target, past, spread)
            if report.calibration is not None and report.calibration.holds:
                first = dict(list(plans.items())[:EXPECTED_MAX])
                by_model = expect(expectations, list(first.values()), spread)
                report.models = range_of(by_model)
                expected = {
                    place: [chances[row] for chances in by_model.values()]
                    for row, place in enumerate(first)
                }
    for order in report.orders:
        order.facts = order.facts._replace(payer=labels[order.facts.payer])
    _figures(report, past, plans, expected, assuming.charges_by_card(payments), send_cost)
    return report


def _renamed(payments: Sequence[Payment]) -> tuple[list[list[Attempt]], Mapping[str, str]]:
    """Names each customer after their first attempt; with what each was called. A file has its own
    ids and an import keyed hashes of them: samples and models are of the same customers in the same
    order only by a common name."""
    names = dict[str, str]()
    for attempts in sorted(payments, key=lambda payment: (payment[0].at, payment[0].ref)):
        names.setdefault(payer_of(attempts), f"{attempts[0].provider} {attempts[0].ref}")
    renamed = [
        [attempt._replace(customer=names[payer_of(payment)]) for attempt in payment]
        for payment in payments
    ]
    return renamed, {name: payer for payer, name in names.items()}


def _figures(
    report: HistoryReport,
    past: Past,
    plans: Mapping[int, tuple[Evidence, Decision]],
    expected: Mapping[int, list[float]],
    charges: Mapping[str, Sequence[Attempt]],
    send_cost: int,
) -> None:
    """`plans`, `expected`: by the payment's place."""
    cohort = report.cohort
    amounts = bands([(payment[0].asset, payment[0].units) for payment in cohort.payments])
    cases, planned = list[Case](), list[assuming.Case]()
    for place, (declined, band) in enumerate(stoppable(zip(cohort.payments, amounts, strict=True))):
        first, at, outcome = declined[0], rescued_at(declined, cohort.window), None
        if place in plans:
            plan = plans[place][1].plan
            outcome = outcome_of(declined, plan, cohort.window)
            planned.append(assuming.Case(declined, plan, outcome))
        cases.append(
            Case(
                {
                    "class": _klass(past, declined),
                    "issuer": first.bin,
                    "country": first.country,
                    "amount": band,
                },
                first.asset,
                first.units,
                len(tries_of(declined, cohort.window)),
                (at - first.at) / timedelta(days=1) if at is not None else None,
                outcome,
                expected.get(place),
            )
        )
    report.whole, report.groups = figures_of("", cases, send_cost), by_group(cases, send_cost)
    if planned:
        report.bounds = bounds([case.outcome for case in planned])
        report.narrowed = assuming.narrow(planned, charges, cohort.window)
    held = report.narrowed is not None and report.narrowed.at_least is not None
    report.money = money_of(cases, report.narrowed.spans if report.narrowed and held else None)


def _models(
    report: HistoryReport, payments: Sequence[Payment], past: Past, spread: Spread
) -> Mapping[str, Model]:
    """Models by name, the own one first; none of them has seen the last quarter of the time."""
    cohort = report.cohort
    assert cohort.first is not None
    learns = HISTORY_MODELS.first()
    try:
        models = (
            learns(payments, past, cohort.first, cohort.learned_until, spread) if learns else {}
        )
    except ImportError:
        report.why_no_models = NO_ARRAYS
        return {}
    if not models:
        report.why_no_models = TOO_LITTLE
    return models


def _expectations(
    report: HistoryReport, models: Mapping[str, Model], past: Past, spread: Spread
) -> Mapping[str, Expectation]:
    """Expectations by the model's name, the own one first and judged."""
    if not models:
        return {}
    payments = sorted(
        (*report.cohort.payments, *report.cohort.open, *report.cohort.unknown), key=turn_of
    )
    early = past_tries(past, report.cohort, payments, late=False, most=LEVELS_MAX)
    expectations = expectations_of(models, early, spread)
    late = past_tries(past, report.cohort, payments, late=True, most=TRIES_MAX)
    report.calibration = calibrate(expectations[_own(models)], late, spread)
    if not report.calibration.holds:
        report.why_no_models = WRONG if report.calibration.judged else TOO_FEW_LATE
        return expectations
    return drawn_in(expectations, late[:LEVELS_MAX], spread)


def _own(models: Mapping[str, Model]) -> str:
    return next(iter(models))


def _target(decider: str, within: InForce | None, models: Mapping[str, Model]) -> Target | None:
    """The target of a decider; None for an engine without a model."""
    if decider in POLICIES:
        return ScheduleTarget(POLICIES[decider], within)
    return EngineTarget(models[_own(models)], ENGINE_2, within) if models else None


def _plan(
    report: HistoryReport, target: Target, past: Past, spread: Spread
) -> dict[int, tuple[Evidence, Decision]]:
    """Plans all payments, or a sample of customers with a fixed seed; by the payment's place."""
    cohort = report.cohort
    payments = cohort.payments
    chosen = sorted(range(len(payments)), key=lambda place: turn_of(payments[place]))
    plans = dict[int, tuple[Evidence, Decision]]()
    known = [
        (payer_of(payments[place]), past.evidence(payments[place], cohort))
        for place in chosen[:PLANS_MAX]
    ]
    parts = spread(_decided, [(target, some) for some in parts_of(known, PARTS)])
    decisions = [decision for part in parts for decision in part]
    for place, (_, evidence), decision in zip(chosen[:PLANS_MAX], known, decisions, strict=True):
        plans[place] = evidence, decision
        report.orders.append(_order(report, past, payments[place], decision))
    report.planned_of = len(plans), len(payments)
    report.sends = sum(len(decision.plan) for decision in decisions) / len(plans)
    return plans


def _decided(job: tuple[Target, Sequence[tuple[str, Evidence]]]) -> list[Decision]:
    """Decisions of some customers' payments."""
    target, payments = job
    return [
        target.of_customer(place_in_file(payer)).decide(evidence)
        for payer, evidence in stoppable(payments, 100)
    ]


def _order(report: HistoryReport, past: Past, payment: Payment, decision: Decision) -> JudgedOrder:
    first, window = payment[0], report.cohort.window
    facts = OrderFacts(
        first.payment,
        payer_of(payment),
        first.at,
        first.at + window,
        first.units,
        first.asset,
        first.country,
        first.bin,
        _klass(past, payment),
        0.0,
    )
    return JudgedOrder(
        facts,
        [],
        Planned(decision.verdict, decision.plan, None, decision.reasons),
        (rescued_at(payment, window) is not None, len(tries_of(payment, window))),
    )


def _klass(past: Past, payment: Payment) -> str:
    reading = past.reading(payment[0])
    return group_of(reading) or reading.klass


def turn_of(payment: Payment) -> tuple[bytes, datetime]:
    """Customers by a hash with a fixed seed, the payments of each by time."""
    return place_in_sample(payer_of(payment)), payment[0].at
