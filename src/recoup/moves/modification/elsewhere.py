"""What was done with a charge at its processor without us: booked, shown as made there, and told. What does not fit the
order is for people; nothing is guessed."""

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

from recoup.moves.change import Change
from recoup.moves.modification.capture import end_capturing, void_authorisation
from recoup.moves.modification.failed import capture_failed, failed_since, finish, give_back, room
from recoup.moves.modification.request import request_modification
from recoup.rules.order.answers import Movement
from recoup.rules.order.attention import ANSWER_DIFFERS, HOLD_EXPIRED
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Modification

Adopted = Literal["awaited", "differs", "kept", "known"]  # in the order in which they count
_BACK: Final = frozenset({"refund", "reversal"})
_KINDS: Final = {"void": frozenset({"void"}), "capture": frozenset({"capture"})}


def adopt(change: Change, attempt_id: UUID, found: Movement) -> Adopted:
    """What became of it, any number of times and in any order. `awaited`: something else has to be known first, so it
    is asked about again. Of an approved attempt."""
    order, kinds = change.order, _KINDS.get(found.kind, _BACK)
    alike = [one for one in order.modifications if one.attempt_id == attempt_id and one.kind in kinds]
    of_all = found.kind == "capture" and found.reference == order.attempt(attempt_id).reference
    for one in alike:
        by_key = found.key is not None and found.key in (one.key, one.wire_key)
        if by_key or one.reference == found.reference and not of_all:
            if found.kind != "refund_failed":
                return "known"
            if one.state not in ("owed", "sent"):
                return "kept" if failed_since(change, one) else "known"
    if found.kind == "refund_failed" or any(one.state == "sent" and one.reference is None for one in alike):
        return "awaited"  # the refund, or the answer to what may be the same
    if found.currency != order.asset or found.units < 0:
        return _differs(change, attempt_id, found)
    match found.kind:
        case "refund":
            return _refunded(change, attempt_id, found, alike)
        case "void":
            return _voided(change, attempt_id, found)
        case "capture":
            return _captured(change, attempt_id, found, of_all=of_all)
    return "kept" if capture_failed(change, attempt_id, found) else "known"


def _refunded(change: Change, attempt_id: UUID, found: Movement, alike: Sequence[Modification]) -> Adopted:
    """One of ours that the processor did not take, or that there is no room for any more, is what was done there."""
    left = room(change, attempt_id)
    for one in alike:
        unsent = one.state == "stuck" or one.state == "owed" and not one.tries and found.units > left
        if one.units == found.units and unsent:
            finish(change, one, found)
            return "kept"
    if not 0 < found.units <= left:
        return _differs(change, attempt_id, found)
    give_back(change, attempt_id, found.units, found)
    return "kept"


def _voided(change: Change, attempt_id: UUID, found: Movement) -> Adopted:
    order, payment = change.order, change.order.paid_by()
    if order.stage is Stage.AUTHORISED and payment is not None and payment.attempt_id == attempt_id:
        if order.capturing() is not None:
            return "awaited"
        if order.captured_units:
            end_capturing(change)
        else:
            change.step("cancelled", elsewhere=True)
            void_authorisation(change, change.actor)
        change.clear_attention(HOLD_EXPIRED)
    for one in order.modifications:
        if one.kind == "void" and one.state in ("owed", "sent", "stuck"):
            finish(change, one, found)
            return "kept"
    left = 0 if order.manual_capture else room(change, attempt_id)
    if left:  # a sale that had not settled
        give_back(change, attempt_id, left, found)
    return "kept" if left else "known"


def _captured(change: Change, attempt_id: UUID, found: Movement, *, of_all: bool) -> Adopted:
    """`of_all`: under the charge's own reference, its units are all that was captured so far."""
    order = change.order
    if order.stage is Stage.COMPLETED:
        change.identify(attempt_id, (found.reference, *found.ids))
        return "known"
    if order.capturing() is not None:
        return "awaited"
    units = found.units - (order.captured_units if of_all else 0)
    if units == 0:
        return "known"
    if not 0 < units <= order.held_units:
        return _differs(change, attempt_id, found)
    final = found.final or units == order.held_units
    capture = request_modification(change, "capture", attempt_id, units, actor=change.actor, final_part=final)
    change.set_modification(capture, key=None)
    change.fact("capture_asked", capture.modification_id, units=units, elsewhere=True)
    finish(change, capture, found)
    return "kept"


def _differs(change: Change, attempt_id: UUID, found: Movement) -> Adopted:
    """Once, until people have dealt with it."""
    if change.order.attention != ANSWER_DIFFERS:
        change.raise_attention(ANSWER_DIFFERS)
        change.fact("warned", attempt_id, why=ANSWER_DIFFERS, units=found.units, reference=found.reference)
    return "differs"
