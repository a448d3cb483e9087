"""A dispute beside the refunds and reversals of the same charge: the customer gets each unit once."""

from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.moves.change import Change
from recoup.rules.money import ledger
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Order, Refund

TAKEN_BY_DISPUTE = "The cardholder took it back by a dispute."
NOT_SENT = "A refund was not sent: the cardholder took the money back by a dispute first."
_COUNTS = frozenset({"owed", "sent", "done", "stuck"})


def make_room(change: Change, attempt_id: UUID) -> None:
    """Called when a dispute has taken its money: what was not sent yet, and is more than the charge has left, is not
    sent any more. What is out is left to its answer."""
    order = change.order
    for refund in reversed(order.refunds):
        if refund.attempt_id == attempt_id and (refund.state == "stuck" or refund.state == "owed" and not refund.tries):
            give_way(change, refund)


def give_way(change: Change, refund: Refund) -> bool:
    """A refund or reversal that the processor will not make any more, where the charge has nothing left for it. False
    when there is room."""
    order = change.order
    assert refund.attempt_id is not None
    over = _over(order, refund.attempt_id)
    if over <= 0 or refund.kind not in ("refund", "reversal"):
        return False
    change.undue("refund", subject_id=refund.refund_id)
    if order.stage is Stage.COMPLETED:
        _refuse(change, refund)
    else:
        _net(change, refund, min(over, refund.units))
    return True


def _over(order: Order, attempt_id: UUID) -> int:
    """What went back of a charge in both ways, and is to go, beyond the charge itself."""
    charge = next(a for a in order.attempts if a.attempt_id == attempt_id)
    back = sum(r.units for r in order.refunds
               if r.kind in ("refund", "reversal") and r.attempt_id == attempt_id and r.state in _COUNTS)  # fmt: skip
    taken = sum(d.units for d in order.disputes if d.attempt_id == attempt_id and d.takes_money)
    return back + taken - charge.units if taken else 0


def _refuse(change: Change, refund: Refund) -> None:
    """It is not owed any more; should the dispute be won, the merchant may give it back anew."""
    order = change.order
    change.set_refund(refund, state="refused")
    order.refunded_units -= refund.units
    order.attention = NOT_SENT
    change.fact("refund_refused", refund.refund_id, units=refund.units, why=TAKEN_BY_DISPUTE)
    change.post("refund", refund.refund_id, [ledger.refund_refused(refund.units, order.payable_place)])


def _net(change: Change, reversal: Refund, units: int) -> None:
    """The dispute did what the reversal of a late approval was for; what is left of it is owed anew."""
    change.set_refund(reversal, state="netted")
    change.order.attention = None
    change.fact("reversal_netted", reversal.refund_id, units=reversal.units, why=TAKEN_BY_DISPUTE)
    change.post("refund", reversal.refund_id, [ledger.reversal_netted(reversal.units)])
    if units < reversal.units:
        _owe(change, reversal, reversal.units - units)


def owe_reversal_again(change: Change, attempt_id: UUID, units: int) -> None:
    """A dispute of a late approval was won: the money is here again, and still the customer's."""
    order = change.order
    netted = [r for r in order.refunds
              if r.kind == "reversal" and r.attempt_id == attempt_id and r.state == "netted"]  # fmt: skip
    if netted and order.stage is not Stage.COMPLETED:
        _owe(change, netted[-1], units)


def _owe(change: Change, like: Refund, units: int) -> None:
    order = change.order
    anew = Refund(
        refund_id=new_id(), order_id=order.order_id, refund_no=len(order.refunds) + 1, kind="reversal",
        attempt_id=like.attempt_id, state="owed", units=units, asset=like.asset, message=like.message, items=[],
        input_mac="\\x", business_at=change.now, actor="worker:clock",
    )  # fmt: skip
    change.set_refund(anew)
    change.fact("reversal_owed_again", anew.refund_id, units=units)
    change.post("refund", anew.refund_id, [ledger.reversal_owed_again(units)])
    change.due("refund", change.wall, subject_id=anew.refund_id, wall=True)
