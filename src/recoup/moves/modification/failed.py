"""Money that had moved and came back: a fact and a case, never a stage that goes back."""

from recoup.moves.change import Booked, Change
from recoup.moves.modification.disputed import cancel_for_dispute
from recoup.moves.modification.request import request_modification
from recoup.moves.modification.send import raise_differing
from recoup.rules.money import ledger
from recoup.rules.order.attention import ANSWER_DIFFERS, REFUND_FAILED
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Modification

_BY_HAND = "by_hand"


def failed_since(change: Change, modification: Modification) -> bool:
    """A refund or reversal that the processor had made is owed to its customer again, as another that waits for a
    person; what was refunded counts on. What a dispute of the charge gave back is not owed again. Of a capture people
    look at the processor's book. False where it changes nothing: it was not done, or not by the processor."""
    if modification.state != "done" or modification.processor_code == _BY_HAND:
        return False
    match modification.kind:
        case "refund" | "reversal":
            _owe_again(change, modification)
        case "capture":
            _not_captured(change, modification)
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


def _not_captured(change: Change, capture: Modification) -> None:
    """Once: nothing is booked, the comparison with the processor's statement shows what it is."""
    if change.order.attention == ANSWER_DIFFERS:
        return
    change.raise_attention(ANSWER_DIFFERS)
    if change.order.stage is Stage.COMPLETED:
        change.fact("capture_failed", capture.modification_id, units=capture.units, reference=capture.reference)
