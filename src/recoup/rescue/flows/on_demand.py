"""The sandbox's outside world on demand: an issuer with scripted answers, a processor that
misbehaves."""

from datetime import timedelta
from typing import Any, Final, get_args
from uuid import UUID

from recoup.cards.flows.sandbox_issuer import sandbox_issuer
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor
from recoup.kit.world import World
from recoup.networks import whys
from recoup.networks.magic import is_world_bin
from recoup.orders.flows.find_order import find_one
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.store.due_work import inquire_now, unanswered
from recoup.processors.gateways.sandbox.connections import Kind
from recoup.rescue.flows.collect import collect
from recoup.rescue.flows.locked import Job, Orders
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.moves.collection import bring_forward as bring_charge_forward
from recoup.rescue.moves.plan import ask_by_hand, gate_answer, plan_attempt

FaultKind = Kind
FAULTS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)
_OPERATOR = Actor("operator", "sandbox")


async def settle_attempt(world: World, orders: Orders, key: str, approve: bool) -> str:
    """Makes the order's next attempt, or the charge of what was advanced, now, with the requested
    answer. Answers the attempt's state.

    Raises: Problem not_found, wrong_state.
    """
    merchant_id, order_id = await find_one(world, key)
    await sandbox_issuer(world).force(order_id, approve)

    def bring_forward(change: Change) -> bool:
        order = change.order
        if order.card is not None and is_world_bin(order.card.bin):
            raise Problem(
                "wrong_state",
                "This card belongs to the connected world, which alone decides its answer.",
                cure="Move the merchant's clock to the order's next attempt.",
            )
        if order.attempt_in_flight() is None and bring_charge_forward(
            change, world.policy, whys.BROUGHT_FORWARD_BY_OPERATOR
        ):
            return True
        if order.stage is not Stage.PROCESSING or order.attempt_in_flight() is not None:
            raise Problem(
                "wrong_state",
                Sentence(
                    "The order is {0}; only one in processing can be tried.", order.stage.value
                ),
                cure="Read the order: its state shows what is possible.",
            )
        answer = gate_answer(change, world.policy, order.planned())
        decision, decision_id = ask_by_hand(change, "sandbox_answer", answer)
        change.fact(
            "planned",
            decision_id=decision_id,
            verdict="operator",
            next=decision.next_attempt_at,
            reasons=list(decision.reasons),
        )
        plan_attempt(change, change.now, "soft", decision_id)
        return False

    order_key = (merchant_id, order_id)
    if await orders.change(Job(order_key, bring_forward, _OPERATOR, "sandbox", cards=True)):
        charged = await collect(world, orders, order_key, actor=_OPERATOR, request_id="sandbox")
        return charged or "not charged: the order says why"
    state = await send_attempt(world, orders, order_key, actor=_OPERATOR, request_id="sandbox")
    return state or "not sent: the order says why"


async def statement(world: World, key: str) -> list[dict[str, Any]]:
    """The cardholder's statement lines of an order. Raises: Problem(not_found)."""
    _, order_id = await find_one(world, key)
    return await sandbox_issuer(world).statement(order_id)


async def set_fault(world: World, kind: FaultKind, lasts: timedelta) -> None:
    await sandbox_issuer(world).misbehave(kind, world.clocks.wall() + lasts)


async def clear_fault(world: World, kind: FaultKind) -> None:
    await sandbox_issuer(world).behave(kind)


async def end_silence(world: World, merchant_id: UUID) -> None:
    """Makes the sandbox's processor answer now what it keeps silent about for days: the clock could
    not go on before."""
    wall = world.clocks.wall()
    async with world.db.connection() as connection:
        waiting = await unanswered(connection, merchant_id, wall)
        if not waiting:
            return
        answered = set(
            await sandbox_issuer(world).end_silence([attempt_id for _, attempt_id in waiting])
        )
        if answered:
            orders = [order_id for order_id, attempt_id in waiting if attempt_id in answered]
            await inquire_now(connection, merchant_id, orders, wall)
