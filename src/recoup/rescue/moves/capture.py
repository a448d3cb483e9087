"""An amount that is held: captured inside its window, whole or in parts, and what is left of it
released."""

from datetime import datetime, timedelta
from typing import Any, Final

from recoup.db.table import hex_of
from recoup.kernel.money import Money
from recoup.kernel.problem import Problem, Sentence
from recoup.networks.lives import life_of
from recoup.notifications.moves import alert
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.request import request_modification
from recoup.orders.moves.sandbox_disputes import schedule_test_dispute
from recoup.orders.rules.attention import PAID_TWICE
from recoup.orders.rules.card_sends import initiator_of
from recoup.orders.rules.ledger import collected, fee
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.means import by_means
from recoup.orders.rules.snapshot import Attempt, Modification, Order
from recoup.processors.rules.checks import NONE
from recoup.rescue.moves.plan import INLINE_GRACE
from recoup.terms.rules.fees import fee_units

ASK_AGAIN = timedelta(minutes=1)
REFUSED_MAX: Final = 50  # of one order, which is loaded with all of them
WARNED_BEFORE: Final = timedelta(days=1)
_AUTHORISE_AGAIN: Final = (
    "The hold is let go, and nothing was charged: authorise again, by a new payment."
)
PARTS_MAX: Final = 50  # of one hold, the last of them final; what Stripe takes


def authorise(change: Change, attempt: Attempt) -> None:
    """The issuer holds the amount: the merchant has until the end of its window, or of the
    authorisation's life."""
    order = change.order
    until = _until(change, attempt, change.now)
    change.nothing_due()
    change.step("authorised", units=order.units, attempt=attempt.attempt_no, capture_before=until)
    change.due("capture_window", max(change.now, until - warned_before(until - change.now)))


def ask_capture(
    change: Change,
    input_mac: bytes,
    units: int | None = None,
    *,
    final: bool = True,
    named: str = "",
) -> Modification:
    """The capture as an intent; the same one for the same `input_mac`. While it is out, nothing
    else ends the order. `units`: a part of what is held; none: all of it. `final`: what is left
    then is released. `named`: by its caller's key.

    Raises: Problem(wrong_state) when nothing is held, a capture is out already, or too many were
    refused; Problem(capture_amount).
    """
    order = change.order
    mac = hex_of(input_mac)
    same = next(
        (r for r in order.modifications if r.kind == "capture" and r.input_mac == mac), None
    )
    if same is not None:
        return same
    refuse_unless_held(change)
    payment, left = order.paid_by(), order.held_units
    assert payment is not None
    units = left if units is None else units
    _refuse_after_many(order)
    _check_part(change, units, final=final or units == left)
    capture = request_modification(
        change,
        "capture",
        payment.attempt_id,
        units,
        input_mac=mac,
        final_part=final or units == left,
        named=named or None,
    )
    change.fact(
        "capture_asked", capture.modification_id, units=units, **_what_stays(change, capture)
    )
    change.due(
        "modification", change.wall + INLINE_GRACE, subject_id=capture.modification_id, wall=True
    )
    return capture


def refuse_unless_held(change: Change) -> None:
    """Raises: Problem(wrong_state) when nothing is held, or a capture is out, or it is too late."""
    order = change.order
    if order.stage is not Stage.AUTHORISED:
        cure = (
            "It is captured already."
            if order.stage is Stage.COMPLETED
            else "Only an authorised order is captured."
        )
        raise Problem(
            "wrong_state",
            Sentence("An order that is {0} cannot be captured.", order.stage.value),
            cure=cure,
        )
    refuse_while_capturing(change)
    payment = order.paid_by()
    if (
        payment is None
        or payment.closed_at is None
        or change.now >= _until(change, payment, payment.closed_at)
    ):
        raise Problem("wrong_state", "The time to capture it is over.", cure=_AUTHORISE_AGAIN)


def _refuse_after_many(order: Order) -> None:
    """Raises: Problem(wrong_state) where the processor has refused so many captures that no further
    one is sent."""
    refusals = sum(r.kind == "capture" and r.state == "refused" for r in order.modifications)
    if refusals < REFUSED_MAX:
        return
    message = Sentence(
        "The processor has refused {0} captures of this order, which is the most.", refusals
    )
    cure = (
        "Cancel the order: its hold is released. Or wait: it is released at the end of the "
        "capture window."
    )
    if order.captured_units:
        cure = "Release what is still held by a final capture of 0."
    raise Problem("wrong_state", message, cure=cure, stage=order.stage.value)


def _check_part(change: Change, units: int, *, final: bool) -> None:
    """Raises: Problem(capture_amount)."""
    order = change.order
    left = Money(order.held_units, order.asset)
    if not 0 < units <= left.units:
        message = Sentence(
            "{0} {1} are held: a capture takes that or less.", left.text(), order.asset
        )
        raise Problem(
            "capture_amount", message, field="Amount", cure="Send an amount that is held."
        )
    parts = sum(r.kind == "capture" and r.state == "done" for r in order.modifications)
    if not final and parts >= PARTS_MAX - 1:
        message = Sentence("The order was captured in {0} parts; the next one is the last.", parts)
        raise Problem(
            "capture_amount", message, field="finalCapture", cure="Send it as the final one."
        )


def _what_stays(change: Change, capture: Modification) -> dict[str, Any]:
    """Remainder that a partial capture leaves, for the log: held still, or released with it. Empty
    for a capture that takes all."""
    left = change.order.held_units - (capture.units if capture.state != "done" else 0)
    if not left and not change.order.captured_units:
        return {}
    return {"released": left} if capture.final_part else {"held": left}


def _until(change: Change, attempt: Attempt, held_from: datetime) -> datetime:
    order, said = change.order, (attempt.checks or NONE).hold_until
    scheme = order.card.scheme if order.card else "generic"
    life = life_of(scheme, initiator_of(attempt.initiator), order.merchant.region, held_from.date())
    until = held_from + min(life, timedelta(minutes=order.merchant.capture_window_minutes))
    return min(until, datetime.fromisoformat(said) + order.merchant.offset) if said else until


def warned_before(life: timedelta) -> timedelta:
    """Time before its end at which people are warned of a hold that was not captured."""
    return min(WARNED_BEFORE, life / 4)


def refused(change: Change, capture: Modification, code: str | None) -> None:
    """The processor did not take it: it may be requested again, unless the merchant was paid
    otherwise meanwhile."""
    change.fact(
        "capture_refused", capture.modification_id, units=capture.units, code=code, why="declined"
    )
    if change.order.attention == PAID_TWICE:
        if change.order.captured_units:  # what was captured is paid twice still
            end_capturing(change)
            return
        change.clear_attention(PAID_TWICE)
        change.step("paid_elsewhere")
        void_authorisation(change)


def refuse_while_capturing(change: Change) -> None:
    """Raises: Problem(wrong_state)."""
    if change.order.capturing() is not None:
        cure = "Wait for its answer; GET the order."
        raise Problem("wrong_state", "A capture of this order is under way.", cure=cure)


def refuse_after_a_part(change: Change) -> None:
    """Refuses to end an order of which a part was captured: that is charged. Raises:
    Problem(wrong_state)."""
    taken = change.order.captured_units
    if taken and change.order.stage is Stage.AUTHORISED:
        message = Sentence(
            "{0} {1} of it are captured.",
            Money(taken, change.order.asset).text(),
            change.order.asset,
        )
        cure = "Release what is still held by a final capture of 0, then refund what was captured."
        raise Problem("wrong_state", message, cure=cure, stage=change.order.stage.value)


def captured(change: Change, capture: Modification, *, keeps_rest: bool) -> None:
    """The processor has taken the money: of a part that is not the last one the rest is held still,
    and `keeps_rest` says that it is behind the last one too."""
    order = change.order
    payment, route = (
        order.attempt(capture.attempt_id),
        order.attempt(capture.attempt_id).route or "",
    )
    said: dict[str, Any] = {
        "route": route,
        "reference": capture.reference,
        "code": capture.processor_code,
    }
    if not capture.final_part:
        change.fact(
            "part_captured",
            capture.modification_id,
            units=capture.units,
            booked=Booked(capture.modification_id, collected(capture.units, route, 0)),
            **said,
            **_what_stays(change, capture),
        )
        if order.attention == PAID_TWICE:  # meanwhile: no more is taken
            end_capturing(change)
        return
    whole, left, stays = (
        capture.units == order.units,
        order.held_units,
        _what_stays(change, capture),
    )
    order.units = order.captured_units
    taken = fee_units(order.units, order.tariff)
    change.step(
        "captured",
        units=order.units,
        attempt=payment.attempt_no,
        fee=taken,
        booked=Booked(payment.attempt_id, collected(capture.units, route, taken)),
        **({} if whole else {"part": capture.units} | stays),
        **said,
        **order.tariff.log_details(),
        **by_means(order, payment),
    )
    schedule_test_dispute(change, payment)
    if left and keeps_rest:
        _void(change, payment, left)


def end_capturing(change: Change) -> None:
    """The order is worth what was captured in parts; what is still held of it is released. No
    capture is out."""
    order, payment, left = change.order, change.order.paid_by(), change.order.held_units
    assert payment is not None
    order.units = order.captured_units
    taken = fee_units(order.units, order.tariff)
    change.step(
        "capture_ended",
        units=order.units,
        route=payment.route,
        attempt=payment.attempt_no,
        fee=taken,
        released=left,
        booked=Booked(payment.attempt_id, [fee(taken)] if taken else []),
        **order.tariff.log_details(),
        **by_means(order, payment),
    )
    _void(change, payment, left)


def release_rest(change: Change) -> None:
    """A person or an API says that no further part follows. Raises: Problem(wrong_state)."""
    if change.order.stage is Stage.COMPLETED and change.order.captured_units:
        return
    refuse_unless_held(change)
    if not change.order.captured_units:
        cure = "Cancel the order: that lets the whole hold go."
        raise Problem("wrong_state", "Nothing of it is captured yet.", cure=cure)
    end_capturing(change)


def void_authorisation(change: Change, input_mac: str = "\\x") -> Modification | None:
    """The hold is to be voided. The order has just ended."""
    payment = change.order.paid_by()
    if payment is None or not change.order.manual_capture:
        return None
    return _void(change, payment, payment.units, input_mac)


def _void(change: Change, payment: Attempt, units: int, input_mac: str = "\\x") -> Modification:
    void = request_modification(change, "void", payment.attempt_id, units, input_mac=input_mac)
    change.fact("void_owed", void.modification_id, units=void.units)
    change.due("modification", change.wall, subject_id=void.modification_id, wall=True)
    return void


def refund_hold(change: Change, input_mac: bytes) -> Modification:
    """A refund of the whole of what is only held: the order is cancelled, the hold let go. Raises:
    Problem(wrong_state) while a capture is out, or after a part."""
    refuse_while_capturing(change)
    refuse_after_a_part(change)
    change.step("cancelled")
    void = void_authorisation(change, hex_of(input_mac))
    assert void is not None
    return void


def end_window(change: Change) -> None:
    """Due work `capture_window`. A capture that is out is waited for."""
    order = change.order
    change.undue("capture_window")
    if order.stage is not Stage.AUTHORISED:
        return
    if order.capturing() is not None:
        change.due("capture_window", change.wall + ASK_AGAIN, wall=True)
        return
    payment = order.paid_by()
    until = (
        _until(change, payment, payment.closed_at) if payment and payment.closed_at else change.now
    )
    if change.now < until:
        change.due("capture_window", until)
        facts = {
            "order_id": str(order.order_id),
            "external_id": order.external_id,
            "until": until.isoformat(),
        }
        alert(
            change.rows,
            order.merchant_id,
            "capture_due",
            order.order_id,
            order.version,
            facts,
            change.wall,
        )
        return
    if order.captured_units:
        end_capturing(change)
        return
    change.step("capture_window_ended")
    void_authorisation(change)
