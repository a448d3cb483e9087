"""The customer's answer to a challenge."""

from datetime import timedelta
from typing import Final

from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.moves.attempt.plan import ask_by_hand, drop_plan, plan_attempt
from recoup.moves.challenge.lifecycle import log_details, refused
from recoup.moves.change import Change
from recoup.moves.order.amendment import NewCard, swap_card
from recoup.rules.order import whys
from recoup.rules.order.authentication import authentication
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Challenge
from recoup.rules.rescue.challenge import PURPOSE

_ANSWERABLE: Final = (Stage.CHALLENGED, Stage.PROCESSING)


def answer(change: Change, card: NewCard | None) -> None:
    """The customer has answered: the card, or the other one that they gave, is to be tried now, as theirs.

    Raises: Problem(wrong_state) without an open challenge; Problem(conflict) while a try is out.
    """
    order = change.order
    challenge = order.challenge()
    if order.attempt_in_flight() is not None or (challenge is not None and challenge.state == "tried"):
        raise Problem("conflict", "What was given is just being tried.", cure="Wait a moment.")
    lapsed = challenge is None or challenge.expires_at <= change.now or order.do_not_retry
    if challenge is None or lapsed or order.stage not in _ANSWERABLE:
        raise Problem("wrong_state", "No action by the customer is needed any more.", cure="The payment has ended.")
    change.set_challenge(challenge, state="tried", tries=challenge.tries + 1)
    _, decision_id = ask_by_hand(change, "customer_answer")
    drop_plan(change)
    if card is not None:
        swap_card(change, card)
    if order.by_customer:
        change.undue("challenge")
        change.step("challenge_answered", decision_id=decision_id, **log_details(challenge))
    else:
        change.fact("challenge_tried", challenge.challenge_id, decision_id=decision_id, **log_details(challenge))
    plan_attempt(change, change.now, PURPOSE, decision_id, initiator="customer")
    _at_hand(change, challenge, is_wanted=card is None and challenge.asks == "confirm")


def _at_hand(change: Change, challenge: Challenge, *, is_wanted: bool) -> None:
    """They can be sent to their bank from here. `is_wanted`: the bank wants it, of this card."""
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
    change.set_attempt(planned, authentication=known)


def decline_by_customer(change: Change) -> None:
    """They said no, or their bank did not let them pass."""
    challenge = change.order.challenge()
    if challenge is None or challenge.state != "presented" or change.order.stage not in _ANSWERABLE:
        return
    refused(change, whys.NOT_CONFIRMED)
    if change.order.by_customer:
        change.step("challenge_failed", why=whys.NOT_CONFIRMED)
