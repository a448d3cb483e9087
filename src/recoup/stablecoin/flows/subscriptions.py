"""A merchant begins, pauses, resumes and ends subscriptions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import to_utc
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.orders.flows.repeats import once
from recoup.orders.rules.amounts import amount_of, check_currency
from recoup.orders.rules.cycles import first_from, next_charge
from recoup.rescue.rules.pause import check_taking
from recoup.stablecoin.flows.charge import customer_id
from recoup.stablecoin.moves.subscription import SubscriptionChange, begin_subscription
from recoup.stablecoin.rules.channels import choose
from recoup.stablecoin.store.subscriptions import (
    IntervalUnit,
    NewSubscription,
    add_payer,
    lock_subscription,
)

AHEAD_MAX: Final = timedelta(days=5 * 366)
BEHIND_MAX: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """`anchor` None: now. `total_cycles` 0: without end. `customer` is personal. `facts`: metadata
    and addresses."""

    title: str
    amount: str
    currency: str
    interval_unit: IntervalUnit
    interval_count: int = 1
    channel: str | None = None
    customer: str | None = None
    total_cycles: int = 0
    anchor: datetime | None = None
    ends_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    key: str | None = None


async def subscribe(
    world: World, merchants: Merchants, scope: Scope, request: SubscriptionRequest
) -> UUID:
    """The subscription's id; its first cycle is charged at the anchor. The same key is the same
    subscription.

    Raises: Problem invalid, conflict, forbidden.
    """
    merchants.forget(
        scope.merchant_id
    )  # the anchor is compared with the merchant's clock as it stands
    merchant = (await merchants.get(scope.merchant_id)).merchant
    if merchant.killed:
        raise Problem(
            "forbidden",
            "This merchant takes no payments now.",
            "Ask the operator.",
            detail="merchant_suspended",
        )
    check_taking(merchant)
    wall = world.clocks.wall()
    row = _row(world, scope, request, merchant.business(wall))
    meant = [row.title, row.units, row.asset, row.channel, row.interval_unit, row.interval_count]
    meant += [row.total_cycles, request.customer, str(request.anchor), str(request.ends_at)]
    gate = once(world, scope, "subscription", request.key, meant, "Idempotency-Key")
    made = row.subscription_id
    answer = gate.row(made, {"subscription_id": str(made)}, wall)

    async def work() -> UUID:
        async with world.db.transaction() as tx:
            if request.customer and row.customer_id:
                await add_payer(
                    tx, scope.merchant_id, row.customer_id, request.customer, row.created_at
                )
            await begin_subscription(tx, row, answer)
            await note(
                tx,
                scope,
                wall,
                "subscription.made",
                made,
                {"amount": f"{request.amount} {row.asset}"},
            )
        return made

    return await gate.run(lambda: retrying(work), lambda known: UUID(known["subscription_id"]))


def _row(
    world: World, scope: Scope, request: SubscriptionRequest, now: datetime
) -> NewSubscription:
    amount = amount_of(request.amount, check_currency(request.currency))
    channel = choose(request.channel, None, request.currency, test=world.policy.test_mode)
    anchor = to_utc(request.anchor or now)
    if anchor is None or not now - BEHIND_MAX <= anchor <= now + AHEAD_MAX:
        cure = "Begin today or later, within five years."
        raise invalid("The field billing_anchor is too far away.", "billing_anchor", cure)
    ends_at = to_utc(request.ends_at) if request.ends_at else None
    if request.ends_at and ends_at is None:
        cure = "Leave it out for a subscription without end."
        raise invalid("The field ends_at is too far away.", "ends_at", cure)
    if ends_at and ends_at < anchor:
        raise invalid(
            "The field ends_at lies before the first cycle.",
            "ends_at",
            "Send a later date, or leave it out.",
        )
    customer = request.customer
    return NewSubscription(
        scope.merchant_id,
        new_id(),
        version=0,
        state="active",
        title=request.title,
        customer_id=customer_id(world, scope.merchant_id, customer) if customer else None,
        asset=amount.asset,
        units=amount.units,
        amount_text=request.amount,
        channel=channel.code if channel else None,
        interval_unit=request.interval_unit,
        interval_count=request.interval_count,
        total_cycles=request.total_cycles,
        anchor=anchor,
        next_charge_at=anchor,
        ends_at=ends_at,
        facts=request.facts,
        created_at=now,
    )


async def pause(world: World, scope: Scope, subscription_id: UUID) -> None:
    """Raises: Problem not_found, wrong_state. Pausing what is paused changes nothing."""

    def work(change: SubscriptionChange) -> None:
        if change.state != "paused":
            _only(change, "paused", ("active", "past_due"))
            change.state = "paused"

    await _change(world, scope, subscription_id, work)


async def resume(world: World, scope: Scope, subscription_id: UUID) -> None:
    """Cycles that passed meanwhile are left out; the day of the cycle stays. Raises: Problem
    not_found, wrong_state."""

    def work(change: SubscriptionChange) -> None:
        if change.state in ("active", "past_due"):
            return
        _only(change, "resumed", ("paused",))
        row = change.row
        every = (row.anchor, row.interval_unit, row.interval_count)
        change.skipped = (
            first_from(*every, change.cycles_done + change.skipped, change.now) - change.cycles_done
        )
        change.next_charge_at = next_charge(
            *every, change.cycles_done, change.skipped, row.total_cycles, row.ends_at
        )
        change.state = "active" if change.next_charge_at else "completed"
        if change.next_charge_at is None:
            change.tell("subscription.completed", None, None)

    await _change(world, scope, subscription_id, work)


async def end(world: World, scope: Scope, subscription_id: UUID) -> None:
    """Ends a subscription: no further cycle is charged; the last order stays as it is. Raises:
    Problem not_found, wrong_state."""

    def work(change: SubscriptionChange) -> None:
        if change.state != "canceled":
            _only(change, "canceled", ("active", "past_due", "paused"))
            change.state, change.next_charge_at = "canceled", None

    await _change(world, scope, subscription_id, work)


def _only(change: SubscriptionChange, what: str, states: tuple[str, ...]) -> None:
    if change.state not in states:
        raise Problem(
            "wrong_state",
            f"A subscription that is {change.state} cannot be {what}.",
            "Create a new one.",
        )


async def _change(
    world: World, scope: Scope, subscription_id: UUID, work: Callable[[SubscriptionChange], None]
) -> None:
    async def once() -> None:
        async with world.db.transaction() as tx:
            row = await lock_subscription(tx, scope.merchant_id, subscription_id)
            if row is None:
                raise Problem(
                    "not_found",
                    "There is no such subscription.",
                    "Check its id; GET /api/v1/subscriptions lists them.",
                )
            change = SubscriptionChange(row, world.clocks.wall())
            work(change)
            await change.write(tx)
            if change.state != row.state:
                details = {"state": [row.state, change.state]}
                await note(
                    tx, scope, world.clocks.wall(), "subscription.changed", subscription_id, details
                )

    await retrying(once)
