"""What somebody can do about money that came too late, and about a settlement that the channel
refused."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tests.stablecoin.flows.deciding import give_back, settle_by_hand
from tests.stablecoin.flows.test_late import PAYER, charge, proved, told
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.stablecoin.flows.pay import simulate, simulate_by_operator
from recoup.stablecoin.flows.settle import settle_again

SENT = "SELECT count(*) FROM mock_channel.transfers WHERE decision = 'approved' AND kind = $1"
OWED = "SELECT coalesce(sum(units), 0)::bigint FROM entries WHERE account = 'reversal_due'"


async def paid_late(shop: Shop, channel: str = "mock") -> UUID:
    order = await charge(shop, channel=channel)
    await shop.advance(timedelta(minutes=11))
    await simulate_by_operator(shop.world, shop.orders, "order-1", True)
    return UUID(str(order.order_id))


async def the_channel_refuses(shop: Shop, *, refuses: bool) -> None:
    async with owner(shop.world) as connection:
        currency = "USDC" if refuses else "USDT"
        await connection.execute("UPDATE mock_channel.payments SET currency = $1", currency)


async def sent(shop: Shop, kind: str) -> int:
    async with owner(shop.world) as connection:
        count: int = await connection.fetchval(SENT, kind)
    return count


def test_a_late_payment_is_given_back_once_however_often_the_button_is_pressed(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order_id = await paid_late(shop)
            await asyncio.gather(
                *(give_back(shop.world, shop.orders, shop.scope, order_id) for _ in range(16))
            )
            assert await told(shop, order_id) is None, "nobody has to look any more"
            await proved(shop)
            await shop.run_due()
            await give_back(shop.world, shop.orders, shop.scope, order_id)
            await shop.run_due()
            assert await sent(shop, "refund") == 1
            assert await shop.value(OWED) == 0
            happened = await shop.happenings(order_id)
            assert happened[-2:] == ["reversal_owed", "reversed"]
            assert (await shop.order(order_id))["stage"] == "expired"
            await shop.close_pages()
            await proved(shop)

    asyncio.run(story())


def test_what_the_channel_refused_to_give_back_can_be_tried_again(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order_id = await paid_late(shop)
            await the_channel_refuses(shop, refuses=True)
            await give_back(shop.world, shop.orders, shop.scope, order_id)
            await shop.run_due()
            assert "stuck" in await told(shop, order_id)
            await the_channel_refuses(shop, refuses=False)
            await proved(shop)
            for _ in range(3):
                await give_back(shop.world, shop.orders, shop.scope, order_id)
            await shop.run_due()
            assert await told(shop, order_id) is None
            assert (await sent(shop, "refund"), await shop.value(OWED)) == (1, 0)
            await proved(shop)

    asyncio.run(story())


def test_late_money_of_a_direct_channel_is_settled_by_hand_with_a_note(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order_id = await paid_late(shop, "mock_direct")
            with pytest.raises(Problem, match="your own wallet") as direct:
                await give_back(shop.world, shop.orders, shop.scope, order_id)
            assert "mark it as settled by hand" in direct.value.cure
            with pytest.raises(Problem, match="note is empty"):
                await settle_by_hand(shop.orders, shop.scope, order_id, " \0 ")
            for _ in range(3):
                await settle_by_hand(shop.orders, shop.scope, order_id, "Sent back, tx 0xabc")
            assert (await shop.happenings(order_id)).count("settled_by_hand") == 1
            assert await shop.value("SELECT message FROM modifications") == "Sent back, tx 0xabc"
            assert await told(shop, order_id) is None
            assert (await sent(shop, "refund"), await shop.value(OWED)) == (0, 0)
            await shop.close_pages()
            await proved(shop)

    asyncio.run(story())


def test_money_that_its_channel_can_send_back_is_not_settled_by_hand(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order_id = await paid_late(shop)
            with pytest.raises(Problem, match="with its channel"):
                await settle_by_hand(shop.orders, shop.scope, order_id, "done")
            paid = await charge(shop, "order-2")
            await simulate(
                shop.world, shop.orders, shop.key(paid.order_id), approve=True, actor=PAYER
            )
            for work in (
                give_back(shop.world, shop.orders, shop.scope, paid.order_id),
                settle_by_hand(shop.orders, shop.scope, paid.order_id, "done"),
                settle_again(shop.orders, shop.scope, paid.order_id),
            ):
                with pytest.raises(Problem) as nothing:
                    await work
                assert nothing.value.code == "wrong_state"
            await proved(shop)

    asyncio.run(story())


def test_a_stuck_settlement_is_tried_again_and_leaves_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order = await charge(shop, channel="mock_direct")
            await simulate(
                shop.world, shop.orders, shop.key(order.order_id), approve=True, actor=PAYER
            )
            await the_channel_refuses(shop, refuses=True)
            await shop.run_due()
            assert "stuck" in await told(shop, order.order_id)
            await the_channel_refuses(shop, refuses=False)
            again = (settle_again(shop.orders, shop.scope, order.order_id) for _ in range(16))
            await asyncio.gather(*again)
            assert await told(shop, order.order_id) is None
            await proved(shop)
            await shop.run_due()
            await settle_again(shop.orders, shop.scope, order.order_id)
            await shop.run_due()
            states = "SELECT string_agg(state, ' ' ORDER BY settlement_id) FROM settlements"
            assert await shop.value(states) == "failed confirmed"
            assert await sent(shop, "sweep") == 1
            await shop.close_pages()
            await proved(shop)

    asyncio.run(story())
