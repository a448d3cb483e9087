"""Changes that a refund makes to an order."""

from typing import Any
from uuid import UUID

from recoup.db.table import hex_of
from recoup.disputes.moves.disputed import charge_left
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.request import request_modification, returned_fee
from recoup.orders.rules import ledger
from recoup.orders.rules.snapshot import Modification, Order
from recoup.rescue.moves import collection
from recoup.settlement.rules.over_charges import over_charges, over_pieces


def owe_refund(
    change: Change,
    units: int,
    *,
    message: str,
    items: list[dict[str, Any]],
    input_mac: bytes,
    actor: str = "",
    modification_id: UUID | None = None,
    approved_by: str | None = None,
    named: str | None = None,
) -> Modification:
    """Owes a refund: once committed, the money is due and the order's face shows it. The caller
    checked the remainder. Of an order that was collected in parts it is a refund of each charge
    that it takes from, the oldest first; the first one is answered, and has the id.

    Raises: Problem(wrong_state) for more than the wallet of a stablecoin order holds.
    """
    order = change.order
    if order.payable_place == ledger.WALLET:
        assert change.wallet is not None
        change.wallet.refund(units - returned_fee(order, units), order.sent_text)
    pieces = _pieces(order, units)
    first: Modification | None = None
    for (attempt_id, piece), of_items in zip(
        pieces, over_pieces(items, [piece for _, piece in pieces]), strict=True
    ):
        refund = request_modification(
            change,
            "refund",
            attempt_id,
            piece,
            text=message,
            items=of_items,
            input_mac=hex_of(input_mac),
            actor=actor,
            modification_id=modification_id if first is None else None,
            approved_by=approved_by,
            piece_of=first.modification_id if first is not None else None,
            named=named,
        )
        owed(change, refund)
        first = first or refund
    assert first is not None
    return first


def give_back(change: Change, message: str, actor: str) -> None:
    """A refund of all that is left of the order."""
    left = change.order.refundable_units
    owe_refund(change, left, message=message, items=[], input_mac=b"", actor=actor)


def _pieces(order: Order, units: int) -> list[tuple[UUID | None, int]]:
    """Units to give back of each charge. One that is out decides what becomes of it."""
    charges = order.charges()
    if len(charges) < 2 or order.advance is not None:
        payment = order.paid_by() or order.attempt_in_flight()
        return [(payment.attempt_id if payment else None, units)]
    return [
        *over_charges(
            [(charge.attempt_id, charge_left(order, charge.attempt_id)) for charge in charges],
            units,
        )
    ]


def owed(change: Change, refund: Modification, *, elsewhere: bool = False) -> None:
    """The fact, its money and its due work. `elsewhere`: the processor has made it already, and not
    for us."""
    order, units, actor = change.order, refund.units, refund.actor
    fee, items, approved_by = returned_fee(order, units), refund.items, refund.approved_by
    order.refunded_units += units
    details: dict[str, Any] = {"fee_returned": fee} if fee else {}
    details |= {"asked_by": actor} if approved_by else {}
    details |= {"elsewhere": True} if elsewhere else {}
    details |= {"with": refund.piece_of} if refund.piece_of is not None else {}
    postings = [ledger.refund_owed(units, order.payable_place)]
    if fee:
        postings.append(ledger.fee_returned(fee, order.payable_place))
    change.fact(
        "refund_owed",
        refund.modification_id,
        refund_id=refund.modification_id,
        units=units,
        number=refund.modification_no,
        items=items,
        remaining=order.refundable_units,
        booked=Booked(refund.modification_id, postings),
        **details,
    )
    if order.advance is None or order.advance.state == "charged":
        change.due("modification", change.wall, subject_id=refund.modification_id, wall=True)
    else:
        collection.refund_uncharged(change, refund, order.advance)
