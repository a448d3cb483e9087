"""A stored decision made again with one of its inputs changed: what would have been planned then.
Pure.

Nothing is said of what the bank would have answered. A draw is left out on both sides: it has no
reason, so none is given for it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from recoup.insight.rules.what_if_sentences import Change, WhatIf, compared
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.in_force import NO_POLICIES, InForce, Policies
from recoup.policies.rules.policy import POLICIES, PRICINGS, RetryPolicy, group_of
from recoup.processors.rules.route_terms import Candidate
from recoup.rescue.rules.amount import AMOUNT
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, class_of
from recoup.rescue.rules.by_hand import BY_HAND_VERSION, HandInput, PlanBefore
from recoup.rescue.rules.card_update import CARD_UPDATE_VERSION, NEW, UpdateInput, decide_update
from recoup.rescue.rules.decide import DECIDER_VERSION, decide
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.facts import LOOKS_MAX, Facts, Look
from recoup.rescue.rules.gate import GATE_VERSION, GateInput, gate
from recoup.rescue.rules.model import Model, decides_by_model
from recoup.rescue.rules.route_by_worth import ROUTE_BY_WORTH_VERSION, WorthInput, choose_route
from recoup.rescue.rules.signal import SIGNAL_VERSION, SignalInput
from recoup.risk.rules.advance import AdvanceInputs
from recoup.risk.rules.advance_by_bounds import ADVANCE_BY_BOUNDS_VERSION, advance_by_bounds
from recoup.risk.rules.decide import RISK_VERDICTS, RISK_VERSION, RiskInput, answer_of
from recoup.terms.rules.advance_bounds import (
    PAYERS_MIN,
    TENTHS,
    WEEKS_MIN,
    WHOLE,
    HeldBounds,
    TenthBounds,
)
from recoup.terms.rules.collection import COLLECTION_POLICIES
from recoup.terms.rules.costs import Answer

_ALL_PAID: Final = TenthBounds(
    (PAYERS_MIN,) * TENTHS,
    (WEEKS_MIN,) * TENTHS,
    (WHOLE,) * TENTHS,
    (True,) * TENTHS,
    (0,) * TENTHS,
)


def of_advance(
    features: Mapping[str, Any], versions: Mapping[str, str | None], models: Mapping[str, Model]
) -> Iterator[WhatIf]:
    """Raises: as `what_if`."""
    policy = COLLECTION_POLICIES[str(versions["policy"])]
    model = models[str(versions["model"])] if versions["model"] is not None else None

    def decides(given: AdvanceInputs) -> Decision:
        return advance_by_bounds(given, policy, model)

    given = AdvanceInputs.from_dict(features)
    base = decides(given)
    if given.units > 1:
        half = replace(given, units=given.units // 2, fee_units=given.fee_units // 2)
        yield _compared("half_the_order", decides(half), base)
    if given.room != "enough":
        yield _compared("room_left", decides(replace(given, room="enough")), base)
    change = "no_loss_allowed" if base.verdict == "approve_now" else "any_loss_allowed"
    points = 0 if base.verdict == "approve_now" else WHOLE
    limits = replace(given.limits, allowed_loss_basis_points=points)
    yield _compared(change, decides(replace(given, limits=limits)), base)
    paid = HeldBounds(0, given.now.date(), _ALL_PAID)
    yield _compared("closed_orders_paid", decides(replace(given, bounds=paid)), base)
    if given.occasion == "unresolved":  # as if the decline that came in were the last word
        yield _compared(
            "no_try_out", decides(replace(given, occasion="declined", out_at=None)), base
        )


def _compared(change: Change, changed: Decision, base: Decision) -> WhatIf:
    """`chance`: what money would have been risked on."""
    return WhatIf(
        change,
        changed.verdict,
        None,
        0,
        changed.alternatives[0].chance,
        changed.verdict != base.verdict,
    )


WHAT_IFS_MAX: Final = 8
_LINES_TRIED, _LINES_SHOWN = 12, 3
_WEEK: Final = timedelta(days=7)
_PAY_MONTHS: Final = 3
_PAY_HOUR, _EMPTY_DAY = 18, timedelta(days=2)


def what_if(
    features: Mapping[str, Any],
    versions: Mapping[str, str | None],
    models: Mapping[str, Model],
    within: Policies = NO_POLICIES,
) -> tuple[WhatIf, ...]:
    """Empty for a decider whose inputs have no change that a merchant could read.

    `models`, `within`: by name. Raises: KeyError without the model or policy that decided;
    TypeError, ValueError for features that no decision was made from.
    """
    decider = str(versions["decider"])
    if decider == DECIDER_VERSION or decides_by_model(decider):
        what_ifs = _of_plan(Evidence.from_dict(features), versions, models, within)
    elif decider == ADVANCE_BY_BOUNDS_VERSION:
        what_ifs = of_advance(features, versions, models)
    elif decider in _BY_DECIDER:
        what_ifs = _BY_DECIDER[decider](features)
    else:
        return ()
    return tuple(islice(what_ifs, WHAT_IFS_MAX))


def _plan_before(change: Change, before: PlanBefore | None) -> Iterator[WhatIf]:
    due_at = before.due_at if before else None
    yield WhatIf(
        change, "plan" if due_at else "wait", due_at, 1 if due_at else 0, None, differs=True
    )


def _of_plan(
    evidence: Evidence,
    versions: Mapping[str, str | None],
    models: Mapping[str, Model],
    policies: Policies,
) -> Iterator[WhatIf]:
    name = versions.get("policies")
    within = policies[name] if name is not None else None
    engine = versions["decider"] != DECIDER_VERSION
    schedule = None if engine else POLICIES[str(versions["policy"])]
    decides = _engine(versions, models, within) if schedule is None else _schedule(schedule, within)
    plain = _without_draw(evidence) if engine else evidence
    base = decides(plain)
    if engine and plain != evidence and (drawn := decides(evidence)).taken != base.taken:
        yield compared("no_draw", base, drawn)
    if within is not None:

        def without(lines: InForce | None) -> Decision:
            free = (
                _engine(versions, models, lines) if schedule is None else _schedule(schedule, lines)
            )
            return free(plain)

        yield from _of_policy(within, without, base)
    for change, changed in _changes(plain, engine=engine):
        yield compared(change, decides(changed), base)
    if schedule is None:
        yield compared(
            "sends_without_cost", _engine(versions, models, within, free=True)(plain), base
        )
    elif group_of(evidence.reading) is not None:
        yield compared("one_more_try_allowed", _schedule(_one_more(schedule), within)(plain), base)


def _of_policy(
    within: InForce, without: Callable[[InForce | None], Decision], base: Decision
) -> Iterator[WhatIf]:
    """Each line that changed the decision, taken away alone; of several lines also all of them."""
    lines = within.lines()
    comparisons = [
        compared("no_policy_line", without(within.without(line)), base, line)
        for line in lines[:_LINES_TRIED]
    ]
    yield from [what_if for what_if in comparisons if what_if.differs][:_LINES_SHOWN]
    if len(lines) != 1 or not comparisons[0].differs:
        yield compared("no_policy", without(None), base)


def _changes(evidence: Evidence, *, engine: bool) -> Iterator[tuple[Change, Evidence]]:
    reading, facts = evidence.reading, evidence.facts
    if reading.wait_by_rule:
        yield (
            "no_network_wait",
            replace(evidence, reading=replace(reading, wait_by_rule=False, min_wait_hours=None)),
        )
    if engine and facts is not None and facts.sends_left is not None:
        more = replace(
            facts,
            sends_left=facts.sends_left + 1,
            free_at=facts.free_at if facts.sends_left else None,
        )
        yield "one_more_send", replace(evidence, facts=more)
    if engine and facts is not None and class_of(reading) == FUNDS:
        yield "pay_day_known", replace(evidence, facts=_paid_on_the_first(facts, evidence.now))
    if (
        evidence.kind == "managed_mit"
        and not evidence.other_card
        and (reading.terminal or group_of(reading) is None)
    ):
        yield "another_card", replace(evidence, other_card=True)
    if not evidence.may_confirm and evidence.kind == "cit":
        yield "may_confirm", replace(evidence, may_confirm=True, may_enter_card=True)
    for feature in AMOUNT if evidence.of_features else ():
        yield feature.without[0], replace(evidence, of_features={})
    yield "expiry_a_week_later", replace(evidence, expires_at=evidence.expires_at + _WEEK)


def _engine(
    versions: Mapping[str, str | None],
    models: Mapping[str, Model],
    within: InForce | None,
    *,
    free: bool = False,
) -> Callable[[Evidence], Decision]:
    pricing, model = PRICINGS[str(versions["policy"])], models[str(versions["model"])]
    if free:
        pricing = replace(pricing, least_chance=0.0, send_units=0, harm=0.0)
        within = within.free() if within is not None else None
    return lambda evidence: model.decide(evidence, pricing, within)


def _schedule(policy: RetryPolicy, within: InForce | None) -> Callable[[Evidence], Decision]:
    return lambda evidence: decide(evidence, policy, within)


def _one_more(policy: RetryPolicy) -> RetryPolicy:
    longer = {
        name: replace(schedule, tries_max=schedule.tries_max + 1)
        for name, schedule in policy.schedules.items()
    }
    return replace(policy, schedules=longer, sends_max=policy.sends_max + 1)


def _without_draw(evidence: Evidence) -> Evidence:
    if evidence.facts is None or not evidence.facts.explore:
        return evidence
    return replace(evidence, facts=replace(evidence.facts, explore=0.0))


def _paid_on_the_first(facts: Facts, now: datetime) -> Facts:
    """Facts as if the customer's payments had failed two days before the last firsts of a month,
    and passed on them."""
    first, looks = (
        now.replace(day=1, hour=_PAY_HOUR, minute=0, second=0, microsecond=0),
        list[Look](),
    )
    for _ in range(_PAY_MONTHS):
        if first < now:
            looks += [Look(first, APPROVED, 0), Look(first - _EMPTY_DAY, FUNDS, 0)]
        first = (first - timedelta(days=1)).replace(day=1)
    return replace(
        facts, looks=tuple(sorted([*facts.looks, *looks], key=lambda look: look.at)[-LOOKS_MAX:])
    )


def _of_gate(given: GateInput) -> Iterator[WhatIf]:
    base = gate(given)
    if given.blocks:
        yield compared("no_block", gate(replace(given, blocks=())), base)
    if any(not tally.ban for tally in given.tallies):
        more = tuple(
            tally if tally.ban else replace(tally, maximum=tally.maximum + 1)
            for tally in given.tallies
        )
        yield compared("one_more_send", gate(replace(given, tallies=more)), base)


def _of_route(given: WorthInput) -> Iterator[WhatIf]:
    base, routes = choose_route(given), given.routes
    if any(route.off for route in routes):
        yield _taken(
            "route_on", choose_route(replace(given, routes=_each(routes, off=False))), base
        )
    if any(route.breaker != "closed" for route in routes):
        yield _taken(
            "route_reachable",
            choose_route(replace(given, routes=_each(routes, breaker="closed"))),
            base,
        )
    if given.failures:
        yield _taken("no_failure", choose_route(replace(given, failures=())), base)
    if len(routes) > 1 and any(
        route.terms.cost_share or route.terms.cost_fixed for route in routes
    ):
        same = tuple(
            replace(route, terms=replace(route.terms, cost_share=0, cost_fixed=0))
            for route in routes
        )
        yield _taken("routes_cost_the_same", choose_route(replace(given, routes=same)), base)


def _each(routes: tuple[Candidate, ...], **changes: Any) -> tuple[Candidate, ...]:
    return tuple(replace(route, **changes) for route in routes)


def _taken(change: Change, changed: Decision, base: Decision) -> WhatIf:
    chance = next(
        (
            alternative.chance
            for alternative in changed.alternatives
            if alternative.name == changed.taken
        ),
        None,
    )
    return WhatIf(
        change, changed.verdict, None, 0, chance, changed.taken != base.taken, changed.taken or ""
    )


def _of_risk(given: RiskInput) -> Iterator[WhatIf]:
    base = answer_of(given)
    signs = sorted(
        (term for term in given.held if term != "base"),
        key=lambda term: (-abs(given.held[term]), term),
    )
    for change, way in (("no_sign_against", 1), ("no_sign_for", -1)):
        sign = next((term for term in signs if given.held[term] * way > 0), None)
        if sign is not None:
            without = {term: weight for term, weight in given.held.items() if term != sign}
            yield _answered(change, replace(given, held=without), base, sign)
    if given.facts.units > 1:
        yield _answered(
            "half_the_amount",
            replace(given, facts=replace(given.facts, units=given.facts.units // 2)),
            base,
        )
    if not given.may_challenge:
        yield _answered("may_confirm", replace(given, may_challenge=True), base)


def _of_update(given: UpdateInput) -> Iterator[WhatIf]:
    base = decide_update(given)
    if given.answer in NEW:
        yield compared("nothing_newer", decide_update(replace(given, answer="unchanged")), base)
    else:
        yield compared("new_card_known", decide_update(replace(given, answer="new_number")), base)
    if given.answer != "closed":
        yield compared("account_closed", decide_update(replace(given, answer="closed")), base)
    if given.stopped:
        yield compared("attempts_wanted", decide_update(replace(given, stopped=False)), base)
    yield compared(
        "no_link" if given.by_link else "link_open",
        decide_update(replace(given, by_link=not given.by_link)),
        base,
    )


def _answered(change: Change, changed: RiskInput, base: Answer, sign: str = "") -> WhatIf:
    answer = answer_of(changed)
    return WhatIf(change, RISK_VERDICTS[answer], None, 0, None, answer != base, sign)


_BY_DECIDER: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[WhatIf]]]] = {
    GATE_VERSION: lambda data: _of_gate(GateInput.from_dict(data)),
    BY_HAND_VERSION: lambda data: _plan_before("no_request", HandInput.from_dict(data).before),
    SIGNAL_VERSION: lambda data: _plan_before("no_signal", SignalInput.from_dict(data).before),
    ROUTE_BY_WORTH_VERSION: lambda data: _of_route(WorthInput.from_dict(data)),
    RISK_VERSION: lambda data: _of_risk(RiskInput.from_dict(data)),
    CARD_UPDATE_VERSION: lambda data: _of_update(UpdateInput.from_dict(data)),
}
