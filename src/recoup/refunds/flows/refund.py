"""A merchant asks for money back, by amount or by items. SUCCESS means: owed is committed.

Repeats: a key decides; without one, an identical request while the first refund is still open is
the same refund. A person in the portal has the limits of their role, and may have to wait for a
second person; an API key has none.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from uuid import UUID

from recoup.db.table import hex_of
from recoup.kernel.money import Money, from_text
from recoup.kernel.problem import STAGE, Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.orders.flows.repeats import once
from recoup.orders.moves.change import Change
from recoup.orders.moves.outgoing import may_go
from recoup.orders.moves.request import ask_second
from recoup.orders.rules.lifecycle import ENDED, Stage
from recoup.orders.rules.snapshot import Modification, Order
from recoup.refunds.flows.refund_destination import NoteRefund, destination
from recoup.refunds.moves.refund import owe_refund
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.capture import refund_hold
from recoup.stablecoin.rules.refunds import check_gives_back
from recoup.terms.rules.refunds import by_amount, by_items, check_lines, items_of

REFUNDS_MAX: Final = (
    100  # of one order, which is loaded with all of them; the rest may always go at once
)


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """`amount` is decimal text in the order's currency; `items` as the contract gives them; `all`:
    what is left. One of the three. `to_address`: where it goes, on a chain."""

    amount: str | None = None
    items: tuple[dict[str, Any], ...] | None = None
    currency: str | None = None
    message: str = ""
    key: str | None = None
    door: str | None = None  # whose orders are meant; none: any
    all: bool = False
    to_address: str | None = None


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """`waits`: nothing is owed yet, a second person has to agree; the refund will have this id.
    `repeated`: it was there before, and no key said that this is the same one."""

    refund_id: UUID
    order_id: UUID
    units: int
    asset: str
    remaining_units: int
    waits: bool = False
    repeated: bool = False


async def refund(
    world: World, orders: Orders, scope: Scope, order_id: UUID, request: RefundRequest
) -> RefundAnswer:
    """Raises: Problem over_remainder, wrong_state, refund_currency, refund_items, conflict,
    not_found, invalid; of a person also forbidden, for what the limits of their role do not
    allow."""
    meant = [str(order_id), request.amount, request.items, request.currency, request.message]
    meant += [request.to_address] if request.to_address is not None else []
    noting = await destination(world, scope.merchant_id, order_id, request.to_address)
    gate = once(world, scope, "refund", request.key, meant)

    def work(change: Change) -> RefundAnswer:
        order = change.order
        if request.key is None:
            again = _still_open(order, gate.input_mac)
            if again is not None:
                return replace(_answer(order, again, _all_of(order, again)), repeated=True)
        units, items = what_to_refund(order, request, world.policy.refund_cap_percent)
        if isinstance(noting, Problem):
            raise noting
        if order.stage is Stage.AUTHORISED:
            answer = _answer(order, refund_hold(change, gate.input_mac))
        else:
            answer = _given(change, units, items, request, gate.input_mac, noting)
        stored = {
            "refund_id": str(answer.refund_id),
            "order_id": str(order.order_id),
            "units": units,
            "asset": order.asset,
            "remaining_units": answer.remaining_units,
        }
        gate.take(change, stored | ({"waits": True} if answer.waits else {}))
        return answer

    key = (scope.merchant_id, order_id)
    return await gate.run(
        lambda: orders.run(work, key, scope, door=request.door, wallet=True), _stored_answer
    )


def _given(
    change: Change,
    units: int,
    items: list[dict[str, Any]],
    request: RefundRequest,
    input_mac: bytes,
    noting: NoteRefund | None,
) -> RefundAnswer:
    """Owed from now on, or waiting for a second person."""
    order, message = change.order, request.message
    if not may_go(change, units):
        approval = ask_second(change, units, message=message, items=items, input_mac=input_mac)
        if noting is not None:
            noting(change, approval.request_id)
        return RefundAnswer(
            approval.request_id,
            order.order_id,
            units,
            order.asset,
            order.refundable_units,
            waits=True,
        )
    made = owe_refund(
        change, units, message=message, items=items, input_mac=input_mac, named=request.key or None
    )
    if noting is not None:
        noting(change, made.modification_id)
    return _answer(order, made, units)


def what_to_refund(
    order: Order, request: RefundRequest, cap_percent: int | None
) -> tuple[int, list[dict[str, Any]]]:
    check_gives_back(order)
    if order.stage not in (Stage.COMPLETED, Stage.AUTHORISED):
        cure = (
            "It was never charged: there is nothing to give back."
            if order.stage in ENDED
            else "Cancel it instead."
        )
        if order.stage in ENDED and order.paid_by() is not None:
            cure = "What was approved too late goes back by itself."
        message: str = Sentence("An order that is {0} cannot be refunded.", STAGE)
        raise Problem(
            "wrong_state",
            message,
            cure=cure,
            detail="order_not_refundable",
            stage=order.stage.value,
        )
    if request.currency is not None and request.currency != order.asset:
        raise Problem(
            "refund_currency",
            Sentence("The order is in {0}, not {1}.", order.asset, request.currency),
            field="Currency",
            cure=Sentence("Send {0}, or leave the currency out.", order.asset),
        )
    units, items = _how_much(
        order, request, cap_percent if order.stage is Stage.COMPLETED else None
    )
    if order.stage is Stage.AUTHORISED and units != order.units:
        message = "The amount is only held, not charged yet: a part of it cannot be refunded."
        cure = (
            "Capture it and refund the part then, or refund the whole amount: that lets the "
            "hold go."
        )
        raise Problem("wrong_state", message, cure=cure, detail="order_not_refundable")
    given = sum(modification.kind == "refund" for modification in order.modifications)
    if given >= REFUNDS_MAX and units != order.refundable_units:
        message = Sentence("The order was refunded in {0} parts, which is the most.", given)
        raise Problem(
            "wrong_state", message, cure="Refund all that is left.", detail="order_not_refundable"
        )
    return units, items


def _how_much(
    order: Order, request: RefundRequest, cap_percent: int | None
) -> tuple[int, list[dict[str, Any]]]:
    remaining = Money(order.refundable_units, order.asset)
    if not remaining.units and order.disputed_units:
        raise _disputed(order, remaining)
    cap = Money(order.units * cap_percent // 100, order.asset) if cap_percent is not None else None
    if request.items is not None:
        taken: dict[int, tuple[int, int]] = {}
        for earlier in order.modifications:
            if earlier.kind == "refund" and earlier.state not in ("refused", "failed"):
                for part in earlier.items:
                    units, quantity = taken.get(part["line"], (0, 0))
                    taken[part["line"]] = (units + part["units"], quantity + part["quantity"])
        lines = items_of(order.facts.get("items") or ())
        check_lines(lines, Money(order.units, order.asset), order.sent_text)
        units, chosen = by_items(request.items, lines, taken)
        _check_undisputed(order, units)
        by_amount(Money(units, order.asset), remaining, cap=cap, like=order.sent_text)
        return units, [asdict(part) for part in chosen]
    if not remaining.units and (request.all or order.kind == "stable"):
        message = "All of it is refunded already."
        raise Problem(
            "wrong_state",
            message,
            cure="Nothing is left to give back.",
            detail="order_not_refundable",
        )
    if request.all:
        return by_amount(remaining, remaining, cap=cap, like=order.sent_text).units, []
    if request.amount is None:
        raise Problem(
            "invalid",
            "The AmountToRefund field is required.",
            field="AmountToRefund",
            cure="Send an amount like 19.99, or items.",
            verbatim=True,
        )
    amount = from_text(request.amount, order.asset, "AmountToRefund")
    _check_undisputed(order, amount.units)
    return by_amount(amount, remaining, cap=cap, like=order.sent_text).units, []


def _check_undisputed(order: Order, units: int) -> None:
    """Raises: Problem(wrong_state) for what only a dispute keeps from being refunded."""
    if (
        order.refundable_units < units <= order.units - order.refunded_units
        and order.disputed_units
    ):
        raise _disputed(order, Money(order.refundable_units, order.asset))


def _disputed(order: Order, remaining: Money) -> Problem:
    taken = Money(order.disputed_units, order.asset)
    message = Sentence(
        "{0} {1} of it is disputed: the cardholder's bank has taken that back.",
        taken.text(),
        order.asset,
    )
    cure = Sentence("Refund at most {0}, or wait until the dispute is won.", remaining.text())
    return Problem(
        "wrong_state",
        message,
        cure=cure if remaining.units else "Answer the dispute; do not pay twice.",
        detail="order_not_refundable",
    )


def _still_open(order: Order, input_mac: bytes) -> Modification | None:
    """Its first refund, as it was answered, where any of it is open."""
    mac = hex_of(input_mac)
    refund = next(
        (
            r
            for r in order.modifications
            if r.state in ("owed", "sent", "stuck") and r.input_mac == mac
        ),
        None,
    )
    return _pieces_with(order, refund)[0] if refund is not None else None


def _all_of(order: Order, first: Modification) -> int:
    return sum(piece.units for piece in _pieces_with(order, first))


def _pieces_with(order: Order, refund: Modification) -> list[Modification]:
    """All pieces of a refund, the first one first: each charge of an order gives its own back."""
    first = refund.piece_of or refund.modification_id
    return [r for r in order.modifications if first in (r.modification_id, r.piece_of)]


def _answer(order: Order, made: Modification, units: int | None = None) -> RefundAnswer:
    """`units`: what was asked for, where the refund is a piece of it."""
    left = order.refundable_units if order.stage is Stage.COMPLETED else 0
    return RefundAnswer(
        made.modification_id,
        order.order_id,
        made.units if units is None else units,
        order.asset,
        left,
    )


def _stored_answer(stored: dict[str, Any]) -> RefundAnswer:
    return RefundAnswer(
        UUID(stored["refund_id"]),
        UUID(stored["order_id"]),
        stored["units"],
        stored["asset"],
        stored["remaining_units"],
        stored.get("waits", False),
    )
