"""A subscription's cycle falls due: one charge, once, whatever crashes in between; and what became
of its order."""

from uuid import UUID

from recoup.db.pool import retrying
from recoup.kernel.ids import wire_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER, Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.merchants.store.merchants import offset_of
from recoup.orders.rules.cycles import latest_due, next_charge, order_name
from recoup.orders.rules.lifecycle import Stage
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.flows.charge import EXPIRES_IN_MAX, Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.expire import cancel
from recoup.stablecoin.moves.subscription import SubscriptionChange
from recoup.stablecoin.store.stable_orders import StableOrder, order_id_of, stable_order
from recoup.stablecoin.store.subscriptions import (
    SubscriptionRow,
    find_subscription,
    lock_subscription,
)

_CHARGED = ("active", "past_due")
_UNPAID = (Stage.DECLINED, Stage.EXPIRED)


async def charge_cycle(
    world: World, orders: Orders, merchant_id: UUID, subscription_id: UUID
) -> None:
    """Due work `cycle`. The charge's merchant_order_id holds the cycle's number: a second try finds
    the order. What was charged while the merchant canceled the subscription is taken back."""
    row = await find_subscription(world.db, merchant_id, subscription_id)
    offset = await offset_of(world.db, merchant_id)
    if row is None or offset is None:
        raise Problem(
            "not_found",
            "There is no such subscription.",
            "Check its id; GET /api/v1/subscriptions lists them.",
        )
    due, cycle, order = row.next_charge_at, row.cycles_done, None
    if row.state in _CHARGED and due and due <= world.clocks.business(offset):
        scope = Scope(merchant_id, WORKER, "worker")
        order = (await Charges(world, Merchants(world)).charge(scope, _charge_request(row))).order
    elif row.state == "canceled":
        order = await _charged_before(world, row)

    async def once(*, taken_back: bool) -> bool:
        """Writes the cycle's end; False: the order is to be taken back first; nothing is
        written."""
        async with world.db.transaction() as tx:
            locked = await lock_subscription(tx, merchant_id, subscription_id)
            assert locked
            change = SubscriptionChange(locked, world.clocks.wall())
            change.cycle_over = True
            if order and change.cycles_done == cycle and not taken_back:
                if change.state == "canceled":
                    return False
                _charged(change, order)
            await change.write(tx)
        return True

    if not await retrying(lambda: once(taken_back=False)):
        assert order
        await _take_back(world, orders, order)
        await retrying(lambda: once(taken_back=True))


async def _charged_before(world: World, row: SubscriptionRow) -> StableOrder | None:
    """The order of the next cycle, if a worker got as far as that."""
    order_id = await order_id_of(world.db, row.merchant_id, _charge_request(row).merchant_order_id)
    return await stable_order(world.db, row.merchant_id, order_id) if order_id else None


async def _take_back(world: World, orders: Orders, order: StableOrder) -> None:
    """Unless somebody has paid it already, or it has ended. Raises: Problem(unavailable): then it
    is tried again."""
    try:
        await cancel(world, orders, Scope(order.merchant_id, WORKER, "worker"), order.order_id)
    except Problem as problem:
        if problem.code != "wrong_state":
            raise


def _charged(change: SubscriptionChange, order: StableOrder) -> None:
    row = change.row
    every = (row.anchor, row.interval_unit, row.interval_count)
    at = change.cycles_done + change.skipped
    change.skipped += latest_due(*every, at, change.now, row.ends_at) - at
    change.cycles_done += 1
    change.last_order_id = order.order_id
    change.next_charge_at = next_charge(
        *every, change.cycles_done, change.skipped, row.total_cycles, row.ends_at
    )
    change.tell("subscription.charged", order.order_id, order.external_id)
    if change.next_charge_at is None and change.state in _CHARGED:
        change.state = "completed"
        change.tell("subscription.completed", order.order_id, order.external_id)


def _charge_request(row: SubscriptionRow) -> StablecoinChargeRequest:
    return StablecoinChargeRequest(
        order_name(wire_id("sub", row.subscription_id), row.cycles_done + 1),
        row.amount_text,
        row.asset,
        row.channel,
        None,
        row.customer,
        EXPIRES_IN_MAX,
        {"subject": row.title, "subscription_id": str(row.subscription_id)} | row.facts,
    )


async def cycle_ended(world: World, merchant_id: UUID, order_id: UUID) -> None:
    """Due work `cycle_ended`: an unpaid cycle makes its subscription past due, a paid one makes it
    active again."""
    order = await stable_order(world.db, merchant_id, order_id)
    if order is None:
        raise Problem("not_found", "There is no such order.", "Check its id.")

    async def once() -> None:
        async with world.db.transaction() as tx:
            row = await lock_subscription(tx, merchant_id, UUID(order.facts["subscription_id"]))
            assert row
            change = SubscriptionChange(row, world.clocks.wall())
            if order.stage in _UNPAID:
                change.state = "past_due" if change.state == "active" else change.state
                change.tell("subscription.payment_failed", order.order_id, order.external_id)
            elif order.stage is Stage.COMPLETED and change.state == "past_due":
                change.state = "active"
            change.done_with("cycle_ended", order_id)
            await change.write(tx)

    await retrying(once)
