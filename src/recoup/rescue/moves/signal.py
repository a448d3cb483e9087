"""A card that was just approved elsewhere: its order's planned attempt may be made now."""

from datetime import timedelta

from recoup.kernel.policy import Policy
from recoup.kernel.time import WallTime
from recoup.orders.moves.change import Change, has_room
from recoup.orders.rules.lifecycle import Stage
from recoup.rescue.moves.plan import gate_answer, plan_attempt
from recoup.rescue.rules.by_hand import PlanBefore
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.order_evidence import evidence_of, last_reading
from recoup.rescue.rules.signal import SignalInput, decide_by_signal


def approved_elsewhere(change: Change, policy: Policy, approved_at: WallTime) -> bool:
    """Brings the attempt forward where the signal allows; tells whether it did. Otherwise nothing
    is written, however many signals come. Only under the card's lock."""
    order, planned = change.order, change.order.planned()
    if order.stage is not Stage.PROCESSING or order.do_not_retry or order.initiator == "customer":
        return False
    if planned is None or order.attempt_in_flight() is not None or order.collecting() is not None:
        return False
    if not has_room(change):
        return False
    evidence = evidence_of(order, last_reading(order), change.now)
    if is_kept_closed(change, evidence):
        return False
    before = PlanBefore(
        planned.due_at, planned.ladder, str(planned.decision_id) if planned.decision_id else None
    )
    inputs = SignalInput(
        reading=evidence.reading,
        last_at=max([evidence.first_declined_at, *(attempt.at for attempt in evidence.attempts)]),
        approved_at=change.now - max(timedelta(0), change.wall - approved_at),
        now=change.now,
        before=before,
        gate=gate_answer(change, policy, planned),
        utc_offset=evidence.utc_offset,
        arm=order.arm,
        drawn=planned.when_due == "keep",
    )
    decision = decide_by_signal(inputs)
    if decision.verdict != "attempt_now":
        return False
    decision_id = change.decide(decision, inputs.features())
    change.fact(
        "planned",
        decision_id=decision_id,
        verdict=decision.verdict,
        next=change.now,
        reasons=list(decision.reasons),
    )
    plan_attempt(
        change, change.now, planned.ladder, decision_id, when_due="signal", units=planned.units
    )
    return True


def is_kept_closed(change: Change, evidence: Evidence) -> bool:
    """True when the order's policies keep it closed: no signal passes their hours, their gap or
    their budget."""
    policies, now = change.order.retry.policies, change.now
    if policies is None:
        return False
    last = max([evidence.first_declined_at, *(attempt.at for attempt in evidence.attempts)])
    spent = policies.fresh(now, evidence.month_sends) > now
    return (
        policies.off
        or spent
        or now < last + policies.gap
        or not policies.is_open(now, evidence.utc_offset)
    )
