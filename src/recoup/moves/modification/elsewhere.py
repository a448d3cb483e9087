"""What was done with a charge at its processor without us: booked, shown as made there, and told. What does not fit the
order is for people; nothing is guessed."""

from typing import Any, Final, Literal
from uuid import UUID

from recoup.moves.change import Change
from recoup.moves.modification.capture import end_capturing, void_authorisation
from recoup.moves.modification.failed import capture_failed, failed_since, finish, give_back, room
from recoup.moves.modification.request import request_modification
from recoup.rules.order.answers import Movement
from recoup.rules.order.attention import ANSWER_DIFFERS, HOLD_EXPIRED
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Modification

Adopted = Literal["known", "kept", "failed", "differs", "early"]
_BACK: Final = frozenset({"refund", "reversal"})
_UNDER_WAY: Final = frozenset({"owed", "sent", "stuck"})


def adopt(change: Change, attempt_id: UUID, found: Movement) -> Adopted:
    """What it was. `early`: something else has to be known first, so it is asked about again. Any number of times, in
    any order. Of an approved attempt."""
    order = change.order
    ours = [one for one in order.modifications if one.attempt_id == attempt_id]
    of_all = found.kind == "capture" and found.reference == order.attempt(attempt_id).reference
    same = next((one for one in ours if not of_all and _is(one, found)), None)
    if found.kind == "refund_failed":
        if same is None or same.state in ("owed", "sent"):
            return "early"
        return "failed" if failed_since(change, same) else "known"
    if same is not None:
        return "known"
    kinds = _BACK if found.kind == "refund" else {"void", "capture"}
    if any(one.kind in kinds and one.state == "sent" and one.reference is None for one in ours):
        return "early"  # it may be that one, whose answer says so
    if found.currency != order.asset or found.units < 0:
        return _differs(change, attempt_id, found)
    match found.kind:
        case "refund":
            return _refunded(change, attempt_id, found)
        case "void":
            return _voided(change, attempt_id, found)
        case "capture":
            return _captured(change, attempt_id, found, of_all=of_all)
        case _:
            return "failed" if capture_failed(change, attempt_id, found) else "known"


def _is(one: Modification, found: Movement) -> bool:
    if found.key is not None and found.key in (one.key, one.wire_key):
        return True
    kinds = {"void": ("void",), "capture": ("capture",)}.get(found.kind, _BACK)
    return one.reference == found.reference and one.kind in kinds


def _refunded(change: Change, attempt_id: UUID, found: Movement) -> Adopted:
    """One of ours that the processor did not take, or that there is no room for any more, is what was done there."""
    left = room(change, attempt_id)
    for one in change.order.modifications:
        unsent = one.state == "stuck" or one.state == "owed" and not one.tries and found.units > left
        if one.attempt_id == attempt_id and one.kind in _BACK and one.units == found.units and unsent:
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
            return "early"
        if order.captured_units:
            end_capturing(change)
        else:
            change.step("cancelled", elsewhere=True)
            void_authorisation(change, change.actor)
        change.clear_attention(HOLD_EXPIRED)
    open_ = (one for one in order.modifications if one.kind == "void" and one.state in _UNDER_WAY)
    if (void := next(open_, None)) is not None:
        finish(change, void, found)
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
        return "early"
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
        said: dict[str, Any] = {
            "kind": found.kind,
            "units": found.units,
            "currency": found.currency,
            "reference": found.reference,
        }
        change.fact("warned", attempt_id, why=ANSWER_DIFFERS, **said)
    return "differs"
