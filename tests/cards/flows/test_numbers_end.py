"""A card number ends: 25 months after its last order, or with its customer; never while it may
still be charged."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.worlds import HARD_CARD, Shop, make_shop, owner, sandbox_world

from recoup.cards.store.vault import NUMBERS_KEPT, SHARES, forget_numbers
from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_person, payer_ids
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks.magic import COUNTING_CARDS, script_card
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.tokenize import CardGiven, Vault

OTHER = script_card("mastercard", "51", 0)


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            await story(await make_shop(*made))
            assert not (await verify(made[0])).differences

    asyncio.run(tell())


async def sealed(shop: Shop, order_id: UUID) -> bool:
    found: bool = await shop.value(
        "SELECT v.kek_id IS NOT NULL FROM orders o JOIN vault v USING (merchant_id, token_id) "
        "WHERE o.order_id = $1",
        order_id,
    )
    return found


async def forget(shop: Shop, before: datetime, most: int = 1_000) -> int:
    """In as many days as there are shares."""
    days = (before + timedelta(days=day) for day in range(SHARES))
    async with owner(shop.world) as connection:
        return sum([await forget_numbers(connection, day, most) for day in days])


def test_a_number_that_no_order_had_for_long_is_forgotten(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        ended = await shop.admit(pan=HARD_CARD)
        await shop.advance(timedelta(days=9))
        going = await shop.admit(pan=OTHER)
        token = await shop.value("SELECT token_id FROM orders WHERE order_id = $1", ended)
        wall = shop.world.clocks.wall()
        assert await forget(shop, wall - timedelta(days=SHARES)) == 0, "it was used since"
        assert await forget(shop, wall + timedelta(days=30), most=0) == 0
        assert await forget(shop, wall + timedelta(days=30)) == 1
        assert (await sealed(shop, ended), await sealed(shop, going)) == (False, True)
        with pytest.raises(Problem, match="not known for this merchant"):
            await shop.ask(token_id=token, pan=None)
        again = await shop.admit(pan=HARD_CARD)
        assert await sealed(shop, again), "it came anew"
        same = "SELECT pan_id FROM orders WHERE order_id = $1"
        assert await shop.value(same, again) == await shop.value(same, ended)

    run(server, story)


def test_a_number_goes_with_its_customer(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        person, stranger = "ana@example.test", "liam@example.test"
        paid = await shop.admit(email=person)
        shared = await shop.admit(email=person, pan=HARD_CARD)
        await shop.admit(email=stranger, pan=HARD_CARD)
        await shop.advance(timedelta(days=12))
        await shop.settle()
        going = await shop.admit(email=person, pan=OTHER)
        [payer_id] = payer_ids(shop.world, shop.merchant_id, person)
        await erase_person(shop.world, shop.scope, payer_id)
        assert [await sealed(shop, each) for each in (paid, shared, going)] == [False, True, True]
        await refund(shop.world, shop.orders, shop.scope, paid, RefundRequest(all=True))
        await shop.settle()
        assert await shop.value("SELECT state FROM modifications WHERE order_id = $1", paid) == (
            "done"
        )
        await shop.advance(timedelta(days=22))
        await erase_person(shop.world, shop.scope, payer_id)
        assert not await sealed(shop, going), "it has ended"

    run(server, story)


def test_numbers_stay_for_25_months() -> None:
    most = NUMBERS_KEPT + timedelta(days=SHARES)
    assert timedelta(days=25 * 30) < NUMBERS_KEPT < most < timedelta(days=26 * 30)


def test_an_order_whose_number_is_gone_ends_as_with_an_expired_card(server: ServerAddress) -> None:
    """A number that is deleted as an order comes in with it is no work that fails for ever."""

    async def story(shop: Shop) -> None:
        order_id = await shop.admit()
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE vault SET kek_id = NULL, wrapped_dek = NULL, nonce = NULL, "
                "ciphertext = NULL"
            )
        await shop.advance(timedelta(days=3))
        await shop.settle()
        await shop.advance(timedelta(days=22))
        assert (await shop.order(order_id))["stage"] == "expired"
        assert "attempt_declined" in await shop.happenings(order_id)
        assert not await shop.value("SELECT count(*) FROM due_work WHERE subject_id = $1", order_id)

    run(server, story)


def test_a_former_number_goes_with_its_customer_once_it_cannot_come_back(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=COUNTING_CARDS[0])
        card = CardGiven(shop.merchant_id, new_id(), OTHER, 9, 2031)
        await Vault(shop.world).store(card)
        await amend(shop.world, shop.orders, shop.scope, order_id, Amended(card.token_id))
        payer_id = await shop.value("SELECT payer_id FROM order_payer")
        numbers = "SELECT count(*) FROM vault WHERE kek_id IS NOT NULL"
        await erase_person(shop.world, shop.scope, payer_id)
        assert await shop.value(numbers) == 2, "either may still be charged"
        await cancel(shop.world, shop.orders, shop.scope, order_id)
        await shop.settle()
        await erase_person(shop.world, shop.scope, payer_id)
        assert await shop.value(numbers) == 0

    run(server, story)
