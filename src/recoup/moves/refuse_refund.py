"""A refund that will not be made."""

from typing import Any

from recoup.moves.change import Booked, Change
from recoup.rules.money import ledger
from recoup.rules.order.snapshot import Modification


def refuse_refund(change: Change, refund: Modification, **said: Any) -> None:
    """It is not owed any more: the merchant has the money again, and the fee that came back with it is taken back.
    `said`: `why` in words of ours, or `words` that somebody typed."""
    order = change.order
    change.undue("refund", subject_id=refund.refund_id)
    change.set_refund(refund, state="refused")
    fee_before = order.returned_fee(order.refunded_units)
    order.refunded_units -= refund.units
    fee = fee_before - order.returned_fee(order.refunded_units)
    told: dict[str, Any] = {"fee_taken_back": fee} if fee else {}
    event = {"refund_id": refund.refund_id, "units": refund.units}
    postings = [ledger.refund_refused(refund.units, order.payable_place)]
    if fee:
        postings.append(ledger.fee_taken_back(fee, order.payable_place))
    change.fact(
        "refund_refused",
        refund.refund_id,
        event=event,
        units=refund.units,
        booked=Booked(refund.refund_id, postings),
        **told,
        **said,
    )
