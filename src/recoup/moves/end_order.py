"""The ways an order ends or waits that no processor's answer causes."""

from collections.abc import Callable

from recoup.kernel.problem import Problem
from recoup.moves.captures import refuse_while_capturing, void_authorisation
from recoup.moves.change import Change
from recoup.moves.order_room import has_room
from recoup.moves.refunds import owe_refund
from recoup.rules.order.attention import PAID_TOO, PAID_TWICE
from recoup.rules.order.lifecycle import Stage, can
from recoup.rules.stable.refunds import way_back

PAID_TO_MERCHANT = "paid to the merchant directly"


def expire_if_due(change: Change, *, before: Callable[[], None] | None = None) -> bool:
    """Ends an order whose time is up, unless a call is still out: then expiry waits for its answer."""
    order = change.order
    if order.expires_at is None or change.now < order.expires_at:
        return False
    if before is not None:
        before()
    if order.attempt_in_flight() is None and can(order.stage, "expired"):
        change.step("expired")
    return True


def expire(change: Change) -> None:
    """Due work `expire`. With a call still out the work stays and is taken up again soon."""
    order = change.order
    if order.expires_at is not None and change.now < order.expires_at:
        change.due("expire", order.expires_at)
    elif order.attempt_in_flight() is not None:
        return
    elif can(order.stage, "expired"):
        change.step("expired")
    else:
        change.undue("expire")


def release(change: Change) -> None:
    """Due work `release`: the card may be sent again, or the operator lets go."""
    order = change.order
    change.undue("release")
    if order.stage is not Stage.HELD:
        return
    go_on(change, "The wait is over.")


def go_on(change: Change, why: str) -> None:
    """From Onhold back to work: to what was planned, or to its first look."""
    order = change.order
    change.step("released", why=why)
    attempt = order.planned()
    if attempt is not None:
        change.due("retry", attempt.due_at)
    elif not order.attempts:
        change.due("admit", change.now)


def cancel(change: Change) -> bool:
    """By the merchant. True when it ends now; False when the merchant cancelled it before.

    Raises: Problem(wrong_state). A call that is still out is told to reverse whatever it brings.
    """
    order = change.order
    if order.stage is Stage.CANCELLED and order.reason == "merchant_cancelled":
        return False
    refuse_while_capturing(change)
    if order.stage is Stage.COMPLETED:
        raise Problem(
            "wrong_state",
            "An order that is completed cannot be cancelled.",
            cure=way_back(order),
            stage=order.stage.value,
        )
    change.step("cancelled")
    void_authorisation(change)
    return True


def paid_elsewhere(change: Change, transmit_id: str) -> None:
    """The merchant's own success ends the rescue; an order that is approved already is flagged instead. One that was
    advanced and not charged is taken back: its customer, who has paid the merchant, is not charged as well, and what
    nobody could collect is no loss of the operator's."""
    order = change.order
    if order.advance is not None and order.advance.state != "charged":
        if order.refundable_units:
            change.fact("paid_twice", transmit_id=transmit_id, taken_back=True)
            owe_refund(
                change,
                order.refundable_units,
                message=PAID_TO_MERCHANT,
                items=[],
                input_mac=b"",
                actor="worker:transmit",
            )
        return
    if can(order.stage, "paid_elsewhere") and order.capturing() is None:
        change.step("paid_elsewhere", transmit_id=transmit_id)
        void_authorisation(change)
    elif order.stage in (Stage.COMPLETED, Stage.AUTHORISED) and order.attention != PAID_TWICE and order.left_units:
        change.raise_attention(PAID_TWICE)
        if has_room(change):
            change.fact("paid_twice", transmit_id=transmit_id)


def not_paid_elsewhere(change: Change, transmit_id: str, *, same_order: bool) -> None:
    """The merchant's success was none after all. A rescue that it ended does not begin again."""
    why = PAID_TWICE if same_order else PAID_TOO
    if change.order.attention == why:
        change.clear_attention(why)
        if has_room(change):
            change.fact("merchant_attempt", transmit_id=transmit_id, declined=True, corrected=True)
