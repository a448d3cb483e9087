"""Plan of the next step after a decline, decided by policy, by the order's arm or by a person, and
put on the order: the next attempt, its due time, the reasons."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from recoup.kernel.feature import Place
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.networks.challenge import PURPOSE
from recoup.networks.codes import Reading
from recoup.networks.other_card import RULE as OTHER_CARD
from recoup.networks.reasons import UNCLEAR
from recoup.notifications.moves import WEEK_SECONDS, alert, alert_unlisted
from recoup.orders.moves.change import Change
from recoup.orders.rules.attention import UNCLEAR_DECLINE
from recoup.orders.rules.card_queue import LOOK_AGAIN, alike, is_sent_beside, rests_until
from recoup.orders.rules.causes import HARD, SOFT
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.orders.rules.typed_card import CardIds
from recoup.policies.rules.policy import CURRENT
from recoup.policies.rules.read import TRIES_MAX
from recoup.processors.rules.route_terms import MILLION
from recoup.rescue.moves import challenge as challenges
from recoup.rescue.moves.charges import end_without_rest
from recoup.rescue.moves.send import gate_input
from recoup.rescue.rules.amount import inputs_of, units_of
from recoup.rescue.rules.arms import KINDS, EngineAtHand, decide_by_arm
from recoup.rescue.rules.by_hand import GateWord, HandInput, PlanBefore, Request, decide_by_hand
from recoup.rescue.rules.card_update import (
    CARD_UPDATE_VERSION,
    UpdateInput,
    decide_update,
    is_request,
    may_be_cured,
)
from recoup.rescue.rules.decide import OTHER_CARD_WAITS, decide
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.gate import ask_gate
from recoup.rescue.rules.links import LATER, NOW
from recoup.rescue.rules.model import by_model
from recoup.rescue.rules.order_evidence import (
    evidence_of,
    last_reading,
    link_of,
    other_card_of,
    page_asks,
)
from recoup.rescue.rules.order_facts import facts_of

_QUEUED = (
    None,
    "decide",
    "keep",
)  # what nobody asked for by hand, and no other card or signal brought
INLINE_GRACE = timedelta(seconds=3)  # a little longer than the caller's deadline


def decide_next(
    change: Change, reading: Reading, *, due_at: datetime | None = None
) -> tuple[Decision, UUID]:
    """The decision of the order's arm and the id it is stored under, with everything that it was
    made from. `due_at`: see `decide_due`."""
    alert_unlisted(change.rows, change.order.merchant_id, reading, change.wall)
    _alert_alike(change)
    evidence = evidence_of(change.order, reading, change.now)
    if change.order.arm is not None and change.order.kind in KINDS:
        return decide_as_arm(change, evidence, due_at)
    decision = decide(evidence, CURRENT, change.order.retry.policies)
    return decision, change.decide(decision, evidence.features())


def _alert_alike(change: Change) -> None:
    """Alerts of an order beside another of its card that was declined for nearly the same amount,
    once a week for each card."""
    order, near = change.order, alike(change.order, change.now)
    if near is None or order.card_id is None:
        return
    facts = {
        "order_id": str(order.order_id),
        "units": order.units,
        "other_units": near.units,
        "asset": order.asset,
    }
    step = int(change.wall.timestamp()) // WEEK_SECONDS
    about = uuid5(
        order.merchant_id, str(order.card_id)
    )  # the card's own id is not the merchant's alone
    alert(change.rows, order.merchant_id, "alike_amounts", about, step, facts, change.wall)


def decide_or_update(
    change: Change, reading: Reading, by_card: Callable[[], tuple[Decision, UUID]] | None = None
) -> tuple[Decision, UUID]:
    """`decide_next`; but where the account updater may cure the decline it is queried before
    anything is decided. `by_card`: the decline speaks of a token in the card's place alone, so the
    card itself is tried."""
    order = change.order
    if by_card is not None and not order.do_not_retry and not card_is_blocked(order):
        return by_card()
    if (
        not (change.has_updater and may_be_cured(reading))
        or order.initiator != "merchant"
        or order.token_id is None
    ):
        return decide_next(change, reading)
    if (
        order.do_not_retry
        or card_is_blocked(order)
        or order.kind not in ("mit_managed", "mit_sync")
    ):
        return decide_next(change, reading)
    inputs = UpdateInput(reading, change.now)
    decision = decide_update(inputs)
    return decision, change.decide(decision, inputs.features())


def card_is_blocked(order: Order) -> bool:
    """True when its merchant has blocked the card: its next number is not sent either. Only under
    the card's lock."""
    return any(
        block.reason == "card" and block.merchant_id == order.merchant_id for block in order.blocks
    )


def next_due(change: Change, decision: Decision) -> datetime | None:
    """Due time of the decision's next attempt; None when nothing is planned, or the merchant wants
    nothing more."""
    if change.order.do_not_retry:
        return None
    if decision.verdict != "attempt_now":
        return decision.next_attempt_at
    return change.now if "policies" in decision.versions else opened(change)


def opened(change: Change) -> datetime | None:
    """Time from which a send that nobody requested by hand may leave: now, or as soon as the
    order's policies open; None where that is never, or too late."""
    order, policies = change.order, change.order.retry.policies
    if policies is None or order.by_customer:
        return change.now
    evidence = evidence_of(order, last_reading(order), change.now)
    if policies.off or len(evidence.attempts) >= policies.tries(TRIES_MAX):
        return None
    fresh = policies.fresh(change.now, order.retry.month_sends)
    if fresh <= change.now and policies.is_open(change.now, evidence.utc_offset):
        return change.now
    at = policies.opens(fresh, evidence.utc_offset)
    return (
        at
        if at is not None and at < policies.end(evidence.first_declined_at, evidence.expires_at)
        else None
    )


def is_late(change: Change, attempt: Attempt) -> bool:
    """True when the attempt, that was planned for an open hour, comes at one that its policies keep
    closed, or once the month's sends are used up. What was planned before the policy said so keeps
    its plan."""
    order, policies = change.order, change.order.retry.policies
    if (
        policies is None
        or order.by_customer
        or attempt.ladder == PURPOSE
        or attempt.when_due == "other_card"
    ):
        return False
    if policies.fresh(change.now, order.retry.month_sends) > change.now:
        return True
    offset = evidence_of(order, last_reading(order), change.now).utc_offset
    return policies.is_open(attempt.due_at, offset) and not policies.is_open(change.now, offset)


def decide_due(change: Change, attempt: Attempt) -> bool:
    """Has the engine decide again about a plan that is due; true if it is still to be sent. If not,
    the order has another plan, or none."""
    order = change.order
    is_planned = (
        attempt.decision_id is not None
        and attempt.when_due in _QUEUED
        and attempt.ladder != PURPOSE
    )
    is_queued = is_planned and attempt.initiator == "merchant"
    if is_queued and is_sent_beside(order, change.now):
        order.next_attempt_at = change.now + LOOK_AGAIN
        change.set_attempt(attempt, due_at=order.next_attempt_at)
        change.due("retry", order.next_attempt_at)
        return False
    rests = is_queued and rests_until(order, change.now) is not None
    stopped = order.arm_known is not None and order.arm_known.stopped
    again = attempt.when_due == "decide" or attempt.when_due == "keep" and stopped
    if not again and not rests and not is_late(change, attempt):
        return True
    reading = last_reading(order)
    decision, decision_id = decide_next(
        change, reading, due_at=attempt.due_at if again and not rests else None
    )
    if decision.verdict == "attempt_now" and OTHER_CARD not in decision.rules:
        units = units_of(order, decision, reading) or order.owed_units
        change.set_attempt(attempt, decision_id=decision_id, units=units)
        return True
    if decision.verdict != "plan":
        drop_plan(change)
    follow(change, decision, decision_id, reading)
    return False


def follow(
    change: Change,
    decision: Decision,
    decision_id: UUID,
    reading: Reading,
    *,
    beside: UUID | None = None,
) -> None:
    """Carries a decision out, short of sending: ends the order, asks the customer, plans the next
    attempt, or leaves the order waiting. `beside`: the risk check's, which let it pass."""
    order = change.order
    if decision.verdict == "challenge":
        challenges.present(change, reading, decision_id, list(decision.reasons))
        return
    if decision.verdict == "decline_at_once":
        if order.by_customer and order.challenge() is not None:
            challenges.refused(change, decision.reasons[1])
            change.step("challenge_failed", decision_id=decision_id, reasons=list(decision.reasons))
            return
        end_without_rest(
            change,
            "declined",
            decision_id=decision_id,
            why=decision.reasons[0],
            reasons=list(decision.reasons),
            cause=HARD if reading.terminal else SOFT,
            decline=reading.reason,
        )
        return
    due = next_due(change, decision)
    body: dict[str, Any] = {
        "verdict": decision.verdict,
        "next": due,
        "reasons": list(decision.reasons),
    }
    body |= {"risk": beside} if beside is not None else {}
    part = units_of(order, decision, reading)
    body |= {"part": part} if part is not None else {}
    change.fact("planned", decision_id=decision_id, **body)
    if due is None:
        order.next_attempt_at = None
        change.undue("retry")
        if is_request(decision):
            change.due("card_update", change.now)
        else:
            challenges.offer(change, page_asks(order, reading))
        if reading.reason == UNCLEAR:
            change.raise_attention(UNCLEAR_DECLINE)
        return
    if OTHER_CARD in decision.rules:
        _take_other_card(change, reading, decision_id)
        return
    plan_attempt(
        change,
        due,
        decision.group or "soft",
        decision_id,
        when_due=when_due_of(decision),
        units=part,
    )
    # What only the customer can surely mend is told at once, whatever is tried meanwhile.
    if (
        NOW in decision.rules
        or reading.retry == "after_data_change"
        and LATER not in decision.rules
    ):
        challenges.offer(change, page_asks(order, reading))


def without_part(change: Change, attempt: Attempt) -> None:
    """Plans the whole amount due in place of a part, where its merchant allows no part any more;
    and never more than is due."""
    order = change.order
    if (
        attempt.units > order.owed_units
        or attempt.units < order.owed_units
        and not inputs_of(order)
    ):
        change.set_attempt(attempt, units=order.owed_units)


def _take_other_card(change: Change, reading: Reading, decision_id: UUID) -> None:
    """The order goes on with it: tried at once, through the gate of that card."""
    card = other_card_of(change.order, reading, change.now)
    assert card is not None
    change.swap_card(filled(CardIds, card), of_customer=True)
    plan_attempt(change, change.now, "soft", decision_id, when_due="other_card")


def when_due_of(decision: Decision) -> str | None:
    """The name of the due work at which the plan is looked at again: the engine's plans are; but
    what was drawn is sent, or the draw would say nothing. A replaced card has its name."""
    if decision.versions["decider"] == CARD_UPDATE_VERSION:
        return "new_card"
    if OTHER_CARD_WAITS in decision.rules:
        return "decide"
    if decision.verdict != "plan" or not by_model(str(decision.versions["decider"])):
        return None
    return (
        "decide"
        if decision.alternatives and decision.taken == decision.alternatives[0].name
        else "keep"
    )


def plan_attempt(
    change: Change,
    due: datetime,
    purpose: str,
    decision_id: UUID | None,
    *,
    initiator: str | None = None,
    when_due: str | None = None,
    goes_on: bool = False,
    units: int | None = None,
) -> None:
    """The next attempt as an intent of its own, shown before it happens; none where the merchant
    wants none. `decision_id`: what it comes from, also of one that was planned before. `initiator`:
    the order's, unless said. `when_due`: as the attempt's. `goes_on`: who made the attempt before
    makes this one too. `units`: of a part; all that is owed, unless said."""
    order = change.order
    if order.do_not_retry:
        drop_plan(change)
        return
    attempt = order.planned() or next_attempt(
        order, purpose, due, order.owed_units, initiator or order.initiator
    )
    change.set_attempt(
        attempt,
        due_at=due,
        decision_id=decision_id,
        when_due=when_due,
        units=order.owed_units if units is None else units,
    )
    order.next_attempt_at = due
    tell_plan(change, due)
    first = (
        order.answered_inline and (goes_on or attempt.attempt_no == 1) or purpose == PURPOSE
    ) and due <= change.now
    change.due("retry", due + INLINE_GRACE if first else due)
    if order.stage is Stage.HELD:
        change.undue("retry")


AFTER_PLAN: Final = Place[Callable[[Change, datetime], None]](
    "after_plan"
)  # of when the next attempt is planned


def tell_plan(change: Change, due: datetime) -> None:
    for hears in AFTER_PLAN:
        hears(change, due)


def next_attempt(order: Order, purpose: str, due: datetime, units: int, initiator: str) -> Attempt:
    """The one behind all that there are, not yet written."""
    return Attempt(
        attempt_id=new_id(),
        order_id=order.order_id,
        attempt_no=max((a.attempt_no for a in order.attempts), default=0) + 1,
        state="planned",
        ladder=purpose,
        due_at=due,
        units=units,
        asset=order.asset,
        initiator=initiator,
    )


def drop_plan(change: Change) -> None:
    """Drops the plan: it is not sent any more."""
    attempt = change.order.planned()
    if attempt is not None:
        change.set_attempt(attempt, state="not_sent")
    change.order.next_attempt_at = None
    change.undue("retry")


def decide_as_arm(
    change: Change, evidence: Evidence, due_at: datetime | None
) -> tuple[Decision, UUID]:
    """The decision by the order's arm, and the id it is stored under. `due_at`: of what the engine
    planned, where that has come."""
    order = change.order
    assert order.arm is not None
    assert order.arm_known is not None
    engine = change.given(EngineAtHand)
    assert engine is not None
    link = link_of(order, evidence.reading)
    evidence = replace(evidence, due_at=due_at, facts=facts_of(order, change.now), link=link)
    done, watched = decide_by_arm(
        order.arm, order.arm_known, evidence, engine, order.retry.policies
    )
    if watched is not None:
        change.decide(watched.decision, watched.evidence.features(), watched.arm)
    taken = next(
        (
            alternative
            for alternative in done.decision.alternatives
            if alternative.name == done.decision.taken
        ),
        None,
    )
    if done.decision.verdict == "attempt_now" and taken is not None and taken.chance is not None:
        change.chance = round(taken.chance * MILLION)
    return done.decision, change.decide(done.decision, done.evidence.features(), done.arm)


def ask_by_hand(
    change: Change, request: Request, gate_answer: GateWord | None = None
) -> tuple[Decision, UUID]:
    """The decision and the id it is stored under. `gate_answer`: the gate's, where the card's sends
    are at hand."""
    order, planned = change.order, change.order.planned()
    before = None
    if planned is not None:
        before = PlanBefore(
            planned.due_at,
            planned.ladder,
            str(planned.decision_id) if planned.decision_id else None,
        )
    inputs = HandInput(request, change.actor, change.now, before, gate_answer, order.do_not_retry)
    decision = decide_by_hand(inputs)
    return decision, change.decide(decision, inputs.features())


def gate_answer(change: Change, policy: Policy, attempt: Attempt | None) -> GateWord:
    """The card's gate's answer to a send now. Only under the card's lock."""
    order = change.order
    initiator, units = (
        (attempt.initiator, attempt.units) if attempt else (order.initiator, order.units)
    )
    return GateWord.of(
        ask_gate(gate_input(order, change.now, policy.visa_limit, initiator, units=units))
    )
