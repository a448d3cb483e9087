"""/capture: the held amount is taken, in full, while the caller waits.

The answer is the processor's. Without one by the deadline the call is repeated with the same key; the worker
goes on meanwhile.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from recoup.flows.locked import Orders
from recoup.flows.modifications.send import send_modification
from recoup.flows.repeats import once
from recoup.flows.world import World
from recoup.kernel.money import Money
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.sentence import Sentence
from recoup.moves.change import Change
from recoup.moves.modification.capture import ask_capture
from recoup.rules.order.lifecycle import Stage
from recoup.store.refunds.refunds import refund_state

POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """`units` minor units of `currency`; it must be the whole amount."""

    order_id: UUID
    units: int
    currency: str
    key: str


@dataclass(frozen=True, slots=True)
class Captured:
    """`done` False: the processor refused; the order is still authorised."""

    capture_id: UUID
    order_id: UUID
    done: bool
    code: str | None

    def refusal(self) -> str:
        message = "The processor refused the capture."
        if self.code:
            message = Sentence("The processor refused the capture (code {0}).", self.code)
        return message


async def capture(world: World, orders: Orders, scope: Scope, request: CaptureRequest) -> Captured:
    """Raises: Problem not_found, wrong_state, conflict, capture_amount, unavailable."""
    until = world.clocks.monotonic() + world.policy.cit_deadline / timedelta(seconds=1)
    meant = [str(request.order_id), request.units, request.currency, request.key]
    gate = once(world, scope, "capture", request.key, meant)

    def work(change: Change) -> UUID:
        if change.order.stage is Stage.AUTHORISED:
            _check_amount(change, request)
        before = change.order.version
        made = ask_capture(change, scope.actor.text(), gate.input_mac)
        if change.order.version > before:
            gate.take(change, {"capture_id": str(made.modification_id)})
        return made.modification_id

    async def begin() -> UUID:
        capture_id = await orders.run(work, (scope.merchant_id, request.order_id), scope, door="rescue")
        send = asyncio.create_task(send_modification(world, orders, scope.merchant_id, capture_id))
        _SENDING.add(send)
        send.add_done_callback(_SENDING.discard)
        return capture_id

    capture_id = await gate.run(begin, lambda answer: UUID(answer["capture_id"]))
    return await _outcome(world, scope, request.order_id, capture_id, until)


_SENDING: set[asyncio.Task[None]] = set()  # a caller that gives up does not stop what it began


def _check_amount(change: Change, request: CaptureRequest) -> None:
    order = change.order
    if (request.units, request.currency) != (order.units, order.asset):
        held = Money(order.units, order.asset)
        message = Sentence("The order holds {0} {1}; a capture takes the whole amount.", held.text(), order.asset)
        raise Problem("capture_amount", message, field="Amount", cure="Send the order's amount and currency.")


async def _outcome(world: World, scope: Scope, order_id: UUID, capture_id: UUID, until: float) -> Captured:
    """Raises: Problem(unavailable) when the processor has not answered in time."""
    while True:
        async with world.db.connection() as connection:
            row = await refund_state(connection, scope.merchant_id, capture_id)
        if row is not None and row.state in ("done", "refused"):
            return Captured(capture_id, order_id, row.state == "done", row.processor_code)
        if world.clocks.monotonic() >= until:
            cure = "Send the same call with the same idempotencyKey again; it captures once."
            raise Problem(
                "unavailable",
                "The processor has not said yet whether the amount was captured.",
                cure=cure,
                retry_after_seconds=2,
            )
        await asyncio.sleep(POLL_SECONDS)
