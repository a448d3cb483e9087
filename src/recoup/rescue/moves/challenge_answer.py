"""The customer's answer to a challenge, and what becomes of a card that they typed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.kernel.filled import filled
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.networks import whys
from recoup.networks.challenge import PURPOSE, TRIES_MAX
from recoup.orders.moves.change import Change
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.lifecycle import Stage, can
from recoup.orders.rules.snapshot import Attempt, Challenge
from recoup.orders.rules.typed_card import CardIds, Plan, TypedCard
from recoup.processors.rules.authentication import authentication
from recoup.rescue.moves.challenge import log_details, refused
from recoup.rescue.moves.charges import end_without_rest
from recoup.rescue.moves.plan import ask_by_hand, drop_plan, next_due, plan_attempt, when_due_of

_ANSWERABLE: Final = (Stage.CHALLENGED, Stage.PROCESSING)


def _check(change: Change, *, is_over: bool) -> None:
    """Raises: Problem(conflict) while a try is out; Problem(wrong_state) where nothing is asked
    any more."""
    if change.order.is_being_tried:
        raise Problem("conflict", "What was given is just being tried.", cure="Wait a moment.")
    if is_over:
        raise Problem(
            "wrong_state",
            "No action by the customer is needed any more.",
            cure="The payment has ended.",
        )


def answer(change: Change, card: CardIds | None) -> None:
    """The customer has answered: the card, or the other one that they gave, is to be tried now, as
    theirs.

    Raises: Problem(wrong_state) without an open challenge; Problem(conflict) while a try is out.
    """
    order = change.order
    challenge = order.challenge()
    lapsed = challenge is None or challenge.expires_at <= change.now or order.do_not_retry
    _check(change, is_over=lapsed or order.stage not in _ANSWERABLE)
    assert challenge is not None
    change.set_challenge(challenge, state="tried", tries=challenge.tries + 1)
    _, decision_id = ask_by_hand(change, "customer_answer")
    typed = _swapped(change, card) if card is not None else None
    drop_plan(change)
    if order.by_customer:
        change.undue("challenge")
        change.step("challenge_answered", decision_id=decision_id, **log_details(challenge))
    else:
        change.fact(
            "challenge_tried",
            challenge.challenge_id,
            decision_id=decision_id,
            **log_details(challenge),
        )
    plan_attempt(change, change.now, PURPOSE, decision_id, initiator="customer")
    _at_hand(change, challenge, typed, is_wanted=card is None and challenge.asks == "confirm")


def _swapped(change: Change, card: CardIds) -> TypedCard | None:
    """The order goes on with `card`; None where nothing comes back: whoever waits at the
    checkout pays by it or not at all, and new data of the order's own card are the merchant's
    to use."""
    order, planned = change.order, change.order.planned()
    if order.by_customer or order.pan_id == card.pan_id:
        change.swap_card(card)
        return None
    typed = TypedCard(
        card, filled(CardIds, order), filled(Plan, planned) if planned is not None else None
    )
    change.swap_card(card, by_payer="once")
    return typed


def _at_hand(
    change: Change, challenge: Challenge, typed: TypedCard | None, *, is_wanted: bool
) -> None:
    """Notes that the customer can be sent to their bank from here. `is_wanted`: the bank wants it,
    of this card."""
    order, planned = change.order, change.order.planned()
    if planned is None:
        return
    offset: timedelta = order.merchant.offset
    known = authentication(
        change.wall,
        is_wanted=is_wanted,
        challenge_ends=WallTime(challenge.expires_at - offset),
        at_checkout=order.by_customer,
        order_ends=WallTime(order.expires_at - offset) if order.expires_at is not None else None,
    )
    change.set_attempt(planned, authentication=known, typed=typed)


def later_plan(change: Change, decision: Decision, decision_id: UUID) -> Plan | None:
    """The plan that would follow with the typed card, by the decision about its decline, if its
    payer agreed."""
    due = next_due(change, decision) if decision.verdict == "plan" else None
    if due is None:
        return None
    units = change.order.owed_units
    return Plan(due, decision.group or "soft", decision_id, when_due_of(decision), units)


def take_back(change: Change, attempt: Attempt, later: Plan | None = None) -> None:
    """Ends what a card was typed for: the order has its own card again, and the plan that it
    had. `later`: what its payer may agree to."""
    typed = attempt.typed
    if typed is None or change.order.token_id != typed.card.token_id:
        return
    change.set_attempt(attempt, typed=replace(typed, later=later))
    change.swap_card(typed.own, by_payer="back")
    _plan(change, typed.plan)


def _plan(change: Change, plan: Plan | None) -> None:
    if plan is None:
        return
    due = max(plan.due_at, change.now)
    plan_attempt(
        change, due, plan.ladder, plan.decision_id, when_due=plan.when_due, units=plan.units
    )
    change.fact("planned", decision_id=plan.decision_id, verdict="plan", next=due)


def agree(change: Change, number: int | None, consent: dict[str, Any]) -> None:
    """The payer lets the card that they typed for attempt `number` be tried again, in place of the
    order's own. `consent`: what they agreed to, for the log.

    Raises: Problem(wrong_state) where they are not asked that; Problem(conflict) while a try is
    out.
    """
    attempt = [attempt for attempt in change.order.attempts if attempt.typed is not None][-1]
    typed = attempt.typed
    is_over = change.order.stage not in (Stage.PROCESSING, Stage.HELD) or change.order.do_not_retry
    _check(
        change,
        is_over=is_over or typed is None or typed.later is None or attempt.attempt_no != number,
    )
    assert typed is not None
    change.swap_card(typed.card, by_payer="later", consent=consent)
    change.set_attempt(attempt, typed=replace(typed, later=None, until=change.order.expires_at))
    drop_plan(change)
    _plan(change, typed.later)


def not_made(change: Change, attempt: Attempt, why: str, *, counts: bool = False) -> None:
    """The try did not leave us: the customer may simply answer again, while there is time.
    `counts`: it was refused as wrong, so that it is one of their tries."""
    take_back(change, attempt)
    challenge = change.order.challenge()
    if challenge is None:
        return
    if challenge.expires_at <= change.now or counts and challenge.tries >= TRIES_MAX:
        refused(change, why)
        if change.order.by_customer:
            change.step("challenge_failed", why=why)
        return
    tries = challenge.tries if counts else max(0, challenge.tries - 1)
    change.set_challenge(challenge, state="presented", tries=tries)
    if change.order.by_customer:
        change.step("challenged", why=why, **log_details(challenge))
        change.due("challenge", challenge.expires_at)


def withhold(
    change: Change, attempt: Attempt, why: str, rule: str, *, decision_id: UUID | None = None
) -> None:
    """A customer's try that may not be sent now is not sent later either: they have left by
    then."""
    change.set_attempt(attempt, state="not_sent")
    change.order.next_attempt_at = None
    change.fact(
        "attempt_withheld",
        attempt.attempt_id,
        decision_id=decision_id,
        number=attempt.attempt_no,
        why=why,
        rule=rule,
    )
    not_made(change, attempt, why)


def decline_by_customer(change: Change) -> None:
    """Declines an order whose customer said no, or whose bank did not let them pass: what is out
    and turns out approved goes back."""
    order, challenge = change.order, change.order.challenge()
    is_open = challenge is not None and order.stage in _ANSWERABLE
    if is_open:
        refused(change, whys.NOT_CONFIRMED)
    if order.by_customer and is_open:
        change.step("challenge_failed", why=whys.NOT_CONFIRMED)
    elif can(order.stage, "payer_refused") and not order.by_customer and order.challenges:
        end_without_rest(change, "payer_refused", may_keep=False)
