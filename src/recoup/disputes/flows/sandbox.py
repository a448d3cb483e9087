"""The sandbox's cardholders: they dispute by themselves on the magic cards, or when somebody asks
for it.

The issuer then tells us as any processor would: by a signed notice through the inbound door's flow.
"""

from typing import Literal
from uuid import UUID

from recoup.audit.moves import note
from recoup.cards.flows.sandbox_issuer import ROUTE, sandbox_issuer
from recoup.disputes.flows.receive import Received, in_words, notice_key, receive
from recoup.disputes.store.disputes import approved_charge
from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import WORKER, Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.world import World
from recoup.merchants.store.merchants import offset_of
from recoup.networks.magic_disputes import THEN_AFTER, Row, foreseen
from recoup.orders.flows.find_order import find_one
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Attempt
from recoup.outside.inbound import signed
from recoup.processors.gateways.sandbox.disputes import DisputeRequest, Notice
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.locked import Job, Orders

Key = tuple[UUID, UUID]


async def cardholder_disputes(
    world: World, orders: Orders, merchant_id: UUID, order_id: UUID
) -> None:
    """Due work `cardholder`: the next thing that the holder of a dispute card does."""
    key = (merchant_id, order_id)

    def look(change: Change) -> tuple[Row, Attempt, bool, BusinessTime] | None:
        order = change.order
        charge = order.charges()[-1] if len(order.charges()) > 1 else order.paid_by()
        row = foreseen(order.card.magic if order.card else None, charge.units) if charge else None
        if charge is None or row is None:
            change.undue("cardholder")
            return None
        return row, charge, bool(order.disputes), change.now

    seen = await orders.change(Job(key, look, WORKER, "sandbox"))
    if seen is None:
        return
    row, charge, known, now = seen
    for notice in await _notices(world, row, charge, known, now):
        await _send(world, orders, notice)

    def on(change: Change) -> None:
        if row.then and not known:
            change.due("cardholder", change.now + THEN_AFTER)
        else:
            change.undue("cardholder")

    await orders.change(Job(key, on, WORKER, "sandbox"))


async def _notices(
    world: World, row: Row, charge: Attempt, known: bool, now: BusinessTime
) -> list[Notice]:
    issuer = _issuer(world)
    if not known:
        units = charge.units * row.percent // 100 if row.percent < 100 else None
        notice = await issuer.dispute(
            DisputeRequest(charge.attempt_id, row.kind, now, row.stage, units, case_no=1)
        )
        return [notice] * (2 if row.twice else 1) if notice else []
    if row.then in ("won", "lost"):
        notice = await issuer.decide_dispute(charge.attempt_id, row.then == "won")
    else:
        notice = (
            await issuer.dispute(DisputeRequest(charge.attempt_id, row.kind, now, "first"))
            if row.then
            else None
        )
    return [notice] if notice else []


async def dispute_on_demand(
    world: World,
    orders: Orders,
    order: str | Key,
    *,
    kind: Literal["fraud", "service", "processing"] = "fraud",
    units: int | None = None,
    stage: str = "first",
    decided: Literal["won", "lost"] | None = None,
    case: str | None = None,
    by: Scope | None = None,
) -> str:
    """The cardholder disputes an order's charge, all that was not refunded or `units` of it; with
    `decided` the case that is open, or the new one, is decided. A case of an earlier stage goes on.
    `case`: decide this one alone. `by`: who asks, for the audit log. Answers what became of the
    notice.

    Raises: Problem not_found, forbidden outside a sandbox; wrong_state when nothing can be
    disputed.
    """
    key = await find_one(world, order) if isinstance(order, str) else order
    charge = await approved_charge(world.db, *key)
    now = world.clocks.business(await offset_of(world.db, key[0]) or 0)
    issuer = _issuer(world)
    if charge is None or charge.route != ROUTE:
        raise Problem(
            "wrong_state", "Nothing was charged for this order.", cure="Wait until it is approved."
        )
    if units is not None and units <= 0:
        raise invalid(
            "The amount to dispute must be more than zero.",
            "amount",
            "Write it like 19.99, or leave it empty for all.",
        )
    if by is not None:
        async with world.db.transaction() as tx:
            await note(
                tx, by, world.clocks.wall(), "dispute.simulated", key[1], {"decided": decided}
            )
    notice = (
        await issuer.decide_dispute(charge.attempt_id, decided == "won", case) if decided else None
    )
    if notice is None and case is not None:
        raise Problem(
            "wrong_state",
            "The bank has already decided this case differently.",
            cure="Check the dispute.",
        )
    if notice is None:
        notice = await issuer.dispute(DisputeRequest(charge.attempt_id, kind, now, stage, units))
        if notice is None:
            message = (
                "The issuer refuses this dispute: it exceeds what is left of the charge, or the "
                "case cannot "
                "proceed this way."
            )
            raise Problem("wrong_state", message, cure="Check the order's disputes and refunds.")
        received = await _send(world, orders, notice)
        notice = (
            await issuer.decide_dispute(charge.attempt_id, decided == "won") if decided else None
        )
        if notice is None:
            return _summary(received)
    return _summary(await _send(world, orders, notice))


def _summary(received: Received) -> str:
    return f"{received.notice_id}: {received.state}" + (
        f", {in_words(received.why)}" if received.why else ""
    )


async def _send(world: World, orders: Orders, notice: Notice) -> Received:
    body = encode(notice)
    signature = signed(notice_key(world, ROUTE), body, world.clocks.wall())
    return await receive(world, orders, ROUTE, body, signature, "sandbox")


def _issuer(world: World) -> SandboxProcessor:
    if not world.policy.test_mode:
        raise Problem(
            "forbidden",
            "Disputes can be simulated only in the sandbox.",
            cure="In live, they come from the processor.",
        )
    return sandbox_issuer(world)
