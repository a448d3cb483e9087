"""A dispute beside the refunds and reversals of the same charge: the customer gets each unit
once."""

from typing import Final
from uuid import UUID

from recoup.networks import whys
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.request import refuse_refund, request_modification
from recoup.orders.rules.attention import delayed, stuck
from recoup.orders.rules.ledger import Recipe
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Modification, Order

REFUND_NOT_SENT: Final = "refund_not_sent"
# A late approval that was to go back went back by a dispute: nothing is owed, and nothing was lost.
reversal_netted: Final = Recipe(
    "reversal_netted", "reversal_due", "dispute_loss", words="went back by a dispute"
)
# The dispute was won; the customer is still owed what was never theirs to pay.
reversal_owed_again: Final = Recipe(
    "reversal_owed_again", "dispute_loss", "reversal_due", words="to go back to the customer"
)
_COUNTS = frozenset({"owed", "sent", "done", "stuck"})


def cancel_refunds_for_dispute(change: Change, attempt_id: UUID) -> None:
    """Called when a dispute has taken its money: what was not sent yet, and is more than the charge
    has left, is not sent any more. What is out is left to its answer."""
    order = change.order
    for refund in reversed(order.modifications):
        if refund.attempt_id == attempt_id and (
            refund.state == "stuck" or refund.state == "owed" and not refund.tries
        ):
            cancel_for_dispute(change, refund)


def cancel_for_dispute(change: Change, modification: Modification) -> bool:
    """A refund or reversal that the processor will not make any more, where the charge has nothing
    left for it. False when there is room."""
    order = change.order
    assert modification.attempt_id is not None
    over = beyond(order, modification.attempt_id)
    if over <= 0 or modification.kind not in ("refund", "reversal"):
        return False
    change.undue("modification", subject_id=modification.modification_id)
    if order.stage is Stage.COMPLETED:
        _refuse(change, modification)
    else:
        _net(change, modification, min(over, modification.units))
    return True


def beyond(order: Order, attempt_id: UUID) -> int:
    """The amount of a charge that went back in both ways, and is to go, beyond the charge
    itself."""
    taken = _taken(order, attempt_id)
    return gone_back(order, attempt_id) + taken - order.charged_units(attempt_id) if taken else 0


def charge_left(order: Order, attempt_id: UUID) -> int:
    """The amount of a charge that neither a refund, nor a reversal, nor a dispute has taken."""
    return (
        order.charged_units(attempt_id) - gone_back(order, attempt_id) - _taken(order, attempt_id)
    )


def gone_back(order: Order, attempt_id: UUID) -> int:
    """The amount of a charge that refunds and reversals gave back, or may have, or will."""
    return sum(
        r.units
        for r in order.modifications
        if r.kind in ("refund", "reversal") and r.attempt_id == attempt_id and r.state in _COUNTS
    )


def _taken(order: Order, attempt_id: UUID) -> int:
    return sum(d.units for d in order.disputes if d.attempt_id == attempt_id and d.takes_money)


def _refuse(change: Change, refund: Modification) -> None:
    """Should the dispute be won, the merchant may give it back anew."""
    change.set_modification(refund, hand_note=None, hand_actor=None)
    refuse_refund(change, refund, why=whys.TAKEN_BY_DISPUTE)
    change.raise_attention(REFUND_NOT_SENT)


def _net(change: Change, reversal: Modification, units: int) -> None:
    """The dispute did what the reversal of a late approval was for; what is left of it is owed
    anew."""
    change.set_modification(reversal, state="netted", hand_note=None, hand_actor=None)
    change.clear_attention(stuck("reversal"), delayed("reversal"))
    change.fact(
        "reversal_netted",
        reversal.modification_id,
        units=reversal.units,
        why=whys.TAKEN_BY_DISPUTE,
        booked=Booked(reversal.modification_id, [reversal_netted(reversal.units)]),
    )
    if units < reversal.units:
        _owe(change, reversal, reversal.units - units)


def owe_reversal_again(change: Change, attempt_id: UUID, units: int) -> None:
    """A dispute of a late approval was won: the money is here again, and still the customer's; but
    no more than the charge has left beside what went back already."""
    order = change.order
    netted = [
        r
        for r in order.modifications
        if r.kind == "reversal" and r.attempt_id == attempt_id and r.state == "netted"
    ]
    units = min(units, charge_left(order, attempt_id))
    if netted and units > 0 and order.stage is not Stage.COMPLETED:
        _owe(change, netted[-1], units)


def _owe(change: Change, like: Modification, units: int) -> None:
    assert like.attempt_id is not None
    anew = request_modification(change, "reversal", like.attempt_id, units, text=like.message)
    change.fact(
        "reversal_owed_again",
        anew.modification_id,
        units=units,
        booked=Booked(anew.modification_id, [reversal_owed_again(units)]),
    )
    change.due("modification", change.wall, subject_id=anew.modification_id, wall=True)
