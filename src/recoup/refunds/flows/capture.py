"""/capture: the held amount is taken, whole or in parts, while the caller waits.

The answer is the processor's. Without one by the deadline the call is repeated with the same key;
the worker goes on meanwhile.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from recoup.kernel.money import Money
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.keys.flows.outlive import outliving
from recoup.kit.world import World
from recoup.orders.flows.external_call import processor_of
from recoup.orders.flows.repeats import once
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.refunds.flows.send import send_modification
from recoup.refunds.store.refunds import CaptureState, capture_state
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.capture import ask_capture, release_rest

POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """`units` minor units of `currency`. `final`: whether what is left of the hold is released;
    None: it must be all of it. Nothing that is final releases the rest."""

    order_id: UUID
    units: int
    currency: str
    key: str
    final: bool | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """`done` False: the processor refused; the order is still authorised. `captured_units` of the
    order up to now, `held_units` that wait for a further capture."""

    capture_id: UUID
    order_id: UUID
    done: bool
    code: str | None
    captured_units: int = 0
    held_units: int = 0

    def refusal(self) -> str:
        message = "The processor refused the capture."
        if self.code:
            message = Sentence("The processor refused the capture (code {0}).", self.code)
        return message


async def capture(world: World, orders: Orders, scope: Scope, request: CaptureRequest) -> Captured:
    """Raises: Problem not_found, wrong_state, conflict, capture_amount, unavailable."""
    until = world.clocks.monotonic() + world.policy.cit_deadline / timedelta(seconds=1)
    meant = [str(request.order_id), request.units, request.currency, request.key]
    gate = once(
        world,
        scope,
        "capture",
        request.key,
        [*meant, request.final] if request.final is not None else meant,
    )

    def work(change: Change) -> UUID | None:
        order = change.order
        if order.stage is Stage.AUTHORISED:
            _check_amount(world, change, request)
        if request.final and not request.units:
            if order.stage is Stage.AUTHORISED:
                gate.take(change, {"capture_id": str(request.order_id)})
            release_rest(change)
            return None
        before = order.version
        final = request.final is not False
        made = ask_capture(change, gate.input_mac, request.units, final=final, named=request.key)
        if order.version > before:
            gate.take(change, {"capture_id": str(made.modification_id)})
        return made.modification_id

    async def begin() -> UUID:
        capture_id = await orders.run(
            work, (scope.merchant_id, request.order_id), scope, door="rescue"
        )
        if capture_id is None:
            return request.order_id
        outliving(send_modification(world, orders, scope.merchant_id, capture_id))
        return capture_id

    capture_id = await gate.run(begin, lambda answer: UUID(answer["capture_id"]))
    return await _outcome(world, scope, request.order_id, capture_id, until)


def _check_amount(world: World, change: Change, request: CaptureRequest) -> None:
    """Raises: Problem(capture_amount)."""
    order = change.order
    if request.currency != order.asset:
        other = Sentence("The order is in {0}, not {1}.", order.asset, request.currency)
        raise Problem(
            "capture_amount", other, field="Currency", cure="Send the order's amount and currency."
        )
    left = Money(order.held_units, order.asset)
    if request.final is None and request.units != left.units:
        whole = Sentence(
            "The order holds {0} {1}; a capture takes the whole amount.", left.text(), order.asset
        )
        cure = (
            "Send the order's amount and currency, or say by finalCapture whether the rest is "
            "released."
        )
        raise Problem("capture_amount", whole, field="Amount", cure=cure)
    if request.final is False and request.units != left.units and not _takes_parts(world, change):
        message = (
            "The processor of this payment takes one capture of a hold; what is not "
            "captured is released."
        )
        cure = "Send it with finalCapture true, once, for all that is to be captured."
        raise Problem("capture_amount", message, field="finalCapture", cure=cure)


def _takes_parts(world: World, change: Change) -> bool:
    payment = change.order.paid_by()
    return (
        payment is not None
        and bool(payment.route)
        and processor_of(world, str(payment.route)).multicapture
    )


async def _outcome(
    world: World, scope: Scope, order_id: UUID, capture_id: UUID, until: float
) -> Captured:
    """Raises: Problem(unavailable) when the processor has not answered in time."""
    while True:
        row = await capture_state(world.db, scope.merchant_id, order_id, capture_id)
        if row is not None and (row.state in ("done", "refused") or capture_id == order_id):
            return _captured(row, order_id, capture_id)
        if world.clocks.monotonic() >= until:
            cure = "Send the same call with the same idempotencyKey again; it captures once."
            raise Problem(
                "unavailable",
                "The processor has not said yet whether the amount was captured.",
                cure=cure,
                retry_after_seconds=2,
            )
        await asyncio.sleep(POLL_SECONDS)


def _captured(row: CaptureState, order_id: UUID, capture_id: UUID) -> Captured:
    held = row.units - row.captured_units if row.stage == "authorised" else 0
    return Captured(
        capture_id, order_id, row.state != "refused", row.processor_code, row.captured_units, held
    )
