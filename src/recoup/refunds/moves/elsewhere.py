"""Changes made to a charge at its processor without us: booked, shown as made there, and reported.
What does not fit the order is for people; nothing is guessed. Money that had moved and came back is
a fact and a case, never a stage that goes back."""

from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import UUID

from recoup.disputes.moves.disputed import cancel_for_dispute, charge_left
from recoup.notifications.moves import alert
from recoup.orders.moves.change import Booked, Change, has_room
from recoup.orders.moves.request import request_modification
from recoup.orders.rules import ledger
from recoup.orders.rules.attention import ANSWER_DIFFERS
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Modification
from recoup.processors.rules.answers import Movement
from recoup.refunds.moves.refund import owed
from recoup.refunds.moves.send import REFUND_FAILED, done, raise_differing
from recoup.rescue.moves.capture import end_capturing, void_authorisation

CAPTURE_FAILED: Final = "capture_failed"
HOLD_EXPIRED: Final = "hold_expired"
_BY_HAND = "by_hand"


def failed_since(change: Change, modification: Modification) -> bool:
    """A refund or reversal that the processor had made is owed to its customer again, as another
    that waits for a person; what was refunded counts on. What a dispute of the charge gave back is
    not owed again. False where it changes nothing: it was not done, or not by the processor."""
    if modification.state != "done" or modification.processor_code == _BY_HAND:
        return False
    match modification.kind:
        case "refund" | "reversal":
            _owe_again(change, modification)
        case "capture":
            assert modification.attempt_id is not None
            reference = modification.reference or str(modification.wire_key)
            gone = Movement("capture_failed", reference, modification.units, modification.asset)
            return capture_failed(change, modification.attempt_id, gone)
        case _:
            raise_differing(change, modification)
    return True


def _owe_again(change: Change, failed: Modification) -> None:
    order, kind, units = change.order, failed.kind, failed.units
    route = order.attempt(failed.attempt_id).route or ""
    change.set_modification(failed, state="failed")
    again = request_modification(
        change, kind, failed.attempt_id, units, text=failed.message, items=failed.items
    )
    change.set_modification(again, state="stuck")
    change.raise_attention(REFUND_FAILED)
    recipe = ledger.refund_failed if kind == "refund" else ledger.reversal_failed
    event = {
        "refund_id": failed.modification_id,
        "instead_id": again.modification_id,
        "units": units,
    }
    change.fact(
        f"{kind}_failed",
        failed.modification_id,
        event=event,
        units=units,
        reference=failed.reference,
        code=failed.processor_code,
        booked=Booked(failed.modification_id, [recipe(units, route)]),
    )
    change.fact(
        f"{kind}_due_again", again.modification_id, units=units, instead_of=failed.modification_id
    )
    if cancel_for_dispute(change, again):
        change.clear_attention(REFUND_FAILED)


def capture_failed(change: Change, attempt_id: UUID, movement: Movement) -> bool:
    """Money that counts as taken was not: the merchant has it no more, and people look at it. A
    part of a hold that is still open is for them alone. False where it is known."""
    if any(
        modification.reference == movement.reference and modification.kind == "refund"
        for modification in change.order.modifications
    ):
        return False
    left = room(change, attempt_id)
    units = min(movement.units or left, left)
    if not units:
        warn(change, attempt_id, CAPTURE_FAILED, units=movement.units, reference=movement.reference)
    else:
        change.raise_attention(CAPTURE_FAILED)
        refund = give_back(
            change, attempt_id, units, movement, "The capture failed at the processor."
        )
        change.fact(
            "capture_failed", refund.modification_id, units=units, reference=movement.reference
        )
    return True


def room(change: Change, attempt_id: UUID) -> int:
    """Units that can still go back of a charge that the order was paid by."""
    paid = change.order.stage is Stage.COMPLETED
    return min(change.order.refundable_units, charge_left(change.order, attempt_id)) if paid else 0


def give_back(
    change: Change,
    attempt_id: UUID,
    units: int,
    movement: Movement,
    text: str = "Made at the processor.",
) -> Modification:
    """The refund that was made there."""
    refund = request_modification(
        change, "refund", attempt_id, units, text=text, actor=change.actor
    )
    change.set_modification(refund, key=None)  # nothing went out under it
    owed(change, refund, elsewhere=True)
    finish(change, refund, movement)
    return refund


def finish(change: Change, modification: Modification, movement: Movement) -> None:
    """Finishes a modification that was done there, and notifies people."""
    order, before, was = change.order, change.order.attention, modification.state
    done(change, modification, movement.reference, None, keeps_rest=False)
    if was == "owed" and before in (ANSWER_DIFFERS, REFUND_FAILED):
        change.raise_attention(before)  # of something else
    change.identify(modification.modification_id, movement.ids)
    facts: dict[str, Any] = {
        "kind": movement.kind,
        "units": modification.units,
        "asset": modification.asset,
    }
    facts |= {"order_id": str(order.order_id), "external_id": order.external_id}
    alert(
        change.rows,
        order.merchant_id,
        "elsewhere",
        modification.modification_id,
        0,
        facts,
        change.wall,
    )


Adopted = Literal["awaited", "differs", "kept", "known"]  # in the order in which they count
_BACK: Final = frozenset({"refund", "reversal"})
_KINDS: Final = {"void": frozenset({"void"}), "capture": frozenset({"capture"})}


def adopt(change: Change, attempt_id: UUID, movement: Movement) -> Adopted:
    """Adopts a movement found at the processor, any number of times and in any order. `awaited`:
    something else has to be known first, so it is inquired about again. Of an approved attempt."""
    order, kinds = change.order, _KINDS.get(movement.kind, _BACK)
    alike = [
        modification
        for modification in order.modifications
        if modification.attempt_id == attempt_id and modification.kind in kinds
    ]
    of_all = (
        movement.kind == "capture" and movement.reference == order.attempt(attempt_id).reference
    )
    for ours in alike:
        by_key = movement.key is not None and movement.key in (ours.key, ours.wire_key)
        if by_key or ours.reference == movement.reference and not of_all:
            if movement.kind != "refund_failed":
                return "known"
            if ours.state not in ("owed", "sent"):
                return "kept" if failed_since(change, ours) else "known"
    if movement.kind == "refund_failed" or any(
        modification.state == "sent" and modification.reference is None for modification in alike
    ):
        return "awaited"  # the refund, or the answer to what may be the same
    if movement.currency != order.asset or movement.units < 0 or not has_room(change):
        return _differs(change, attempt_id, movement)
    match movement.kind:
        case "refund":
            return _refunded(change, attempt_id, movement, alike)
        case "void":
            return _voided(change, attempt_id, movement)
        case "capture":
            return _captured(change, attempt_id, movement, of_all=of_all)
    return "kept" if capture_failed(change, attempt_id, movement) else "known"


def _refunded(
    change: Change, attempt_id: UUID, movement: Movement, alike: Sequence[Modification]
) -> Adopted:
    """Adopts a refund. One of ours that the processor did not take, or that there is no room for
    any more, is what was done there."""
    left = room(change, attempt_id)
    for modification in alike:
        unsent = (
            modification.state == "stuck"
            or modification.state == "owed"
            and not modification.tries
            and movement.units > left
        )
        if modification.units == movement.units and unsent:
            finish(change, modification, movement)
            return "kept"
    if not 0 < movement.units <= left:
        return _differs(change, attempt_id, movement)
    give_back(change, attempt_id, movement.units, movement)
    return "kept"


def _voided(change: Change, attempt_id: UUID, movement: Movement) -> Adopted:
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
    for modification in order.modifications:
        if modification.kind == "void" and modification.state in ("owed", "sent", "stuck"):
            finish(change, modification, movement)
            return "kept"
    all_taken = not order.manual_capture or order.captured_units == order.attempt(attempt_id).units
    left = room(change, attempt_id) if all_taken else 0
    if left:  # what had not settled
        give_back(change, attempt_id, left, movement)
    return "kept" if left else "known"


def _captured(change: Change, attempt_id: UUID, movement: Movement, *, of_all: bool) -> Adopted:
    """Adopts a capture. `of_all`: under the charge's own reference, its units are all that was
    captured so far."""
    order = change.order
    if order.stage is Stage.COMPLETED or of_all and not order.manual_capture:
        change.identify(attempt_id, (movement.reference, *movement.ids))
        return "known"
    if order.capturing() is not None:
        return "awaited"
    units = movement.units - (order.captured_units if of_all else 0)
    if units == 0:
        return "known"
    if not 0 < units <= order.held_units:
        return _differs(change, attempt_id, movement)
    final = movement.final or units == order.held_units
    capture = request_modification(
        change, "capture", attempt_id, units, actor=change.actor, final_part=final
    )
    change.set_modification(capture, key=None)
    change.fact("capture_asked", capture.modification_id, units=units, elsewhere=True)
    finish(change, capture, movement)
    return "kept"


def _differs(change: Change, attempt_id: UUID, movement: Movement) -> Adopted:
    warn(change, attempt_id, ANSWER_DIFFERS, units=movement.units, reference=movement.reference)
    return "differs"


def warn(change: Change, attempt_id: UUID, why: str, **body: Any) -> None:
    """People shall look at what was done with an attempt's charge, once for as long as that
    stands."""
    if change.raise_attention(why):
        change.fact("warned", attempt_id, why=why, **body)
