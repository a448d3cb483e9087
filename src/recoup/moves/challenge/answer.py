"""The customer's answer to a challenge."""

from typing import Final

from recoup.kernel.problem import Problem
from recoup.moves.attempt.plan import ask_by_hand, drop_plan, plan_attempt
from recoup.moves.challenge.lifecycle import log_details, refused
from recoup.moves.change import Change
from recoup.moves.order.amendment import NewCard, swap_card
from recoup.rules.order import whys
from recoup.rules.order.lifecycle import Stage
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


def decline_by_customer(change: Change) -> None:
    """They said no, or their bank did not let them pass."""
    challenge = change.order.challenge()
    if challenge is None or challenge.state != "presented" or change.order.stage not in _ANSWERABLE:
        return
    refused(change, whys.NOT_CONFIRMED)
    if change.order.by_customer:
        change.step("challenge_failed", why=whys.NOT_CONFIRMED)
