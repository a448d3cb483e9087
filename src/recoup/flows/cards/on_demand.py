"""The sandbox's outside world on demand: an issuer that answers as told, a processor that misbehaves."""

from datetime import timedelta
from typing import Any

from recoup.flows.cards.send import send_attempt
from recoup.flows.find_order import find_one
from recoup.flows.locked import Job, Orders
from recoup.gateways.cards.sandbox.processor import SandboxProcessor
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.world import World
from recoup.moves.change import Change
from recoup.moves.plan_attempts import plan_attempt
from recoup.rules.order.lifecycle import Stage

FAULTS = ("outage", "slow", "silent", "duplicate")
_OPERATOR = Actor("operator", "sandbox")


async def settle_attempt(world: World, orders: Orders, key: str, approve: bool) -> str:
    """Makes the order's next attempt now, with the answer that is asked for. Answers the attempt's state.

    Raises: Problem not_found, wrong_state.
    """
    merchant_id, order_id = await find_one(world, key)
    issuer: SandboxProcessor = world.processors["sandbox"]
    await issuer.force(order_id, approve)

    def bring_forward(change: Change) -> None:
        order = change.order
        if order.stage is not Stage.PROCESSING or order.going() is not None:
            raise Problem("wrong_state", f"The order is {order.stage.value}; only one in processing can be tried.",
                      cure="Read the order: its state says what is possible.")  # fmt: skip
        change.fact("planned", verdict="operator", next=change.now, reasons=["Brought forward by the operator."])
        plan_attempt(change, change.now, "soft", None)

    await orders.change(Job((merchant_id, order_id), bring_forward, _OPERATOR, "sandbox"))
    state = await send_attempt(world, orders, (merchant_id, order_id), actor=_OPERATOR, request_id="sandbox")
    return state or "not sent: the order says why"


async def set_fault(world: World, kind: str, lasts: timedelta) -> None:
    await _issuer(world).misbehave(kind, world.clocks.wall() + lasts)


async def clear_fault(world: World, kind: str) -> None:
    await _issuer(world).behave(kind)


def _issuer(world: World) -> Any:
    return world.processors["sandbox"]
