"""Money that comes when the order is over, or that nobody told us of in time: a fact, a desk, never
lost."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.processors.gateways.channels import Payment
from recoup.processors.gateways.port import Outcome
from recoup.rescue.flows.locked import Job
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.expire import cancel
from recoup.stablecoin.flows.pay import simulate, simulate_by_operator
from recoup.stablecoin.gateways.channel import MockChannel
from recoup.stablecoin.moves.payment import PAID_LATE, pick_channel

PAYER = Actor("payer", "checkout")


async def charge(shop: Shop, external_id: str = "order-1", channel: str | None = "mock") -> Any:
    charges = Charges(shop.world, shop.merchants)
    asked = StablecoinChargeRequest(
        external_id, "49.90", "USDT", channel, expires_in=timedelta(minutes=10)
    )
    return (await charges.charge(shop.scope, asked)).order


async def proved(shop: Shop) -> None:
    found = await verify(shop.world)
    assert found.difference is None, found.difference


def told(shop: Shop, order_id: UUID) -> Any:
    return shop.value("SELECT attention FROM order_heads WHERE order_id = $1", order_id)


@pytest.mark.parametrize("end", ["expired", "cancelled", "declined"])
def test_a_payment_after_the_end_is_kept_and_told_once(server: ServerAddress, end: str) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order = await charge(shop)
            key = shop.key(order.order_id)
            if end == "declined":
                await simulate(shop.world, shop.orders, key, approve=False, actor=PAYER)
            elif end == "cancelled":
                await cancel(shop.world, shop.orders, shop.scope, order.order_id)
            await shop.advance(timedelta(minutes=11))
            assert (await shop.order(order.order_id))["stage"] == end
            for _ in range(3):
                said = await simulate_by_operator(shop.world, shop.orders, "order-1", True)
            after = await shop.order(order.order_id)
            assert after["stage"] == end, "an ended order stays ended"
            if end == "declined":  # the channel's first word for a payment stands
                assert said == "paid late: the order had ended, its page says what is to be done"
                assert "paid_late" not in await shop.happenings(order.order_id)
                await proved(shop)
                return
            assert await told(shop, order.order_id) == PAID_LATE
            assert (await shop.happenings(order.order_id)).count("paid_late") == 1
            due = "SELECT sum(units)::bigint FROM entries WHERE account = 'reversal_due'"
            assert await shop.value(due) == -49_900_000
            await shop.close_pages()
            await proved(shop)

    asyncio.run(story())


def test_the_page_does_not_pay_an_order_that_is_over(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order = await charge(shop)
            await shop.advance(timedelta(minutes=11))
            with pytest.raises(Problem) as refused:
                await simulate(
                    shop.world, shop.orders, shop.key(order.order_id), approve=True, actor=PAYER
                )
            assert refused.value.code == "wrong_state"
            await proved(shop)

    asyncio.run(story())


@pytest.mark.parametrize(("approve", "stage"), [(True, "completed"), (False, "declined")])
def test_what_nobody_told_us_of_is_asked_before_the_order_expires(
    server: ServerAddress, approve: bool, stage: str
) -> None:
    """A crash between the channel's word and ours."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order = await charge(shop)
            channel: MockChannel = shop.world.channels["mock"]
            payment = Payment(
                order.attempt_id, order.order_id, shop.merchant_id, order.units, order.asset
            )
            await channel.pay(payment, approve)
            assert (await shop.order(order.order_id))["stage"] == "received"
            await shop.advance(timedelta(minutes=11))
            assert (await shop.order(order.order_id))["stage"] == stage
            await proved(shop)

    asyncio.run(story())


def test_a_payment_that_arrives_after_the_cancel_is_asked_for_until_it_is_there(
    server: ServerAddress,
) -> None:
    """The payer's payment is on its way while the merchant cancels: nobody is told of it later."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            arrives, lost = await charge(shop), await charge(shop, "order-2")
            channel: MockChannel = shop.world.channels["mock"]
            for order in (arrives, lost):
                await shop.orders.change(
                    Job(shop.key(order.order_id), lambda c: pick_channel(c, None), PAYER, "test")
                )
                await cancel(shop.world, shop.orders, shop.scope, order.order_id)
                await shop.run_due()
            await proved(shop)
            waiting = "SELECT count(*) FROM due_work WHERE kind = 'last_word'"
            assert await shop.value(waiting) == 2, "the channel knows of nothing yet"
            payment = Payment(
                arrives.attempt_id, arrives.order_id, shop.merchant_id, arrives.units, "USDT"
            )
            await channel.pay(payment, True)
            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE due_work SET due_at = now() WHERE kind = 'last_word'"
                )
                await connection.execute(
                    "UPDATE attempts SET send_before = send_before - interval '1 minute'"
                )
            await shop.run_due()
            assert await shop.value(waiting) == 0
            assert await told(shop, arrives.order_id) == PAID_LATE
            assert (await shop.happenings(arrives.order_id)).count("paid_late") == 1
            assert "paid_late" not in await shop.happenings(lost.order_id)
            await proved(shop)

    asyncio.run(story())


def test_a_payer_who_presses_again_in_the_first_window_does_not_pay_twice(
    server: ServerAddress,
) -> None:
    """The first channel denies the payment, then gets it after all,
    while the second window waits."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order = await charge(shop, channel=None)
            key = shop.key(order.order_id)
            again = Job(key, lambda change: pick_channel(change, "mock"), PAYER, "test")
            await shop.orders.change(again)
            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE attempts SET send_before = send_before - interval '1 minute'"
                )
            channel: MockChannel = shop.world.channels["mock"]
            ask = channel.inquire

            async def slow(id: UUID) -> Outcome:
                said = await ask(id)
                await shop.orders.change(again)
                return said

            channel.inquire = slow  # type: ignore[method-assign]
            with pytest.raises(Problem, match="went on elsewhere"):
                await simulate(
                    shop.world, shop.orders, key, approve=True, actor=PAYER, channel="mock_direct"
                )
            channel.inquire = ask  # type: ignore[method-assign]
            assert (
                await simulate(shop.world, shop.orders, key, approve=True, actor=PAYER)
                == "approved"
            )
            async with owner(shop.world) as connection:
                assert await connection.fetchval("SELECT count(*) FROM mock_channel.payments") == 1
            assert (await shop.order(order.order_id))["stage"] == "completed"
            await proved(shop)

    asyncio.run(story())


def test_two_payers_at_once_pay_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order = await charge(shop)
            key = shop.key(order.order_id)
            presses = (
                simulate(shop.world, shop.orders, key, approve=n % 2 == 0, actor=PAYER)
                for n in range(16)
            )
            answers = await asyncio.gather(*presses, return_exceptions=True)
            assert {a for a in answers if isinstance(a, str)} <= {"approved", "declined"}
            assert len({a for a in answers if isinstance(a, str)}) == 1
            assert all(isinstance(a, str | Problem) for a in answers)
            happened = await shop.happenings(order.order_id)
            assert happened.count("collected") + happened.count("declined") == 1
            await proved(shop)

    asyncio.run(story())


def test_the_operator_pays_and_declines_by_any_id(server: ServerAddress) -> None:
    async def story() -> None:
        from recoup.kernel.ids import wire_id

        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            first, second = await charge(shop, "a"), await charge(shop, "b", None)
            assert await simulate_by_operator(shop.world, shop.orders, "a", False) == "failed"
            assert (
                await simulate_by_operator(
                    shop.world, shop.orders, wire_id("ord", second.order_id), True
                )
                == "paid"
            )
            rescue = await shop.admit(external_id="SUB-1")
            assert await simulate_by_operator(shop.world, shop.orders, str(rescue), True) is None
            assert (await shop.order(first.order_id))["stage"] == "declined"
            await proved(shop)

    asyncio.run(story())
