"""Transaction A of an attempt: under the locks of order and card, the last check and the intent
that is committed before any byte leaves."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from recoup.kernel.measures import GATE
from recoup.kernel.policy import Policy
from recoup.kernel.time import BusinessTime
from recoup.networks import whys
from recoup.networks.challenge import PURPOSE
from recoup.networks.limits import Refused
from recoup.orders.moves.change import Change
from recoup.orders.moves.pace import NO_ROUTE_PAUSE, NO_ROUTE_PAUSE_MAX, pause_since
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Attempt
from recoup.rescue.moves.answer_deadline import decline, too_late
from recoup.rescue.moves.card_update import updates_first
from recoup.rescue.moves.challenge_answer import withhold
from recoup.rescue.moves.feature_moves import end_if_stopped
from recoup.rescue.moves.plan import decide_due, without_part
from recoup.rescue.moves.send import PickRoute, Route, gate_input, send_intent, token_for
from recoup.rescue.rules.gate import GateInput, ask_gate, gate
from recoup.rescue.rules.route_by_worth import choose_route


def open_attempt(
    change: Change,
    policy: Policy,
    pick: PickRoute,
    *,
    with_customer: bool = False,
    update_first: bool = True,
) -> Attempt | None:
    """The attempt that may be sent now, or None: then the order says why and has other work due.

    `with_customer`: what they have just given is at hand; without it their try is not made.
    `update_first`: a card that has expired since waits for the account updater, unless a token in
    its place has not.

    The worker may come late, twice, or after somebody ended the order: everything is read again
    here.
    """
    order = change.order
    attempt = order.planned()
    change.undue("retry")
    if (
        order.stage is not Stage.PROCESSING
        or attempt is None
        or order.attempt_in_flight() is not None
    ):
        return None
    if attempt.due_at > change.now:
        change.due("retry", attempt.due_at)
        return None
    if order.expires_at is not None and change.now >= order.expires_at:
        change.due("expire", order.expires_at)
        return None
    if too_late(change):
        return None
    if attempt.ladder == PURPOSE and not with_customer:
        withhold(change, attempt, whys.ANSWER_LOST, "answer_lost")
        return None
    if _is_off(change, attempt):
        return None
    if attempt.initiator == "merchant" and end_if_stopped(change):
        return None
    if not decide_due(change, attempt):
        return None
    without_part(change, attempt)
    route = pick(change, attempt)
    by_token = token_for(order, attempt, change.now, route) is not None
    if update_first and not by_token and updates_first(change):
        return None
    if route.name is None:
        GATE.add(whys.NO_ROUTE)
        _no_route(change, attempt, route)
        return None
    inputs = gate_input(
        order,
        change.now,
        policy.visa_limit,
        attempt.initiator,
        units=attempt.units,
        acceptor_id=route.acceptor_id,
        region=route.region,
    )
    answer = ask_gate(inputs)
    if isinstance(answer, Refused):
        GATE.add(answer.rule_id)
        _refused(change, attempt, inputs, answer)
        return None
    change.forget_code()
    send_intent(change, attempt, policy, route)
    return attempt


def _is_off(change: Change, attempt: Attempt) -> bool:
    """True when the merchant's sending is off, or everybody's: then the order waits."""
    if change.order.merchant.killed:
        GATE.add(whys.KILL_SWITCH)
        _wait(change, attempt, whys.KILL_SWITCH, "kill_switch")
    elif change.off_since is not None:
        GATE.add(whys.SENDING_OFF)
        _hold_for(
            change,
            attempt,
            pause_since(change.off_since, change.wall),
            whys.SENDING_OFF,
            "sending_off",
        )
    else:
        return False
    return True


def _wait(
    change: Change, attempt: Attempt, why: str, cause: str, *, decision_id: UUID | None = None
) -> None:
    """Onhold; but nobody lets a customer wait: that order is declined, or its challenge may be
    answered again."""
    if change.order.customer_waits:
        decline(change, why, decision_id=decision_id)
    elif attempt.ladder == PURPOSE:
        withhold(change, attempt, why, cause, decision_id=decision_id)
    else:
        hold(change, why, cause, decision_id=decision_id)


def _no_route(change: Change, attempt: Attempt, route: Route) -> None:
    """Held for a while: a route may be switched on again. What waits for long is looked at more
    seldom."""
    decision_id = change.decide(choose_route(route.inputs), route.inputs.features())
    _hold_for(
        change,
        attempt,
        _pause_without_route(change),
        whys.NO_ROUTE,
        "no_route",
        decision_id=decision_id,
    )


def _hold_for(
    change: Change,
    attempt: Attempt,
    pause: timedelta,
    why: str,
    cause: str,
    *,
    decision_id: UUID | None = None,
) -> None:
    """Holds the order for a pause, after which it goes on by itself, where no customer waits."""
    if change.order.by_customer or attempt.ladder == PURPOSE:
        _wait(change, attempt, why, cause, decision_id=decision_id)
        return
    until = change.now + pause
    hold(change, why, cause, until, decision_id=decision_id)
    change.set_attempt(attempt, due_at=until)
    change.order.next_attempt_at = until
    change.due("release", until)


def _pause_without_route(change: Change) -> timedelta:
    closed = [
        BusinessTime(attempt.closed_at)
        for attempt in change.order.attempts
        if attempt.closed_at is not None
    ]
    waited = change.now - max(closed, default=change.now)
    return max(NO_ROUTE_PAUSE, min(NO_ROUTE_PAUSE_MAX, waited / 4))


def hold(
    change: Change,
    why: str,
    cause: str,
    until: datetime | None = None,
    *,
    decision_id: UUID | None = None,
) -> None:
    """Onhold, with the reason; what was planned stays planned."""
    change.step("held", decision_id=decision_id, why=why, cause=cause, until=until)


def _refused(change: Change, attempt: Attempt, inputs: GateInput, answer: Refused) -> None:
    """The card's allowance is used up: wait for it, or, where that is too late, plan nothing
    more."""
    order = change.order
    inputs = replace(
        inputs,
        may_wait=not (order.by_customer or attempt.ladder == PURPOSE),
        before=order.expires_at,
    )
    decision = gate(inputs)
    decision_id = change.decide(decision, inputs.features())
    if not inputs.may_wait:
        _wait(change, attempt, answer.why, answer.rule_id, decision_id=decision_id)
        return
    if decision.next_attempt_at is not None:
        hold(change, answer.why, answer.rule_id, decision.next_attempt_at, decision_id=decision_id)
        change.set_attempt(attempt, due_at=max(decision.next_attempt_at, attempt.due_at))
        order.next_attempt_at = attempt.due_at
        change.due("release", attempt.due_at)
        return
    change.set_attempt(attempt, state="not_sent")
    order.next_attempt_at = None
    change.fact(
        "attempt_withheld",
        attempt.attempt_id,
        decision_id=decision_id,
        number=attempt.attempt_no,
        why=answer.why,
        rule=answer.rule_id,
    )
