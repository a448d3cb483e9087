"""An amount that is held: captured in full inside its window, or let go."""

from datetime import datetime, timedelta

from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.moves.attempt.plan import INLINE_GRACE
from recoup.moves.change import Booked, Change
from recoup.moves.dispute.case import schedule_test_dispute
from recoup.moves.modification.request import request_modification
from recoup.rules.money.fees import fee_units
from recoup.rules.money.ledger import collected
from recoup.rules.order.attention import PAID_TWICE
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.means import by_means
from recoup.rules.order.snapshot import Attempt, Modification
from recoup.store.table import hex_of

ASK_AGAIN = timedelta(minutes=1)


def authorise(change: Change, attempt: Attempt) -> None:
    """The issuer holds the amount: the merchant has until the end of its window."""
    order = change.order
    until = _until(change, change.now)
    change.nothing_due()
    change.step("authorised", units=order.units, attempt=attempt.attempt_no, capture_before=until)
    change.due("capture_window", until)


def ask_capture(change: Change, actor: str, input_mac: bytes) -> Modification:
    """The capture as an intent; the same one for the same `input_mac`. While it is out, nothing else ends the order.

    Raises: Problem(wrong_state) when nothing is held, or a capture is out already.
    """
    order = change.order
    mac = hex_of(input_mac)
    same = next((r for r in order.modifications if r.kind == "capture" and r.input_mac == mac), None)
    if same is not None:
        return same
    if order.stage is not Stage.AUTHORISED:
        cure = "It is captured already." if order.stage is Stage.COMPLETED else "Only an authorised order is captured."
        raise Problem("wrong_state", Sentence("An order that is {0} cannot be captured.", order.stage.value), cure=cure)
    refuse_while_capturing(change)
    payment = order.paid_by()
    if payment is None or payment.closed_at is None or change.now >= _until(change, payment.closed_at):
        raise Problem("wrong_state", "The time to capture it is over.", cure="The hold is let go; nothing was charged.")
    capture = request_modification(change, "capture", payment.attempt_id, payment.units, input_mac=mac, actor=actor)
    change.fact("capture_asked", capture.modification_id, units=capture.units)
    change.due("modification", change.wall + INLINE_GRACE, subject_id=capture.modification_id, wall=True)
    return capture


def _until(change: Change, held_from: datetime) -> datetime:
    return held_from + timedelta(minutes=change.order.merchant.capture_window_minutes)


def refused(change: Change, capture: Modification, code: str | None) -> None:
    """The processor did not take it: it may be requested again, unless the merchant was paid otherwise meanwhile."""
    change.fact("capture_refused", capture.modification_id, units=capture.units, code=code, why="declined")
    if change.order.attention == PAID_TWICE:
        change.clear_attention(PAID_TWICE)
        change.step("paid_elsewhere")
        void_authorisation(change)


def refuse_while_capturing(change: Change) -> None:
    """Raises: Problem(wrong_state)."""
    if change.order.capturing() is not None:
        cure = "Wait for its answer; GET the order."
        raise Problem("wrong_state", "A capture of this order is under way.", cure=cure)


def captured(change: Change, capture: Modification) -> None:
    """The processor has taken the money."""
    order = change.order
    payment = order.attempt(capture.attempt_id)
    fee = fee_units(order.units, order.tariff)
    change.step(
        "captured",
        units=order.units,
        route=payment.route,
        attempt=payment.attempt_no,
        fee=fee,
        reference=capture.reference,
        code=capture.processor_code,
        booked=Booked(payment.attempt_id, collected(order.units, payment.route or "", fee)),
        **order.tariff.log_details(),
        **by_means(order, payment),
    )
    schedule_test_dispute(change, payment)


def void_authorisation(change: Change, actor: str = "worker:clock", input_mac: str = "\\x") -> Modification | None:
    """The hold is to be voided. The order has just ended."""
    payment = change.order.paid_by()
    if payment is None:
        return None
    void = request_modification(change, "void", payment.attempt_id, payment.units, input_mac=input_mac, actor=actor)
    change.fact("void_owed", void.modification_id, units=void.units)
    change.due("modification", change.wall, subject_id=void.modification_id, wall=True)
    return void


def refund_hold(change: Change, actor: str, input_mac: bytes) -> Modification:
    """A refund of the whole of what is only held: the order is cancelled, the hold let go. Raises: Problem(wrong_state)
    while a capture is out."""
    refuse_while_capturing(change)
    change.step("cancelled")
    void = void_authorisation(change, actor, hex_of(input_mac))
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
    change.step("capture_window_ended")
    void_authorisation(change)
