"""A payer has paid, or failed to: a channel's outcome is recorded once."""

from datetime import timedelta
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kit.world import World
from recoup.orders.flows.external_call import channel_of
from recoup.orders.flows.find_order import find_one
from recoup.orders.moves.change import Change
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.orders.rules.lifecycle import OPEN, Stage
from recoup.orders.rules.snapshot import Attempt
from recoup.processors.gateways.channels import Payment, is_simulated
from recoup.processors.gateways.port import Inquiry, Outcome
from recoup.rescue.flows.locked import Job, Orders
from recoup.stablecoin.moves.payment import pick_channel, switch_channel, take_payment
from recoup.stablecoin.rules.channels import CHANNELS
from recoup.stablecoin.rules.words import order_status
from recoup.stablecoin.store.stable_orders import stable_order

OPERATOR = Actor("operator", "sandbox")


async def simulate(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    *,
    approve: bool,
    actor: Actor,
    channel: str | None = None,
    late: bool = False,
) -> str:
    """The sandbox's payer pays or fails; `channel` counts where the charge left it to the payer,
    and another one than the first only when the first knows of no payment. `late`: pays an order
    that has ended, as payers do. Answers the payment's state.

    Raises: Problem not_found, wrong_state, forbidden outside a sandbox, unavailable when the
    channel is away.
    """
    if not world.policy.test_mode:
        raise Problem(
            "forbidden",
            "Payments are simulated in the sandbox only.",
            "Pay from a wallet, or make the order with a test key.",
        )

    def pick(change: Change) -> tuple[Attempt, bool]:
        order = change.order
        if order.kind != "stable":
            raise Problem("not_found", "There is no such stablecoin order.", "Check its id.")
        if order.stage not in OPEN and not (
            late and approve and order.stage is not Stage.COMPLETED
        ):
            status = order_status(order.stage, order.units, order.refunded_units)
            raise Problem(
                "wrong_state",
                f"The order is {status}; it cannot be paid any more.",
                "Make a new charge.",
            )
        picked = CHANNELS.get(order.attempts[-1].route or "")
        if picked and picked.requires_watcher:
            raise Problem(
                "wrong_state", "A payment on a chain is not simulated.", "Send it from a wallet."
            )
        return pick_channel(change, channel), bool(order.source)

    started = world.clocks.monotonic()
    attempt, fixed = await orders.change(Job(key, pick, actor, "checkout"))
    if channel not in (None, attempt.route) and not fixed:
        answer = await _ask_the_first(world, attempt)
        if answer.state in ("approved", "declined"):
            return await record_payment(
                world, orders, key, attempt.attempt_id, attempt.route or "", answer, actor=actor
            )
        first, started = attempt, world.clocks.monotonic()
        attempt = await orders.change(
            Job(key, lambda c: switch_channel(c, first, channel), actor, "checkout")
        )
    code = attempt.route or ""
    gateway = world.channels[code] if code in CHANNELS and CHANNELS[code].test else None
    if gateway is None or not is_simulated(gateway):
        raise Problem(
            "forbidden", "Only test channels are simulated.", "Choose a test channel such as mock."
        )
    payment = Payment(
        attempt.attempt_id,
        key[1],
        key[0],
        attempt.units,
        attempt.asset,
        started + SEND_WITHIN / timedelta(seconds=1),
    )
    outcome = await gateway.pay(payment, approve)
    if outcome.state not in ("approved", "declined"):
        raise Problem(
            "unavailable",
            "The channel does not answer.",
            "Try again: the same payment is never taken twice.",
            retry_after_seconds=2,
        )
    return await record_payment(world, orders, key, payment.id, code, outcome, actor=actor)


async def _ask_the_first(world: World, attempt: Attempt) -> Outcome:
    """Outcome of the payment on the channel that the payer picked first: approved, declined, or
    denied for good.

    Raises: Problem(unavailable) while it may still come.
    """
    channel = channel_of(world, attempt.route)
    outcome = await channel.inquire(Inquiry(attempt.attempt_id, "payment"))
    settled = (
        attempt.send_before is None
        or world.clocks.wall() > attempt.send_before + channel.settled_after
    )
    if outcome.state == "unknown" or outcome.state == "not_found" and not settled:
        raise Problem(
            "unavailable",
            "A payment by the channel that was picked first may still be on its way.",
            "Wait a few seconds.",
            retry_after_seconds=5,
        )
    return outcome


async def simulate_by_operator(world: World, orders: Orders, key: str, approve: bool) -> str | None:
    """`recoup sandbox pay|decline` of a stablecoin order; None for an order of the other dialect.

    Raises: Problem not_found, wrong_state.
    """
    merchant_id, order_id = await find_one(world, key)
    order = await stable_order(world.db, merchant_id, order_id)
    if order is None:
        return None
    await simulate(
        world, orders, (merchant_id, order_id), approve=approve, actor=OPERATOR, late=True
    )
    paid = await stable_order(world.db, merchant_id, order_id)
    assert paid
    if approve and paid.paid_at is None:
        return "paid late: the order had ended, its page says what is to be done"
    return order_status(paid.stage, paid.units, paid.refunded_units)


async def record_payment(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    attempt_id: UUID,
    code: str,
    outcome: Outcome,
    *,
    actor: Actor,
) -> str:
    """The one way a payment's end reaches its order: started, approved, collected in one; or
    declined, failed."""
    gateway = world.channels[code]
    approved = outcome.state == "approved"

    def work(change: Change) -> str:
        return take_payment(
            change,
            attempt_id,
            approved=approved,
            reference=outcome.reference,
            code=outcome.own_code,
            settles_to=gateway.settles_to(key[0]),
        )

    return await orders.change(Job(key, work, actor, "checkout"))
