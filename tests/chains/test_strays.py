"""Tokens that pay nothing, and coins: a case where they are known, and swept to where the order's
terms say."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.chains.node import Anvil, Mode
from tests.chains.test_money import CUSTODY, DUE, address, book, paid, settlements, swept
from tests.chains.test_story import MERCHANT, Ground, ground
from tests.stablecoin.flows.test_late import proved, told

from recoup.chains import sends_store
from recoup.chains.abi import to_hex
from recoup.chains.health import differences
from recoup.chains.moves import UNEXPECTED
from recoup.chains.transfers import sweep_stray
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.orders.rules.lifecycle import Stage
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import StableOrder


def run(
    server: ServerAddress,
    anvil: Anvil,
    story: Callable[[Ground, bytes], Awaitable[None]],
    *,
    custodial: bool = False,
) -> None:
    """`story` with a token that payers take for the channel's own, and afterwards all of `recoup
    verify --chain`."""

    async def whole() -> None:
        alike = await anvil.deploy_token()
        own = {"settlement": "custodial", "custody": shown(CUSTODY, "evm")} if custodial else {}
        async with ground(server, anvil, lookalikes=[shown(alike, "evm")], **own) as made:
            await story(made, alike)
            await made.shop.close_pages()
            await proved(made.shop)
            assert await differences(made.shop.world) == []

    asyncio.run(whole())


async def wanted(ground: Ground, order: StableOrder, asset: str) -> None:
    await sweep_stray(ground.shop.world, ground.shop.scope, order.order_id, None, asset)


async def states(ground: Ground, order: StableOrder) -> list[tuple[str, str | None]]:
    rows = await sends_store.strays_of(ground.shop.world.db, order.merchant_id, order.order_id)
    return [(row.state, row.why) for row in rows]


@pytest.mark.parametrize("custodial", [False, True])
@pytest.mark.parametrize("served", [False, True])
def test_another_token_is_a_case_until_it_is_swept_and_pays_nothing(
    server: ServerAddress, anvil: Anvil, custodial: bool, served: bool
) -> None:
    """`served`: the token of another channel; else one that is like the channel's own."""

    async def story(ground: Ground, alike: bytes) -> None:
        token = ground.other if served else alike
        order, wallet = await ground.charge(), CUSTODY if custodial else MERCHANT
        for _ in range(2):
            await paid(ground, order, DUE, token=token)
        assert (await ground.now(order)).stage is Stage.RECEIVED
        assert await told(ground.shop, order.order_id) == UNEXPECTED
        assert (await ground.shop.happenings(order.order_id)).count("wrong_token") == 2
        assert await book(ground) == {}
        await paid(ground, order, DUE)
        assert (await ground.now(order)).stage is Stage.COMPLETED
        before = await book(ground)
        for _ in range(2):
            await wanted(ground, order, shown(token, "evm"))
        noted = "SELECT count(*) FROM audit_lines WHERE action = 'chain.swept'"
        assert await ground.shop.value(noted) == 2
        await swept(ground)
        assert await states(ground, order) == [("done", None)]
        assert await ground.anvil.held(token, wallet) + 249_500 >= 2 * DUE
        assert await told(ground.shop, order.order_id) is None
        assert (await ground.shop.happenings(order.order_id)).count("wrong_token_swept") == 1
        if custodial:
            assert await book(ground) == before
        else:
            assert [state for state, _, _ in await settlements(ground, order)] == ["confirmed"]
        await paid(ground, order, 1_000_000, token=token)
        assert await told(ground.shop, order.order_id) == UNEXPECTED, "more of it is another case"

    run(server, anvil, story, custodial=custodial)


def test_coins_and_tokens_that_nobody_watches_are_swept_alone(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground, _: bytes) -> None:
        orders = [await ground.charge(order=name) for name in ("one", "two")]
        strange = await anvil.deploy_token(mode=Mode.FALSE)
        for order in orders:
            await anvil.send(address(order), value=10**18)
            await paid(ground, order, DUE, token=strange)
            assert await told(ground.shop, order.order_id) is None
            for asset in ("coin", shown(strange, "evm")):
                await wanted(ground, order, asset)
        await swept(ground)
        assert [await states(ground, order) for order in orders] == [[("done", None)] * 2] * 2
        held = int(await anvil.call("eth_getBalance", to_hex(MERCHANT), "latest"), 16)
        assert held == 2 * (10**18 - 249_500)
        assert await anvil.held(strange, MERCHANT) == 2 * (DUE - 249_500)
        assert await ground.shop.value("SELECT count(*) FROM chain.transactions") == 4
        assert await book(ground) == {}

    run(server, anvil, story)


def test_what_is_not_there_costs_no_gas_and_may_be_wanted_again(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground, alike: bytes) -> None:
        order = await ground.charge()
        await wanted(ground, order, "coin")
        await wanted(ground, order, shown(b"\x66" * 20, "evm"))
        await swept(ground)
        found = await states(ground, order)
        assert [state for state, _ in found] == ["failed"] * 2, found
        assert ("failed", "nothing of it is at the address") in found
        assert await ground.shop.value("SELECT count(*) FROM chain.transactions") == 0
        await anvil.send(address(order), value=10**18)
        await wanted(ground, order, "coin")
        await swept(ground)
        assert (await states(ground, order))[-1] == ("done", None)

    run(server, anvil, story)


def test_a_receiver_that_burns_gas_is_not_paid_for(server: ServerAddress, anvil: Anvil) -> None:
    """125,000 rounds of 26 gas."""

    async def story(ground: Ground, _: bytes) -> None:
        order = await ground.charge()
        await anvil.call("anvil_setCode", to_hex(MERCHANT), "0x6201e8485b6001900380600457" + "00")
        await anvil.send(address(order), value=10**18)
        await wanted(ground, order, "coin")
        await swept(ground)
        ((state, why),) = await states(ground, order)
        assert state == "failed"
        assert "more than 1000000" in str(why)
        assert await ground.shop.value("SELECT count(*) FROM chain.transactions") == 0

    run(server, anvil, story)


def test_what_pays_the_order_and_what_is_on_no_chain_of_ours_is_refused(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground, alike: bytes) -> None:
        order, sweep = await ground.charge(), sweep_stray
        world, scope = ground.shop.world, ground.shop.scope
        for match, order_id, network, asset in (
            ("swept by itself", order.order_id, None, shown(ground.token, "evm")),
            ("this network", order.order_id, "polygon", "coin"),
            ("no chain", scope.merchant_id, None, "coin"),
            ("address", order.order_id, None, "0x12"),
        ):
            with pytest.raises(Problem, match=match):
                await sweep(world, scope, order_id, network, asset)
        assert await states(ground, order) == []
        await ground.poll()

    run(server, anvil, story)
