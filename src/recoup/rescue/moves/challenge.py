"""Challenges: on the checkout a challenge is the order's next step, for a managed MIT it is only
offered."""

from typing import Any
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.networks import whys
from recoup.networks.challenge import PURPOSE, TRIES_MAX, WINDOW
from recoup.networks.codes import Reading
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Attempt, Challenge, Order
from recoup.rescue.rules.order_evidence import page_asks


def present(
    change: Change,
    reading: Reading,
    decision_id: UUID,
    reasons: list[str],
    *,
    asks: str | None = None,
) -> None:
    """The customer waits at the checkout: the order stands still until the page is answered, or its
    time ends. `asks`: where it is not what the decline wants."""
    challenge = _challenge(change, asks or page_asks(change.order, reading) or "card")
    change.undue("unresolved")
    change.undue("retry")
    change.order.next_attempt_at = None
    change.step("challenged", decision_id=decision_id, reasons=reasons, **log_details(challenge))
    change.due("challenge", challenge.expires_at)


def may_offer(order: Order) -> bool:
    """True when an MIT's payer may be given a link, or may use theirs once more."""
    tries = sum(c.tries for c in order.challenges)
    is_open = order.stage is Stage.PROCESSING and not order.by_customer and not order.do_not_retry
    return is_open and tries < TRIES_MAX and order.challenge() is None


def offer(change: Change, asks: str | None) -> None:
    """A link for an MIT that waiting cannot cure; the order goes on as it would."""
    if asks is None or not may_offer(change.order):
        return
    challenge = _challenge(change, asks)
    change.fact("challenge_offered", challenge.challenge_id, **log_details(challenge))


def passed(change: Change) -> None:
    """The bank approved what the customer gave."""
    challenge = change.order.challenge()
    if challenge is not None and challenge.state == "tried":
        change.set_challenge(challenge, state="passed")
        change.fact("challenge_passed", challenge.challenge_id, **log_details(challenge))


def refused(change: Change, why: str) -> None:
    """The try brought nothing, or nobody came: said once, before the order's own step."""
    challenge = change.order.challenge()
    if challenge is not None:
        change.set_challenge(challenge, state="failed")
        change.fact("challenge_refused", challenge.challenge_id, why=why, **log_details(challenge))


def time_out(change: Change) -> None:
    """Due work `challenge`."""
    order = change.order
    challenge = order.challenge()
    change.undue("challenge")
    if order.stage is not Stage.CHALLENGED or challenge is None:
        return
    if challenge.expires_at > change.now:
        change.due("challenge", challenge.expires_at)
        return
    refused(change, whys.NO_CUSTOMER_ANSWER)
    change.step("challenge_timed_out")


def is_abandoned(change: Change, attempt: Attempt) -> bool:
    """True when the order ends with an attempt whose customer was sent to their bank and did not
    confirm in time, as at the checkout it does with its challenge's time."""
    order, challenge = change.order, change.order.challenge()
    if attempt.ladder != PURPOSE or not order.by_customer or order.stage is not Stage.PROCESSING:
        return False
    return challenge is not None and challenge.expires_at <= change.now


def abandon(change: Change) -> None:
    refused(change, whys.NO_CUSTOMER_ANSWER)
    change.step("challenge_timed_out")


def _challenge(change: Change, asks: str) -> Challenge:
    """The open one, which now asks for this; or a new one."""
    order = change.order
    challenge = order.challenge()
    if challenge is None:
        until = (
            change.now + WINDOW
            if order.by_customer or order.expires_at is None
            else order.expires_at
        )
        challenge = Challenge(
            new_id(), order.order_id, len(order.challenges) + 1, "presented", asks, until
        )
    change.set_challenge(challenge, state="presented", asks=asks)
    return challenge


def log_details(challenge: Challenge) -> dict[str, Any]:
    return {
        "challenge_id": challenge.challenge_id,
        "asks": challenge.asks,
        "expires_at": challenge.expires_at,
        "number": challenge.tries,
    }
