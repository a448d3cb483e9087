"""A person holds an order, lets it go, has it tried now: twice, from two places, from a dying
process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from tests.left_processes import Killer, dying_process, run_until_killed, second_process
from tests.worlds import FUNDS_CARD, POLICY, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.by_hand import bring_forward, hold, release
from recoup.rescue.flows.due import start
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import CardGiven, Vault

MAYA = Actor("user", "0199aa00-0000-7000-8000-000000000001")


def told(
    server: ServerAddress, story: Callable[[Shop], Awaitable[None]], policy: Policy = POLICY
) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=policy) as made:
            shop = await make_shop(*made)
            await story(replace(shop, scope=replace(shop.scope, actor=MAYA)))
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


async def waiting(shop: Shop, pan: str = FUNDS_CARD) -> UUID:
    """An order with an attempt planned for later."""
    order_id = await shop.admit(pan=pan)
    await start(shop.orders, shop.key(order_id))
    return order_id


async def refused(work: Awaitable[object]) -> str:
    with pytest.raises(Problem) as caught:
        await work
    return caught.value.code


def test_a_held_order_sends_nothing_until_it_is_released(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await waiting(shop, script_card("visa", "51", 0))
        assert await refused(hold(shop.orders, shop.scope, order_id, "because")) == "invalid"
        assert await hold(shop.orders, shop.scope, order_id, "check")
        assert not await hold(shop.orders, shop.scope, order_id, "fraud")  # pressed twice
        held = await shop.order(order_id)
        assert (held["stage"], held["attention"]) == (
            "held",
            "held:held_by_person:check",
        )
        assert await refused(bring_forward(shop.orders, shop.scope, order_id)) == "wrong_state"
        await shop.advance(timedelta(days=10))
        assert (await shop.order(order_id))["attempts"] == 0
        assert await release(shop.orders, shop.scope, order_id)
        assert not await release(shop.orders, shop.scope, order_id)
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"
        assert await refused(release(shop.orders, shop.scope, order_id)) == "wrong_state"
        assert await refused(hold(shop.orders, shop.scope, order_id, "check")) == "wrong_state"

    told(server, story)


def test_a_draft_is_held_and_gets_its_first_look_when_it_is_released(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        assert await hold(shop.orders, shop.scope, order_id, "asked")
        await shop.run_due()
        assert await shop.happenings(order_id) == ["received", "held"]
        await release(shop.orders, shop.scope, order_id)
        await shop.run_due()
        assert (await shop.happenings(order_id))[2:] == ["released", "planned"]
        again = await shop.admit(pan=FUNDS_CARD)
        await hold(shop.orders, shop.scope, again, "asked")
        await shop.advance(timedelta(days=22))
        assert (await shop.order(again))["reason"] == "expired"

    told(server, story)


def test_what_the_operator_holds_the_operator_lets_go(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await waiting(shop)
        assert await hold(shop.orders, shop.scope, order_id, "fraud", operator=True)
        assert await refused(release(shop.orders, shop.scope, order_id)) == "forbidden"
        assert await refused(hold(shop.orders, shop.scope, order_id, "fraud")) == "wrong_state"
        assert await release(shop.orders, shop.scope, order_id, operator=True)
        await hold(shop.orders, shop.scope, order_id, "asked")
        assert await release(shop.orders, shop.scope, order_id, operator=True)
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE merchants SET killed = true, version = version + 1")
        await bring_forward(shop.orders, shop.scope, order_id)
        await shop.run_due()
        assert (await shop.order(order_id))["stage"] == "held"
        assert (
            await refused(release(shop.orders, shop.scope, order_id, operator=True))
            == "wrong_state"
        )
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE merchants SET killed = false, version = version + 1")
        assert await refused(release(shop.orders, shop.scope, order_id)) == "forbidden"
        assert await release(shop.orders, shop.scope, order_id, operator=True)

    told(server, story)


def test_another_card_does_not_get_an_order_past_its_hold(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await waiting(shop)
        await hold(shop.orders, shop.scope, order_id, "fraud", operator=True)
        token_id = new_id()
        await Vault(shop.world).store(
            CardGiven(shop.merchant_id, token_id, APPROVE_CARDS[1], 9, 2031, "")
        )
        await amend(shop.world, shop.orders, shop.scope, order_id, Amended(token_id=token_id))
        await shop.advance(timedelta(days=2))
        order = await shop.order(order_id)
        assert (order["stage"], order["attempts"]) == ("held", 0)
        await release(shop.orders, shop.scope, order_id, operator=True)
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"

    told(server, story)


def test_retry_now_is_one_send_however_often_it_is_pressed(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await waiting(shop)
        async with second_process(shop.world) as other:
            pressed = await asyncio.gather(
                *(
                    bring_forward(orders, shop.scope, order_id)
                    for orders in (shop.orders, Orders(other)) * 8
                )
            )
        assert sorted(pressed) == [False] * 15 + [True]
        await shop.settle()
        order = await shop.order(order_id)
        assert (order["attempts"], order["stage"]) == (1, "processing")
        assert order["next_attempt_at"] > await shop.now()
        assert (await shop.happenings(order_id)).count("attempt_sent") == 1

    told(server, story)


def test_stopped_attempts_are_not_tried_now_and_go_on_when_wanted(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await waiting(shop, script_card("visa", "51", 0))
        await amend(shop.world, shop.orders, shop.scope, order_id, Amended(do_not_retry=True))
        assert await refused(bring_forward(shop.orders, shop.scope, order_id)) == "wrong_state"
        await shop.advance(timedelta(days=9))
        assert (await shop.order(order_id))["attempts"] == 0
        await amend(shop.world, shop.orders, shop.scope, order_id, Amended(do_not_retry=False))
        await bring_forward(shop.orders, shop.scope, order_id)
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"

    told(server, story)


def test_the_networks_limits_bind_a_person_too(server: ServerAddress) -> None:
    """Pressed until nothing goes any more: the card never sees more than its allowance."""

    async def story(shop: Shop) -> None:
        order_id = await waiting(shop)
        for _ in range(6):
            try:
                await bring_forward(shop.orders, shop.scope, order_id)
            except Problem:
                break
            await shop.settle()
        sends = "SELECT count(*) FROM network_sends WHERE order_id = $1"
        assert await shop.value(sends, order_id) == 3  # the merchant's own decline is one of them
        assert "attempt_withheld" in await shop.happenings(order_id)

    told(server, story, policy=replace(POLICY, visa_limit=3))


def test_hold_and_a_send_race_and_one_of_them_is_first(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        ids = [await waiting(shop, script_card("visa", "51", 0)) for _ in range(8)]
        for order_id in ids:
            await bring_forward(shop.orders, shop.scope, order_id)

        async def stop(order_id: UUID) -> str:
            try:
                return str(await hold(shop.orders, shop.scope, order_id, "fraud"))
            except Problem as problem:
                return problem.code

        async with second_process(shop.world) as other:
            theirs = replace(shop, world=other, orders=Orders(other))
            *answers, _ = await asyncio.gather(
                *(stop(order_id) for order_id in ids), theirs.run_due()
            )
        await shop.settle()
        for order_id, answer in zip(ids, answers, strict=True):
            order = await shop.order(order_id)
            held = answer == "True"
            assert (order["stage"], order["attempts"]) == (
                ("held", 0) if held else ("completed", 1)
            ), answer

    told(server, story)


def test_killed_between_two_statements_a_press_is_whole_or_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        for at in range(1, 40):
            order_id = await waiting(shop)
            killer = Killer(at, after=bool(at % 2))
            async with dying_process(shop, killer) as dying:
                await run_until_killed(killer, bring_forward(dying.orders, shop.scope, order_id))
            if killer.steps < at:
                break
            await bring_forward(shop.orders, shop.scope, order_id)
            await shop.settle()
            assert (await shop.order(order_id))["attempts"] == 1
            assert (await shop.happenings(order_id)).count("attempt_sent") == 1
        assert at < 39

    told(server, story)
