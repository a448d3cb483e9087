"""Decisions by people on money that does not get back to the customer by itself: again, by hand, or
not at all."""

from typing import Any
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.request import refuse_refund, renew
from recoup.orders.rules import ledger
from recoup.orders.rules.snapshot import Modification
from recoup.refunds.moves.send import clear_delay
from recoup.terms.rules.settlement import check_second

BY_HAND = "by_hand"


def try_again(change: Change, modification_id: UUID, actor: str) -> str:
    """Stuck: sent anew under another id, for the processor has said no to the first for good. Still
    under way: asked for again at once, under its own. Who said that it was paid by hand takes that
    back so; nobody else may send it.

    Raises: Problem not_found, wrong_state.
    """
    modification = _found(change, modification_id)
    if modification.state == "stuck" and modification.hand_actor not in (None, actor):
        message: str = Sentence(
            "Somebody says that it was paid by hand: {0}. Sent again it would be paid twice.",
            modification.hand_note,
        )
        raise Problem(
            "wrong_state", message, cure="Ask them: if it was not, they press Try again themselves."
        )
    if modification.state == "stuck":
        renew(
            change, modification, state="owed", tries=0, unsent=0, hand_note=None, hand_actor=None
        )
        change.fact(f"{modification.kind}_retried", modification_id, units=modification.units)
        clear_delay(change, modification)
    elif modification.state not in ("owed", "sent"):
        raise _over(modification)
    elif modification.state == "owed" and change.order.collecting() is not None:
        message = "The customer's charge is out: its answer decides what becomes of this refund."
        raise Problem("wrong_state", message, cure="Wait for it; nothing has to be done.")
    change.due("modification", change.wall, subject_id=modification_id, wall=True)
    return modification.state


def propose_by_hand(
    change: Change, modification_id: UUID, actor: str, note: str, *, forgotten: bool
) -> str:
    """First of two people: it was paid another way, or the hold has ended. `forgotten`: the
    processor may no longer know it, so that nothing is sent again and no answer comes. Raises:
    Problem not_found, wrong_state, invalid."""
    modification = _payable_by_hand(change, modification_id, forgotten)
    if not note:
        raise invalid(
            "Say how it was paid: which transfer, and when.", "note", "Write it beside the button."
        )
    change.set_modification(modification, hand_note=note, hand_actor=actor)
    if (
        modification.kind != "void"
    ):  # the note about a hold is in its one line of the log, with the second person
        change.fact(
            f"{modification.kind}_by_hand_proposed",
            modification_id,
            words=note,
            units=modification.units,
        )
    return modification.state


def confirm_by_hand(change: Change, modification_id: UUID, actor: str, *, forgotten: bool) -> str:
    """Second of two people. Raises: Problem not_found, wrong_state, forbidden."""
    modification = _payable_by_hand(change, modification_id, forgotten)
    if modification.hand_actor is None:
        raise Problem(
            "wrong_state",
            "Nobody has said how it was paid.",
            cure="Say it first; another person confirms.",
        )
    check_second(modification.hand_actor, actor, "A refund that is paid by hand")
    change.undue("modification", subject_id=modification_id)
    change.set_modification(modification, state="done", processor_code=BY_HAND)
    details: dict[str, Any] = {
        "words": modification.hand_note or "",
        "units": modification.units,
        BY_HAND: True,
    }
    if modification.kind == "refund":
        change.fact(
            "refund_done",
            modification_id,
            booked=Booked(modification_id, [ledger.refund_by_hand(modification.units)]),
            **details,
        )
        change.paid_once()
    elif modification.kind == "void":
        change.fact("voided", modification_id, proposed_by=modification.hand_actor, **details)
    else:
        change.fact(
            "reversed",
            modification_id,
            booked=Booked(modification_id, [ledger.reversal_by_hand(modification.units)]),
            **details,
        )
    clear_delay(change, modification)
    return modification.state


def refuse(change: Change, modification_id: UUID, note: str, *, forgotten: bool) -> str:
    """The operator: it is not paid, and not owed any more. Raises: Problem not_found, wrong_state,
    invalid."""
    modification = _found(change, modification_id)
    if modification.kind != "refund":
        message = Sentence(
            "A {0} cannot be refused: the order has ended, the money is not the merchant's.",
            modification.kind,
        )
        raise Problem("wrong_state", message, cure="Try it again, or pay it by hand.")
    if not _decidable(modification, forgotten):
        raise _over(modification)
    if not note:
        raise invalid("Say why it is refused.", "note", "Write it beside the button.")
    refuse_refund(change, modification, words=note)
    clear_delay(change, modification)
    return modification.state


def _found(change: Change, modification_id: UUID) -> Modification:
    modification = next(
        (r for r in change.order.modifications if r.modification_id == modification_id), None
    )
    if modification is None or modification.kind == "capture":
        raise Problem("not_found", "There is no such refund.", cure="Look it up in the list.")
    return modification


def _payable_by_hand(change: Change, modification_id: UUID, forgotten: bool) -> Modification:
    modification = _found(change, modification_id)
    if modification.kind == "void" and not (modification.state == "sent" and forgotten):
        raise Problem(
            "wrong_state",
            "A hold is let go, not paid.",
            cure="Try it again; it ends by itself at the bank.",
        )
    if not _decidable(modification, forgotten):
        raise _over(modification)
    return modification


def _decidable(modification: Modification, forgotten: bool) -> bool:
    """True when nothing more is sent by itself: people decide by the processor's own page."""
    return modification.state == "stuck" or modification.state == "sent" and forgotten


def _over(modification: Modification) -> Problem:
    if modification.state in ("owed", "sent"):
        return Problem(
            "wrong_state",
            "The processor may still pay it: it is not known to be refused.",
            cure="Wait until it is done or stuck.",
        )
    return Problem(
        "wrong_state",
        Sentence("This refund is {0} already.", modification.state),
        cure="Load the page again.",
    )
