"""Stored decisions read again: what each arm, and the policy that is asked about, would have done
at each. Pure.

Every arm's decider is asked with the stored inputs, also about what the other arm did. A schedule
sends what it has planned when that falls due; the engine decides again.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from recoup.backtest.rules.episode import Features, Step
from recoup.backtest.rules.recorded import JudgedOrder, OrderFacts, Planned, RecordedDecision
from recoup.kernel.frozen import frozen
from recoup.networks.codes import Reading
from recoup.orders.rules.decision import Decision, Offered
from recoup.policies.rules.in_force import NO_POLICIES, InForce, Policies
from recoup.policies.rules.policy import CURRENT, ENGINE_2, POLICIES, PRICINGS, Pricing, RetryPolicy
from recoup.rescue.rules.answer_classes import CLASSES, class_of
from recoup.rescue.rules.decide import decide as by_schedule
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.explore import BLOCKS_HOURS, block_of
from recoup.rescue.rules.facts import hours_of
from recoup.rescue.rules.model import Model
from recoup.terms.rules.arm_terms import engine_decides, place_of


@frozen
class ScheduleTarget:
    """Target that follows a schedule. `within`: the set policies that it is asked within; None:
    those that held then."""

    policy: RetryPolicy
    within: InForce | None = None

    @property
    def name(self) -> str:
        return _named(self.policy.version, self.within)

    def decide(self, evidence: Evidence, then: InForce | None = None) -> Decision:
        """A schedule has planned nothing that would be due: it is asked as after the last
        decline."""
        return by_schedule(replace(evidence, due_at=None), self.policy, self.within or then)

    def of_customer(self, place: int) -> "Target":
        """The decider for a customer, by their place among all; see `rescue.arms`."""
        return self


@frozen
class EngineTarget:
    """Target that follows the engine without draws: what it thinks best. `within`: as of a
    schedule."""

    model: Model
    pricing: Pricing
    within: InForce | None = None

    @property
    def name(self) -> str:
        return _named(f"{self.pricing.version} with {self.model.name}", self.within)

    def decide(self, evidence: Evidence, then: InForce | None = None) -> Decision:
        """Raises: ValueError without facts."""
        if evidence.facts is not None and evidence.facts.explore:
            evidence = replace(evidence, facts=replace(evidence.facts, explore=0.0))
        return self.model.decide(evidence, self.pricing, self.within or then)

    def of_customer(self, place: int) -> "Target":
        """The decider for a customer, as of a schedule: the set policies may leave some customers,
        or all, to the fixed schedule."""
        if self.within is None or engine_decides(self.within, place):
            return self
        return ScheduleTarget(CURRENT, self.within)


Target = ScheduleTarget | EngineTarget


def place_in_file(payer: str) -> int:
    """Place of a file's customer, whose place at the merchant nobody knows."""
    return place_of(hashlib.sha256(b"place/" + payer.encode("utf-8", "surrogatepass")).digest())


def _named(decider: str, within: InForce | None) -> str:
    return decider if within is None else f"{decider} within {within.name}"


SAME_HOURS: Final = 3.0


class Way(NamedTuple):
    """Way to go on. `at`: hours since 1970, None for stopping. `chance`: a model's, None where none
    was asked."""

    at: float | None
    chance: float | None
    probability: float


def same(value: float | None, other: float | None, hours: float = SAME_HOURS) -> bool:
    if value is None or other is None:
        return value is other
    return abs(value - other) <= hours


def stored_ways(alternatives: Iterable[Mapping[str, Any]]) -> list[Way]:
    """Ways of an engine's decision, its own first; empty where it offered none."""
    return [
        Way(
            _hours(alternative["at"]) if alternative["at"] else None,
            alternative["chance"],
            alternative["probability"],
        )
        for alternative in alternatives
        if "probability" in alternative
    ]


def offered_ways(decision: Decision) -> list[Way]:
    return [
        Way(
            _hours(alternative.at) if alternative.at else None,
            alternative.chance,
            alternative.probability,
        )
        for alternative in decision.alternatives
        if isinstance(alternative, Offered)
    ]


def way_of(verdict: str, plan: Sequence[str] | Sequence[datetime], now: float) -> float | None:
    """The time of the next send that a decision leads to."""
    if verdict == "attempt_now":
        return now
    if verdict != "plan" or not plan:
        return None
    first = plan[0]
    return _hours(first) if isinstance(first, str) else hours_of(first)


def probability(ways: Iterable[Way], at: float | None) -> float:
    return min(1.0, sum(way.probability for way in ways if same(way.at, at)))


def chance_at(ways: Iterable[Way], at: float, now: float) -> tuple[float, bool]:
    """The chance of the way that is the same, else of one in the same block; and whether it is that
    one's own."""
    nearest, block, in_block = None, block_of(max(0.0, at - now)), 0.0
    for way in ways:
        if way.at is None or way.chance is None:
            continue
        if same(way.at, at) and (nearest is None or abs(way.at - at) < abs(nearest[0] - at)):
            nearest = way.at, way.chance
        if block_of(max(0.0, way.at - now)) == block:
            in_block = max(in_block, way.chance)
    return (nearest[1], True) if nearest is not None else (in_block, False)


def _hours(text: str) -> float:
    return hours_of(datetime.fromisoformat(text))


STEPS_MAX: Final = 40  # decisions of one order that are read
_TRIES: Final = 5
_BLOCKS: Final = len(BLOCKS_HOURS) + 1
_TRY_AT: Final = len(CLASSES)
_BLOCK_AT: Final = _TRY_AT + _TRIES
_NOW: Final = _BLOCK_AT + _BLOCKS
_CREDIT, _OWN_CHANCE, _DUE = _NOW + 1, _NOW + 2, _NOW + 3
_CLASS_BLOCK: Final = _DUE + 1
BINS: Final = _CLASS_BLOCK + len(CLASSES) * _BLOCKS
_WITHOUT: Final = frozenset({"facts", "link"})


@dataclass(slots=True)
class Engines:
    """Models and prices by which the engine decided at each time: for the orders that a schedule
    decided. `models`, `pricings`, `policies` that were set: by name. Where an order of its arm was
    left to the schedule, there is None."""

    models: Mapping[str, Model]
    pricings: Mapping[str, Pricing] = field(default_factory=lambda: PRICINGS)
    policies: Policies = field(default_factory=lambda: NO_POLICIES)
    _at: list[float] = field(default_factory=list)
    _which: list[tuple[str | None, str | None]] = field(default_factory=list)

    def note(self, decision: RecordedDecision) -> None:
        """Notes a decision of the engine's arm, in order of time."""
        if decision.by == "engine" and decision.features:
            model = decision.versions.get("model")
            which = (model, decision.versions.get("policy") if model else None)
            if not self._which or self._which[-1] != which:
                self._at.append(_now(decision))
                self._which.append(which)

    def within(self, decision: RecordedDecision) -> InForce | None:
        """The policies that held then. Raises: KeyError where they cannot be read."""
        name = decision.versions.get("policies")
        return self.policies[name] if name is not None else None

    def of(self, decision: RecordedDecision, now: float) -> tuple[Model, Pricing] | None:
        """The model and prices by which it would have decided there."""
        if decision.engine_model == "":
            return self.at(now)
        model = self.models.get(decision.engine_model or "")
        return (
            (model, _pricing_beside(decision.versions.get("policy"))) if model is not None else None
        )

    def at(self, now: float) -> tuple[Model, Pricing] | None:
        """The model and prices at that time; None where a schedule decided for the engine too."""
        if not self._which:
            return None
        model, pricing = self._which[max(0, bisect_right(self._at, now) - 1)]
        known = self.models.get(model or ""), self.pricings.get(pricing or "")
        return (known[0], known[1]) if known[0] is not None and known[1] is not None else None


def _pricing_beside(schedule: str | None) -> Pricing:
    """The engine's while that schedule decided for the comparison group."""
    return next(
        (pricing for pricing in PRICINGS.values() if pricing.schedules == schedule), ENGINE_2
    )


def _schedule_beside(pricing: str | None) -> RetryPolicy:
    """The comparison group's while the engine decided at those prices."""
    known = PRICINGS.get(pricing or "")
    return POLICIES[known.schedules] if known is not None else CURRENT


def add_step(
    order: JudgedOrder, decision: RecordedDecision, target: Target, engines: Engines, *, plans: bool
) -> None:
    """`plans`: keep what the policy would have planned at the first one. Of more than `STEPS_MAX`
    only what came of them. Raises: KeyError, TypeError, ValueError for features that no decision
    was made from."""
    if plans and order.planned is None and decision.features:
        order.planned = planned(decision, target, engines)
    if len(order.steps) < STEPS_MAX or decision.answer == "approved":
        order.steps.append(_step(order.facts, decision, target, engines))


def planned(recorded: RecordedDecision, target: Target, engines: Engines) -> Planned:
    decision = target.decide(
        _evidence(recorded.features, facts="facts" in recorded.features), engines.within(recorded)
    )
    chance = next((way.chance for way in offered_ways(decision)), None)
    return Planned(decision.verdict, decision.plan, chance, decision.reasons)


def _step(order: OrderFacts, decision: RecordedDecision, target: Target, engines: Engines) -> Step:
    now, features = _now(decision), decision.features
    due = bool(features.get("due_at"))
    taken = way_of(decision.verdict, decision.plan, now)
    schedules = _by_schedule(decision, now, taken, engines, due=due)
    ways = _by_engine(decision, now, taken, schedules, engines)
    named = _by_target(decision, target, now, ways, engines, due=due)
    return Step(
        _features(features, ways, taken, now, due=due) if taken is not None else None,
        _features(features, ways, named, now, due=due) if named is not None else None,
        same(taken, named),
        (probability(ways, taken), float(same(schedules, taken))),
        (probability(ways, named), float(same(schedules, named))),
        *_outcome(order, decision),
    )


def _outcome(order: OrderFacts, decision: RecordedDecision) -> tuple[float, float, float]:
    days = 0.0
    if decision.answer == "approved" and decision.sent_at is not None:
        days = max(0.0, (decision.sent_at - order.declined_at).total_seconds() / 86_400)
    return (
        float(decision.answer == "approved"),
        float(decision.answer not in (None, "not_processed")),
        days,
    )


def _by_schedule(
    recorded: RecordedDecision, now: float, taken: float | None, engines: Engines, *, due: bool
) -> float | None:
    if recorded.by == "schedule":
        return taken
    if due:
        return now
    schedule = ScheduleTarget(_schedule_beside(recorded.versions.get("policy")))
    decision = schedule.decide(_evidence(recorded.features, facts=False), engines.within(recorded))
    return way_of(decision.verdict, decision.plan, now)


def _by_engine(
    recorded: RecordedDecision,
    now: float,
    taken: float | None,
    schedules: float | None,
    engines: Engines,
) -> list[Way]:
    if recorded.by == "engine":
        if not recorded.versions.get("model"):  # the schedule decided in its place
            return [Way(schedules, None, 1.0)]
        return stored_ways(recorded.alternatives) or [Way(taken, None, 1.0)]
    engine = engines.of(recorded, now)
    if engine is None or "facts" not in recorded.features:
        return [Way(schedules, None, 1.0)]
    decision = engine[0].decide(_evidence(recorded.features), engine[1], engines.within(recorded))
    return offered_ways(decision) or [Way(way_of(decision.verdict, decision.plan, now), None, 1.0)]


def _by_target(
    recorded: RecordedDecision,
    target: Target,
    now: float,
    ways: list[Way],
    engines: Engines,
    *,
    due: bool,
) -> float | None:
    if isinstance(target, ScheduleTarget):
        if due:
            return now
        if recorded.by == "schedule" and recorded.versions.get("policy") == target.name:
            return way_of(recorded.verdict, recorded.plan, now)
        decision = target.decide(
            _evidence(recorded.features, facts=False), engines.within(recorded)
        )
        return way_of(decision.verdict, decision.plan, now)
    if _is_decided(recorded, target, now, engines):
        return ways[0].at
    decision = target.decide(_evidence(recorded.features), engines.within(recorded))
    return way_of(decision.verdict, decision.plan, now)


def _is_decided(
    decision: RecordedDecision, target: EngineTarget, now: float, engines: Engines
) -> bool:
    """True when the engine's ways are those of the very engine that is asked about: its own is the
    first."""
    if target.within is not None and target.within.name != decision.versions.get("policies"):
        return False
    if decision.by == "engine":
        return (
            decision.versions.get("model") == target.model.name
            and decision.versions.get("policy") == target.pricing.version
        )
    engine = engines.of(decision, now)
    return (
        engine is not None and engine[0].name == target.model.name and engine[1] == target.pricing
    )


def _evidence(features: Mapping[str, Any], *, facts: bool = True) -> Evidence:
    if facts:
        return Evidence.from_dict(features)
    return Evidence.from_dict(
        {name: value for name, value in features.items() if name not in _WITHOUT}
    )


def _features(
    features: Mapping[str, Any], ways: list[Way], at: float, now: float, *, due: bool
) -> Features:
    chance, own = chance_at(ways, at, now)
    klass = class_of(Reading(**features["reading"]))
    block = sum(at - now > end for end in BLOCKS_HOURS)
    tries = min(len(features["attempts"]), _TRIES - 1)
    bins = [klass, _TRY_AT + tries, _BLOCK_AT + block, _CLASS_BLOCK + klass * _BLOCKS + block]
    flags = (
        (_NOW, at <= now),
        (_CREDIT, features.get("funding") == "credit"),
        (_OWN_CHANCE, own),
        (_DUE, due),
    )
    bins += [place for place, there in flags if there]
    return Features(tuple(bins), chance)


def _now(decision: RecordedDecision) -> float:
    return hours_of(datetime.fromisoformat(decision.features["now"]))
