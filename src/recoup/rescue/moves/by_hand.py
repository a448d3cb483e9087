"""Moves by a person on an open order: hold it, release it, have its next attempt made now."""

from datetime import timedelta
from typing import Final

from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem, Sentence
from recoup.networks import whys
from recoup.networks.reasons import UNCLEAR
from recoup.orders.moves.change import Change, check_room
from recoup.orders.rules.attention import is_by_people
from recoup.orders.rules.holds import BY_MERCHANT, BY_OPERATOR, check_release, why_held
from recoup.orders.rules.lifecycle import Stage
from recoup.rescue.moves.amendment import check_open, check_retried, plan_anew
from recoup.rescue.moves.capture import refuse_while_capturing
from recoup.rescue.moves.ending import go_on
from recoup.rescue.moves.plan import ask_by_hand, gate_answer, next_attempt, plan_attempt
from recoup.rescue.rules.order_evidence import last_reading

LATER: Final = timedelta(days=1)
IN_A_MOMENT = "Try again in a moment."


def hold_by_hand(change: Change, reason: str, *, operator: bool) -> bool:
    """Onhold until somebody lets it go, or it expires. False when the same side holds it already.

    Raises: Problem wrong_state, invalid; conflict while a try is out, and as `check_room`.
    """
    order, cause = change.order, BY_OPERATOR if operator else BY_MERCHANT
    why = why_held(reason, operator=operator)
    check_retried(change)
    check_room(change)
    if order.stage is Stage.HELD:
        if order.held.get("cause") == cause:
            return False
        cure = "Stop its attempts if it must not go on by itself."
        raise Problem(
            "wrong_state",
            Sentence("It is on hold already: {0}", whys.sentence_of(order.held.get("why", ""))),
            cure=cure,
        )
    if order.attempt_in_flight() is not None:
        raise Problem(
            "conflict", "An attempt is just being made; it cannot be called back.", cure=IN_A_MOMENT
        )
    change.step("held", why=why, cause=cause)
    change.undue("admit")
    change.undue("retry")
    if order.expires_at is not None:
        change.due("expire", order.expires_at)
    return True


def release_by_hand(change: Change, *, operator: bool) -> bool:
    """Releases an order: it goes on with what was planned; what is overdue is sent at once, through
    the same gate. False when it is being worked on already.

    Raises: Problem wrong_state, forbidden.
    """
    order = change.order
    if order.stage is Stage.PROCESSING:
        return False
    if order.stage is not Stage.HELD:
        check_open(change)
        raise Problem(
            "wrong_state",
            Sentence("An order that is {0} is not on hold.", order.stage.value),
            cure="Read the order: its state shows what is possible.",
        )
    check_release(order.held, operator=operator, killed=order.merchant.killed)
    go_on(change, whys.RELEASED)
    return True


def retry_now(change: Change, policy: Policy) -> bool:
    """The next attempt is due at once; with none planned, what the policy plans anew is. The card's
    gate is passed when it is sent, as ever. False when one is due or out already.

    Raises: Problem wrong_state; nothing is written where the policy plans nothing.
    """
    order = change.order
    check_open(change)
    check_retried(change)
    if order.is_refused:
        return _send_again(change, policy)
    if order.stage is not Stage.PROCESSING:
        cure = (
            "Release it first."
            if order.stage is Stage.HELD
            else "Read the order: its state shows what is possible."
        )
        raise Problem(
            "wrong_state",
            Sentence("An order that is {0} is not tried now.", order.stage.value),
            cure=cure,
        )
    if order.do_not_retry:
        raise Problem("wrong_state", "Its attempts are stopped.", cure="Let them go on first.")
    if order.attempt_in_flight() is not None:
        return False
    if order.planned() is None:
        plan_anew(change)
    planned = order.planned()
    if planned is None and last_reading(order).reason == UNCLEAR:  # a person has read its words
        planned = next_attempt(order, "soft", change.now + LATER, order.owed_units, order.initiator)
    if planned is None:
        raise Problem(
            "wrong_state",
            "Nothing more may be tried: the order says why.",
            cure="Ask the customer for another card, or let the order expire.",
        )
    if planned.due_at <= change.now:
        return False
    _, decision_id = ask_by_hand(change, "attempt_now", gate_answer(change, policy, planned))
    change.fact(
        "planned",
        decision_id=decision_id,
        verdict="by_hand",
        next=change.now,
        why=whys.BROUGHT_FORWARD,
    )
    plan_attempt(
        change, change.now, planned.ladder, decision_id, when_due="merchant", units=planned.units
    )
    return True


def _send_again(change: Change, policy: Policy) -> bool:
    """Repeats what the processor refused as invalid, once a person has fixed the cause."""
    order = change.order
    if order.do_not_retry:
        raise Problem("wrong_state", "Its attempts are stopped.", cure="Let them go on first.")
    last = next(attempt for attempt in reversed(order.attempts) if attempt.route)
    change.step("mended", why=whys.SENT_AGAIN)
    _, decision_id = ask_by_hand(change, "attempt_now", gate_answer(change, policy, last))
    change.fact(
        "planned", decision_id=decision_id, verdict="by_hand", next=change.now, why=whys.SENT_AGAIN
    )
    plan_attempt(
        change, change.now, last.ladder, decision_id, when_due="merchant", units=last.units
    )
    return True


def deal_with(change: Change, seen: str = "") -> bool:
    """Settles what only people can. `seen`: the state on their page; else they mean something else
    than what stands there now. False when nothing needs somebody.

    Raises: Problem(wrong_state) for what ends by itself, and while a capture is out.
    """
    why = change.order.attention
    if why is None:
        return False
    if seen and seen != why:
        raise Problem(
            "wrong_state",
            "Something else needs somebody now.",
            cure="Look at the order again, then decide.",
        )
    if not is_by_people(why):
        raise Problem(
            "wrong_state",
            "It goes away by itself once it is settled.",
            cure="Do what its page says helps.",
        )
    refuse_while_capturing(change)
    change.fact("dealt_with", why=why)
    change.clear_attention(why)
    return True
