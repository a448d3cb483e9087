"""Money that had moved and came back: a fact and a case, never a stage that goes back."""

from typing import Any
from uuid import UUID

from recoup.moves.change import Booked, Change
from recoup.moves.message.alert import alert
from recoup.moves.modification.disputed import cancel_for_dispute, charge_left
from recoup.moves.modification.refund import owed
from recoup.moves.modification.request import request_modification
from recoup.moves.modification.send import done, raise_differing
from recoup.rules.money import ledger
from recoup.rules.order.answers import Movement
from recoup.rules.order.attention import ANSWER_DIFFERS, CAPTURE_FAILED, REFUND_FAILED
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Modification

_BY_HAND = "by_hand"


def failed_since(change: Change, modification: Modification) -> bool:
    """A refund or reversal that the processor had made is owed to its customer again, as another that waits for a
    person; what was refunded counts on. What a dispute of the charge gave back is not owed again. False where it
    changes nothing: it was not done, or not by the processor."""
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
    again = request_modification(change, kind, failed.attempt_id, units, text=failed.message, items=failed.items)
    change.set_modification(again, state="stuck")
    change.raise_attention(REFUND_FAILED)
    recipe = ledger.refund_failed if kind == "refund" else ledger.reversal_failed
    event = {"refund_id": failed.modification_id, "instead_id": again.modification_id, "units": units}
    change.fact(
        f"{kind}_failed",
        failed.modification_id,
        event=event,
        units=units,
        reference=failed.reference,
        code=failed.processor_code,
        booked=Booked(failed.modification_id, [recipe(units, route)]),
    )
    change.fact(f"{kind}_due_again", again.modification_id, units=units, instead_of=failed.modification_id)
    if cancel_for_dispute(change, again):
        change.clear_attention(REFUND_FAILED)


def capture_failed(change: Change, attempt_id: UUID, found: Movement) -> bool:
    """Money that counts as taken was not: the merchant has it no more, and people look at it. A part of a hold that is
    still open is for them alone. False where it is known."""
    if any(one.reference == found.reference and one.kind == "refund" for one in change.order.modifications):
        return False
    left = room(change, attempt_id)
    units = min(found.units or left, left)
    change.raise_attention(CAPTURE_FAILED)
    if units:
        refund = give_back(change, attempt_id, units, found, "The capture failed at the processor.")
        change.fact("capture_failed", refund.modification_id, units=units, reference=found.reference)
    return True


def room(change: Change, attempt_id: UUID) -> int:
    """What can go back of a charge that the order was paid by."""
    paid = change.order.stage is Stage.COMPLETED
    return min(change.order.refundable_units, charge_left(change.order, attempt_id)) if paid else 0


def give_back(
    change: Change, attempt_id: UUID, units: int, found: Movement, text: str = "Made at the processor."
) -> Modification:
    """The refund that was made there."""
    refund = request_modification(change, "refund", attempt_id, units, text=text, actor=change.actor)
    change.set_modification(refund, key=None)  # nothing went out under it
    owed(change, refund, elsewhere=True)
    finish(change, refund, found)
    return refund


def finish(change: Change, one: Modification, found: Movement) -> None:
    """It was done there, and people are notified."""
    order, before, was = change.order, change.order.attention, one.state
    done(change, one, found.reference, None, keeps_rest=False)
    if was == "owed" and before in (ANSWER_DIFFERS, REFUND_FAILED):
        change.raise_attention(before)  # of something else
    change.identify(one.modification_id, found.ids)
    facts: dict[str, Any] = {"kind": found.kind, "units": one.units, "asset": one.asset}
    facts |= {"order_id": str(order.order_id), "external_id": order.external_id}
    alert(change.rows, order.merchant_id, "elsewhere", one.modification_id, 0, facts, change.wall)
