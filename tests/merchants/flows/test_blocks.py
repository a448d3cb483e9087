"""A merchant blocks a customer or a card: nothing new of theirs is taken,
nothing planned is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs
from tests.left_processes import second_process
from tests.worlds import FUNDS_CARD, Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.merchants.flows.blocks import block_of_order, unblock
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.by_hand import bring_forward
from recoup.rescue.flows.due import start
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.taken import Person
from recoup.rescue.flows.tokenize import Vault
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest

ANA = Person(first_name="Ana", last_name="Roe", email="Ana@Example.test")


def told(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            await story(await make_shop(*made))
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


async def refused(work: Awaitable[object]) -> str:
    with pytest.raises(Problem) as caught:
        await work
    return caught.value.code


def test_a_blocked_customer_buys_nothing_more_and_what_was_taken_is_still_read(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        given = await shop.declined(payer=ANA)
        first = await shop.evaluate.evaluate(shop.scope, given)
        assert await block_of_order(shop.world, shop.scope, first.order_id, "customer", "fraud")
        assert not await block_of_order(shop.world, shop.scope, first.order_id, "customer", "abuse")
        await asyncio.sleep(1.1)  # settings are kept a second; admission is fenced besides
        assert await refused(shop.ask(payer=ANA)) == "blocked"
        assert (
            await refused(shop.ask(payer=structs.replace(ANA, email="ANA@example.test")))
            == "blocked"
        )
        again = await shop.evaluate.evaluate(shop.scope, given)  # a repeat is read
        assert again.order_id == first.order_id
        await shop.admit(payer=structs.replace(ANA, email="another@example.test"))
        await shop.transmitted(
            "SELF-1", payer={"external_id": "", "email": ANA.email, "phone": "", "name": ""}
        )
        await shop.advance(timedelta(days=10))  # what is planned is withheld at its gate
        assert "attempt_withheld" in await shop.happenings(first.order_id)
        assert (await shop.order(first.order_id))["attempts"] == 0
        await unblock(shop.world, shop.scope, await shop.value("SELECT block_id FROM blocks"))
        await bring_forward(shop.orders, shop.scope, first.order_id)
        await shop.settle()
        assert (await shop.order(first.order_id))["stage"] == "completed"
        await shop.admit(payer=ANA)

    told(server, story)


def test_a_blocked_card_is_refused_from_everybody_and_refunds_go_on(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=APPROVE_CARDS[1])
        await shop.advance(timedelta(days=8))
        assert (await shop.order(order_id))["stage"] == "completed"
        await block_of_order(shop.world, shop.scope, order_id, "card", "abuse")
        shop.merchants.forget(shop.merchant_id)
        assert await refused(shop.ask(pan=APPROVE_CARDS[1])) == "blocked"
        await shop.admit(pan=FUNDS_CARD)
        await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="10.00", key="r1")
        )
        await shop.settle()
        assert (await shop.order(order_id))["refunded_units"] == 1000

    told(server, story)


def test_admissions_beside_a_block_are_before_it_or_refused(server: ServerAddress) -> None:
    """No order is written by settings from before the block once the block stands, in whatever
    process."""

    async def story(shop: Shop) -> None:
        first = await shop.admit(payer=ANA)
        async with second_process(shop.world) as other:
            merchants = Merchants(other)
            theirs = replace(
                shop,
                world=other,
                merchants=merchants,
                evaluate=Evaluate(other, Orders(other), merchants, Vault(other)),
            )
            await theirs.admit(payer=ANA)  # its settings are kept from now on
            await block_of_order(shop.world, shop.scope, first, "customer", "fraud")
            answers = await asyncio.gather(
                *(refused(one.ask(payer=ANA)) for one in (shop, theirs) * 4)
            )
        assert set(answers) == {"blocked"}

    told(server, story)


def test_a_stablecoin_customer_is_blocked_too(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        charges = Charges(shop.world, shop.merchants)
        asked = StablecoinChargeRequest("order-1", "5.00", "USDT", channel="mock", customer="ana-1")
        made = await charges.charge(shop.scope, asked)
        order_id = made.order.order_id
        assert (
            await refused(block_of_order(shop.world, shop.scope, order_id, "card", "fraud"))
            == "wrong_state"
        )
        await block_of_order(shop.world, shop.scope, order_id, "customer", "fraud")
        assert (
            await refused(charges.charge(shop.scope, replace(asked, merchant_order_id="order-2")))
            == "blocked"
        )
        assert (await charges.charge(shop.scope, asked)).idempotent
        await charges.charge(
            shop.scope, replace(asked, merchant_order_id="order-3", customer="bob-1")
        )
        for kind, reason in (("nobody", "fraud"), ("customer", "because")):
            assert (
                await refused(block_of_order(shop.world, shop.scope, order_id, kind, reason))
                == "invalid"
            )

    told(server, story)


def test_another_merchant_is_not_bound(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        card = script_card("visa", "51", 0)
        order_id = await shop.admit(payer=ANA, pan=card)
        await start(shop.orders, shop.key(order_id))
        await block_of_order(shop.world, shop.scope, order_id, "customer", "fraud")
        await block_of_order(shop.world, shop.scope, order_id, "card", "fraud")
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other & Sons")
        theirs = await other.admit(payer=ANA, pan=card)
        assert (
            await refused(
                unblock(
                    other.world,
                    other.scope,
                    await shop.value("SELECT block_id FROM blocks LIMIT 1"),
                )
            )
            == "not_found"
        )
        await other.advance(timedelta(days=8))
        assert (await other.order(theirs))["stage"] == "completed"

    told(server, story)
