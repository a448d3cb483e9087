"""What a refund and the reversal of a late approval change about an order."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.moves.advance import collection
from recoup.moves.change import Booked, Change
from recoup.moves.modification import capture as captures
from recoup.moves.modification.disputed import cancel_for_dispute
from recoup.moves.modification.request import request_modification
from recoup.moves.pace import SEND_WITHIN, WORRY_AFTER_TRIES, pause_after
from recoup.rules.money import ledger
from recoup.rules.network.card_text import without_card
from recoup.rules.order.attention import delayed, stuck
from recoup.rules.order.snapshot import Attempt, Modification


def owe_refund(
    change: Change,
    units: int,
    *,
    message: str,
    items: list[dict[str, Any]],
    input_mac: bytes,
    actor: str,
    refund_id: UUID | None = None,
    approved_by: str | None = None,
) -> Modification:
    """Once committed, the money is owed and the order's face shows it. The caller checked the remainder.

    Raises: Problem(wrong_state) for more than the wallet of a stablecoin order holds.
    """
    order, fee = change.order, _returned_fee(change, units)
    if order.payable_place == ledger.WALLET:
        assert change.wallet is not None
        change.wallet.refund(units - fee, order.sent_text)
    payment = order.paid_by() or order.attempt_in_flight()  # one that is out decides what becomes of it
    refund = request_modification(
        change,
        "refund",
        payment.attempt_id if payment else None,
        units,
        text=message,
        items=items,
        input_mac="\\x" + input_mac.hex(),
        actor=actor,
        refund_id=refund_id,
        approved_by=approved_by,
    )
    order.refunded_units += units
    details: dict[str, Any] = {"fee_returned": fee} if fee else {}
    details |= {"asked_by": actor} if approved_by else {}
    postings = [ledger.refund_owed(units, order.payable_place)]
    if fee:
        postings.append(ledger.fee_returned(fee, order.payable_place))
    change.fact(
        "refund_owed",
        refund.refund_id,
        refund_id=refund.refund_id,
        units=units,
        number=refund.refund_no,
        items=items,
        remaining=order.refundable_units,
        booked=Booked(refund.refund_id, postings),
        **details,
    )
    collection.settle_refund(change, refund)
    return refund


def check_wallet(change: Change, units: int) -> None:
    """That a refund which is only asked for could be paid now. Raises: Problem(wrong_state)."""
    if change.order.payable_place == ledger.WALLET:
        assert change.wallet is not None
        change.wallet.check(units - _returned_fee(change, units), change.order.sent_text)


def _returned_fee(change: Change, units: int) -> int:
    order = change.order
    return order.returned_fee(order.refunded_units + units) - order.returned_fee(order.refunded_units)


def clear_delay(change: Change, refund: Modification) -> None:
    """It needs nobody's attention any more."""
    change.clear_attention(stuck(refund.kind), delayed(refund.kind))


def reverse_late_approval(change: Change, attempt: Attempt) -> None:
    """Somebody was told that the order is over, then the processor says approved: the money goes back, or what is only
    held is let go."""
    order = change.order
    if order.manual_capture:
        change.fact("attempt_approved", attempt.attempt_id, number=attempt.attempt_no, code=attempt.scheme_code)
        captures.void_authorisation(change)
        return
    refund = request_modification(
        change, "reversal", attempt.attempt_id, attempt.units, text="approved after the order had ended"
    )
    change.fact(
        "approved_late",
        attempt.attempt_id,
        number=attempt.attempt_no,
        units=attempt.units,
        booked=Booked(attempt.attempt_id, [ledger.late_approval(attempt.units, attempt.route or "")]),
    )
    change.due("refund", change.wall, subject_id=refund.refund_id, wall=True)


def open_refund(
    change: Change, refund_id: UUID, timeout: timedelta, settled_after: timedelta, *, forgotten: bool
) -> Modification | None:
    """Transaction A: the refund may be sent now, under its own id, or under another where the processor would not keep
    that one for long enough (`forgotten`) and cannot know it. None when nothing is left to send."""
    refund = change.order.refund(refund_id)
    if refund.state not in ("owed", "sent"):
        change.undue("refund", subject_id=refund_id)
        return None
    send_before = change.wall + SEND_WITHIN
    first = refund.state == "owed"
    if forgotten and refund.never_left:
        change.set_refund(refund, send_id=new_id())
    change.set_refund(refund, state="sent", tries=refund.tries + 1, send_before=send_before)
    if first and refund.kind == "refund":
        change.fact("refund_sent", refund_id, units=refund.units)
    change.due("refund", send_before + timeout + settled_after, subject_id=refund_id, wall=True)
    return refund


def close_refund(
    change: Change, refund_id: UUID, wire_id: UUID, state: str, *, reference: str | None, code: str | None
) -> str:
    """Transaction B. `state` as the processor said of `wire_id`: approved, declined, unknown, not_sent, unprocessed.

    Unprocessed is final for that id, of which a processor repeats its first response: the next try has another.
    """
    refund = change.order.refund(refund_id)
    if refund.state != "sent" or refund.wire_id != wire_id:
        return refund.state
    reference, code = (without_card(text, change.order.card) for text in (reference, code))
    if state == "approved":
        _done(change, refund, reference, code)
    elif state == "declined":
        _not_done(change, refund, state, code)
    else:
        if state == "unprocessed":
            change.set_refund(refund, send_id=new_id(), unsent=refund.tries)
        elif state == "not_sent" and refund.unsent == refund.tries - 1:
            change.set_refund(refund, unsent=refund.tries)
        change.due("refund", change.wall + pause_after(refund.tries), subject_id=refund_id, wall=True)
        if refund.tries == WORRY_AFTER_TRIES:
            change.raise_attention(delayed(refund.kind))
            change.fact(f"{refund.kind}_delayed", refund_id, units=refund.units)
    return refund.state


def _done(change: Change, refund: Modification, reference: str | None, code: str | None) -> None:
    change.undue("refund", subject_id=refund.refund_id)
    change.set_refund(refund, state="done", reference=reference, processor_code=code)
    clear_delay(change, refund)
    route = _route(change, refund)
    details: dict[str, Any] = {"units": refund.units, "reference": reference, "code": code}
    match refund.kind:
        case "refund":
            booked = Booked(refund.refund_id, [ledger.refund_done(refund.units, route)])
            change.fact("refund_done", refund.refund_id, booked=booked, **details)
            change.paid_once()
        case "reversal":
            booked = Booked(refund.refund_id, [ledger.reversed_(refund.units, route)])
            change.fact("reversed", refund.refund_id, booked=booked, **details)
        case "void":
            change.fact("voided", refund.refund_id, **details)
        case "capture":
            captures.captured(change, refund)


def _not_done(change: Change, refund: Modification, state: str, code: str | None) -> None:
    """A refusal of the processor. A capture may be asked for again; all else goes to the desk: the money stays owed."""
    change.undue("refund", subject_id=refund.refund_id)
    if refund.kind == "capture":
        change.set_refund(refund, state="refused", processor_code=code)
        clear_delay(change, refund)
        captures.refused(change, refund, code)
        return
    if cancel_for_dispute(change, refund):
        return
    change.set_refund(refund, state="stuck", processor_code=code)
    change.raise_attention(stuck(refund.kind))
    change.fact(f"{refund.kind}_stuck", refund.refund_id, units=refund.units, code=code, why=state)


def _route(change: Change, refund: Modification) -> str:
    payment = next((a for a in change.order.attempts if a.attempt_id == refund.attempt_id), None)
    return (payment.route if payment else None) or ""
