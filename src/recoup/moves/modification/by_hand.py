"""What people decide about money that does not get back to the customer by itself: again, by hand, or not at all."""

from typing import Any
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.moves.change import Booked, Change
from recoup.moves.modification.refund import clear_delay
from recoup.moves.modification.request import refuse_refund
from recoup.rules.money import ledger
from recoup.rules.money.settlement import check_second
from recoup.rules.order.snapshot import Modification

BY_HAND = "by_hand"


def try_again(change: Change, refund_id: UUID, actor: str) -> str:
    """Stuck: sent anew under another id, for the processor has said no to the first for good. Still under way: asked
    for again at once, under its own. Who said that it was paid by hand takes that back so; nobody else may send it.

    Raises: Problem not_found, wrong_state.
    """
    refund = _found(change, refund_id)
    if refund.state == "stuck" and refund.hand_actor not in (None, actor):
        message = f"Somebody says that it was paid by hand: {refund.hand_note}. Sent again it would be paid twice."
        raise Problem("wrong_state", message, cure="Ask them: if it was not, they press Try again themselves.")
    if refund.state == "stuck":
        change.set_refund(refund, state="owed", tries=0, unsent=0, send_id=new_id(), hand_note=None, hand_actor=None)
        change.fact(f"{refund.kind}_retried", refund_id, units=refund.units)
        clear_delay(change, refund)
    elif refund.state not in ("owed", "sent"):
        raise _over(refund)
    elif refund.state == "owed" and change.order.collecting() is not None:
        message = "The customer's charge is out: its answer decides what becomes of this refund."
        raise Problem("wrong_state", message, cure="Wait for it; nothing has to be done.")
    change.due("refund", change.wall, subject_id=refund_id, wall=True)
    return refund.state


def propose_by_hand(change: Change, refund_id: UUID, actor: str, note: str, *, forgotten: bool) -> str:
    """First of two people: it was paid another way, or the hold has ended. `forgotten`: the processor may no longer
    know it, so that nothing is sent again and no answer comes. Raises: Problem not_found, wrong_state, invalid."""
    refund = _payable_by_hand(change, refund_id, forgotten)
    if not note:
        raise Problem(
            "invalid",
            "Say how it was paid: which transfer, and when.",
            field="note",
            cure="Write it beside the button.",
        )
    change.set_refund(refund, hand_note=note, hand_actor=actor)
    if refund.kind != "void":  # what was said of a hold is in its one line of the log, with who confirmed it
        change.fact(f"{refund.kind}_by_hand_proposed", refund_id, words=note, units=refund.units)
    return refund.state


def confirm_by_hand(change: Change, refund_id: UUID, actor: str, *, forgotten: bool) -> str:
    """Second of two people. Raises: Problem not_found, wrong_state, forbidden."""
    refund = _payable_by_hand(change, refund_id, forgotten)
    if refund.hand_actor is None:
        raise Problem("wrong_state", "Nobody has said how it was paid.", cure="Say it first; another person confirms.")
    check_second(refund.hand_actor, actor, "A refund that is paid by hand")
    change.undue("refund", subject_id=refund_id)
    change.set_refund(refund, state="done", processor_code=BY_HAND)
    details: dict[str, Any] = {"words": refund.hand_note or "", "units": refund.units, BY_HAND: True}
    if refund.kind == "refund":
        change.fact(
            "refund_done", refund_id, booked=Booked(refund_id, [ledger.refund_by_hand(refund.units)]), **details
        )
        change.paid_once()
    elif refund.kind == "void":
        change.fact("voided", refund_id, proposed_by=refund.hand_actor, **details)
    else:
        change.fact("reversed", refund_id, booked=Booked(refund_id, [ledger.reversal_by_hand(refund.units)]), **details)
    clear_delay(change, refund)
    return refund.state


def refuse(change: Change, refund_id: UUID, note: str, *, forgotten: bool) -> str:
    """The operator: it is not paid, and not owed any more. Raises: Problem not_found, wrong_state, invalid."""
    refund = _found(change, refund_id)
    if refund.kind != "refund":
        message = f"A {refund.kind} cannot be refused: the order has ended, the money is not the merchant's."
        raise Problem("wrong_state", message, cure="Try it again, or pay it by hand.")
    if not _decidable(refund, forgotten):
        raise _over(refund)
    if not note:
        raise Problem("invalid", "Say why it is refused.", field="note", cure="Write it beside the button.")
    refuse_refund(change, refund, words=note)
    clear_delay(change, refund)
    return refund.state


def _found(change: Change, refund_id: UUID) -> Modification:
    refund = next((r for r in change.order.refunds if r.refund_id == refund_id), None)
    if refund is None or refund.kind == "capture":
        raise Problem("not_found", "There is no such refund.", cure="Look it up in the list.")
    return refund


def _payable_by_hand(change: Change, refund_id: UUID, forgotten: bool) -> Modification:
    refund = _found(change, refund_id)
    if refund.kind == "void" and not (refund.state == "sent" and forgotten):
        raise Problem("wrong_state", "A hold is let go, not paid.", cure="Try it again; it ends by itself at the bank.")
    if not _decidable(refund, forgotten):
        raise _over(refund)
    return refund


def _decidable(refund: Modification, forgotten: bool) -> bool:
    """Nothing more is sent by itself: whoever decides has looked at the processor's own page."""
    return refund.state == "stuck" or refund.state == "sent" and forgotten


def _over(refund: Modification) -> Problem:
    if refund.state in ("owed", "sent"):
        return Problem(
            "wrong_state",
            "The processor may still pay it: it is not known to be refused.",
            cure="Wait until it is done or stuck.",
        )
    return Problem("wrong_state", f"This refund is {refund.state} already.", cure="Load the page again.")
