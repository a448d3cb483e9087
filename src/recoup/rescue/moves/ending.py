"""The ways an order ends or waits that no processor's answer causes."""

from collections.abc import Callable
from typing import Final

from recoup.kernel.feature import Place
from recoup.kernel.problem import STAGE, Problem, Sentence
from recoup.networks import whys
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage, can
from recoup.orders.rules.snapshot import Order
from recoup.rescue.moves.capture import (
    refuse_after_a_part,
    refuse_while_capturing,
    void_authorisation,
)
from recoup.rescue.moves.charges import end_without_rest

# Of an order whose money cannot go back by a refund: what its merchant does instead.
WAY_BACK: Final = Place[Callable[[Order], str | None]]("way_back")


def expire_if_due(change: Change, *, before: Callable[[], None] | None = None) -> bool:
    """Ends an order whose time is up, unless a call is still out: then expiry waits for its
    answer."""
    order = change.order
    if order.expires_at is None or change.now < order.expires_at:
        return False
    if before is not None:
        before()
    if order.attempt_in_flight() is None and can(order.stage, "expired"):
        end_without_rest(change, "expired")
    return True


def expire(change: Change) -> None:
    """Due work `expire`. With a call still out the work stays and is taken up again soon."""
    order = change.order
    if order.expires_at is not None and change.now < order.expires_at:
        change.due("expire", order.expires_at)
    elif order.attempt_in_flight() is not None:
        return
    elif can(order.stage, "expired"):
        end_without_rest(change, "expired")
    else:
        change.undue("expire")


def release(change: Change) -> None:
    """Due work `release`: the card may be sent again, or the operator lets go."""
    order = change.order
    change.undue("release")
    if order.stage is not Stage.HELD:
        return
    go_on(change, whys.WAIT_OVER)


def go_on(change: Change, why: str) -> None:
    """Takes an order from Onhold back to work: to what was planned, or to its first look."""
    order = change.order
    change.step("released", why=why)
    attempt = order.planned()
    if attempt is not None:
        change.due("retry", attempt.due_at)
    elif not order.attempts:
        change.due("admit", change.now)


def cancel(change: Change, happening: str = "cancelled") -> bool:
    """Cancels an order, by the merchant unless `happening` says otherwise. True when it ends now;
    False when the merchant cancelled it before.

    Raises: Problem(wrong_state). An attempt in flight is reversed if it turns out approved.
    """
    order = change.order
    if order.stage is Stage.CANCELLED and order.reason == "merchant_cancelled":
        return False
    refuse_while_capturing(change)
    refuse_after_a_part(change)
    if order.stage is Stage.PROBLEM and not order.is_refused:
        raise Problem(
            "wrong_state",
            Sentence("An order that is {0} cannot be cancelled.", STAGE),
            cure="The processor has not said yet whether it was charged. Cancel it once that is "
            "known.",
            stage=order.stage.value,
        )
    if order.stage is Stage.COMPLETED:
        raise Problem(
            "wrong_state",
            Sentence("An order that is {0} cannot be cancelled.", STAGE),
            cure=_way_back(order),
            stage=order.stage.value,
        )
    end_without_rest(change, happening, may_keep=False)
    void_authorisation(change)
    return True


def _way_back(order: Order) -> str:
    """The cure for a merchant who wants to call off an order that is paid."""
    if order.refunded_units >= order.units:
        return "All of it has been given back already."
    if order.disputed_units and not order.refundable_units:
        return "What was not refunded is disputed: the cardholder's bank has taken it back."
    instead = (way(order) for way in WAY_BACK)
    return next((words for words in instead if words), "It is paid: refund it instead.")
