"""Money that pays no order: too late, too little or too much. Its channel gives it back, the merchant keeps it, or
settles it by hand."""

from collections.abc import Iterable
from typing import Any, Final

from recoup.kernel.problem import Problem
from recoup.moves.change import Booked, Change
from recoup.moves.modification.request import request_modification
from recoup.rules.money.ledger import by_hand, kept
from recoup.rules.order.attention import PAID_LATE, UNAPPLIED, delayed, stuck
from recoup.rules.order.snapshot import Attempt, Modification, Order
from recoup.rules.stable.channels import CHANNELS

GIVEN_BACK = "Paid after the order's end: given back."
BY_HAND = "by_hand"  # in the place of a processor's code
APPLIED: Final = "applied"  # the same of money that paid its order after all
PAID_AFTER_ALL: Final = "The rest came: it paid the order."


def give_back(change: Change) -> list[Modification]:
    """The intent: what came late is owed to its payer from here on, and sent under the new row's id. What a channel
    refused for good is tried again. Empty when nothing is left to give back.

    Raises: Problem(wrong_state) when nothing came late, or a direct channel took it.
    """
    order, made = change.order, []
    for attempt in _late(order):
        before = _reversal(order, attempt)
        if before is not None and before.state != "stuck":
            continue
        _check_custodial(attempt)
        if before is not None:
            change.set_modification(before, state="refused")
            change.fact("reversal_refused", before.modification_id, units=before.units)
        refund = request_modification(
            change, "reversal", attempt.attempt_id, attempt.units, text=GIVEN_BACK, actor=change.actor
        )
        change.fact("reversal_owed", refund.modification_id, attempt_id=attempt.attempt_id, units=refund.units)
        change.due("modification", change.wall, subject_id=refund.modification_id, wall=True)
        made.append(refund)
    if made:
        change.clear_attention(PAID_LATE, UNAPPLIED, stuck("reversal"), delayed("reversal"))
    return made


def settle_by_hand(change: Change, note: str) -> list[Modification]:
    """The merchant says that it gave the money of a direct channel back, or delivered: the desk and the book are clear.

    Raises: Problem(wrong_state) when nothing came late, or the channel itself can give it back.
    """
    rows = _undecided(change.order)
    if any(gives_back(attempt) for attempt in rows):
        cure = "Give it back here; its channel sends it."
        raise Problem("wrong_state", "The money is here, with its channel.", cure=cure)
    return _close(change, rows, note)


def keep(change: Change, note: str) -> list[Modification]:
    """The merchant keeps the money of a custodial channel, and delivers for it: from here on it is the merchant's.

    Raises: Problem(wrong_state) when nothing came late, or the money is in the merchant's own wallet already.
    """
    rows = _undecided(change.order)
    if not all(gives_back(attempt) for attempt in rows):
        cure = "Mark it as settled by hand."
        raise Problem("wrong_state", "This channel pays straight to your own wallet.", cure=cure)
    return _close(change, rows, note, is_kept=True)


def apply(change: Change, rows: Iterable[Attempt]) -> None:
    """What was owed back pays its order after all, as the rest came in time."""
    _close(change, rows, PAID_AFTER_ALL)
    for attempt in rows:
        change.set_attempt(attempt, processor_code=APPLIED)


def is_decided(order: Order, attempt: Attempt) -> bool:
    """Whether somebody has said what becomes of it."""
    return _reversal(order, attempt) is not None


def _undecided(order: Order) -> list[Attempt]:
    return [attempt for attempt in _late(order) if not is_decided(order, attempt)]


def _close(change: Change, rows: Iterable[Attempt], note: str, *, is_kept: bool = False) -> list[Modification]:
    made = []
    for attempt in rows:
        refund = request_modification(
            change, "reversal", attempt.attempt_id, attempt.units, text=note, actor=change.actor
        )
        change.set_modification(refund, state="done", processor_code=BY_HAND)
        posting = kept(refund.units) if is_kept else by_hand(refund.units, attempt.route or "")
        change.fact(
            "settled_by_hand",
            refund.modification_id,
            attempt_id=attempt.attempt_id,
            units=refund.units,
            booked=Booked(refund.modification_id, [posting]),
            by_hand=not is_kept,
        )
        made.append(refund)
    if made:
        change.clear_attention(PAID_LATE, UNAPPLIED)
    return made


def gives_back(attempt: Any) -> bool:
    """Whether the channel that took it can send it back."""
    return attempt.route in CHANNELS and CHANNELS[attempt.route].supports_refund


def _late(order: Order) -> list[Attempt]:
    """Payments of a payer that came, but paid nothing. Raises: Problem(wrong_state) when there is none."""
    found = [
        a
        for a in order.attempts
        if a.initiator == "payer"
        and a.reference is not None
        and a.state not in ("approved", "declined")
        and a.asset == order.asset
    ]
    if not found:
        raise Problem("wrong_state", "No payment came after this order's end.", cure="Nothing is to be given back.")
    return found


def _reversal(order: Order, attempt: Attempt) -> Modification | None:
    rows = (r for r in order.modifications if r.kind == "reversal" and r.attempt_id == attempt.attempt_id)
    return next((r for r in rows if r.state != "refused"), None)


def _check_custodial(attempt: Attempt) -> None:
    if not gives_back(attempt):
        cure = "Send it back from your own wallet, then mark it as settled by hand."
        raise Problem("wrong_state", "This channel pays straight to your own wallet.", cure=cure)
