"""A modification as it is requested of a processor (refund, reversal, void, capture), and a refund
that is refused."""

from typing import Any
from uuid import UUID

from recoup.db.table import hex_of
from recoup.kernel.ids import new_id
from recoup.orders.moves.change import Booked, Change, check_room
from recoup.orders.moves.outgoing import leave
from recoup.orders.rules import ledger
from recoup.orders.rules.refund_limits import REFUND, WAITS, RefundApproval
from recoup.orders.rules.snapshot import Modification, Order
from recoup.orders.rules.wire_keys import modification_key, renewed
from recoup.terms.rules.fees import KEEP, returned_units


def request_modification(
    change: Change,
    kind: str,
    attempt_id: UUID | None,
    units: int,
    *,
    text: str = "",
    items: list[dict[str, Any]] | None = None,
    input_mac: str = "\\x",
    actor: str = "",
    modification_id: UUID | None = None,
    approved_by: str | None = None,
    final_part: bool = True,
    piece_of: UUID | None = None,
    named: str | None = None,
) -> Modification:
    """The intent, under an id of its own, or the one given. `named`: its caller's idempotency key.
    What the order's log and book say of it is the caller's. Raises: Problem, as `leave`, for money
    that a person may not send alone."""
    order = change.order
    if kind in ("refund", "reversal") and approved_by is None:
        leave(change, units)
    made = Modification(
        modification_id=modification_id or new_id(),
        order_id=order.order_id,
        modification_no=len(order.modifications) + 1,
        kind=kind,
        attempt_id=attempt_id,
        state="owed",
        units=units,
        asset=order.asset,
        message=text,
        items=items or [],
        input_mac=input_mac,
        business_at=change.now,
        actor=actor or change.actor,
        approved_by=approved_by,
        final_part=final_part,
        piece_of=piece_of,
        key=modification_key(order, kind, attempt_id, named),
    )
    change.set_modification(made)
    return made


def ask_second(
    change: Change, units: int, *, message: str, items: list[dict[str, Any]], input_mac: bytes = b""
) -> RefundApproval:
    """Requests a second person's approval; no refund is due yet. It waits for seven days of the
    merchant's time. Raises: Problem(wrong_state) for more than the wallet of a stablecoin order
    holds: what cannot be paid needs no approval; Problem(conflict) as `check_room`."""
    check_room(change)
    assert change.role is not None
    order, now = change.order, change.now
    request = RefundApproval(
        request_id=new_id(),
        order_id=order.order_id,
        state="waiting",
        units=units,
        asset=order.asset,
        message=message,
        items=items,
        input_mac=hex_of(input_mac),
        requested_by=change.actor,
        requested_role=change.role,
        requested_at=now,
        expires_at=now + WAITS,
    )
    if request.act == REFUND:
        _check_wallet(change, units)
    change.set_request(request)
    change.fact(
        "refund_asked", request.request_id, units=units, until=request.expires_at.isoformat()
    )
    change.due("refund_request", request.expires_at, subject_id=request.request_id)
    return request


def _check_wallet(change: Change, units: int) -> None:
    """Checks that a refund could be paid now, before it is requested. Raises:
    Problem(wrong_state)."""
    if change.order.payable_place == ledger.WALLET:
        assert change.wallet is not None
        change.wallet.check(units - returned_fee(change.order, units), change.order.sent_text)


def renew(change: Change, modification: Modification, **values: Any) -> None:
    """Gives the modification another id and key to be sent under from now on: the processor is done
    with the ones of before."""
    change.set_modification(
        modification, send_id=new_id(), send_key=renewed(modification), **values
    )


def returned_fee(order: Order, units: int) -> int:
    """The part of the fee that goes back with so many units more."""
    fee, policy, before = (
        int(order.approval.get("fee") or 0),
        order.approval.get("fee_refund"),
        order.refunded_units,
    )
    back, already = (
        returned_units(fee, str(policy or KEEP), refunded, order.units)
        for refunded in (before + units, before)
    )
    return back - already


def refuse_refund(change: Change, refund: Modification, **reason: Any) -> None:
    """Refuses a refund: it is not due any more, the merchant has the money again, and the fee that
    came back with it is taken back. `reason`: `why` in words of ours, or `words` that somebody
    typed."""
    order = change.order
    change.undue("modification", subject_id=refund.modification_id)
    change.set_modification(refund, state="refused")
    order.refunded_units -= refund.units
    fee = returned_fee(order, refund.units)
    details: dict[str, Any] = {"fee_taken_back": fee} if fee else {}
    event = {"refund_id": refund.modification_id, "units": refund.units}
    postings = [ledger.refund_refused(refund.units, order.payable_place)]
    if fee:
        postings.append(ledger.fee_taken_back(fee, order.payable_place))
    change.fact(
        "refund_refused",
        refund.modification_id,
        event=event,
        units=refund.units,
        booked=Booked(refund.modification_id, postings),
        **details,
        **reason,
    )
