"""A chain is read once for all cells: what comes to an order of any of them pays it, once."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.chains.node import Anvil
from tests.chains.serving import EVM, MERCHANT, agree_on_address, opened_channels, serving
from tests.main.test_across_cells import Without
from tests.main.test_cells import TwoCells, two_cells
from tests.worlds import Shop, make_shop

from recoup.chains import loop
from recoup.chains.health import differences
from recoup.db.server import ServerAddress
from recoup.db.statement import schema_of_cell
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import StableOrder

DUE = 49_900_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "PAUSE_SECONDS", (0.2, 0.3))


async def ordered(shop: Shop, name: str) -> StableOrder:
    request = StablecoinChargeRequest(name, "49.90", "USDC", network="base")
    return (await Charges(shop.world, shop.merchants).charge(shop.scope, request)).order


async def stage(here: TwoCells, shop: Shop, order: StableOrder) -> str:
    found: str = await here.sql(
        f"SELECT stage FROM {schema_of_cell(shop.world.cell)}.current_orders WHERE order_id = $1",
        order.order_id,
    )
    return found


async def until(here: TwoCells, shops: list[Shop], orders: list[StableOrder]) -> None:
    for _ in range(150):
        stages = [await stage(here, *pair) for pair in zip(shops, orders, strict=True)]
        if stages == ["completed"] * len(orders):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(stages)


def run(
    server: ServerAddress,
    anvil: Anvil,
    folder: Path,
    tell: Callable[[TwoCells, list[Shop], bytes], Awaitable[None]],
) -> None:
    async def story() -> None:
        await anvil.deploy_factory()
        token = await anvil.deploy_token()
        usual = EVM | {"endpoints": [anvil.url]}
        with serving(usual | {"code": "usdc_base", "token": shown(token, "evm")}):
            async with two_cells(server, folder) as here:
                shops = []
                for cell in here.running.cells:
                    world: Any = cell.world
                    shop = await make_shop(world, cell.orders, cell.deliveries)
                    await agree_on_address(shop, "evm", MERCHANT)
                    shops.append(shop)
                await opened_channels(here.running.world)
                await tell(here, shops, token)

    asyncio.run(story())


def test_a_payment_is_found_in_whichever_cell_its_order_is(
    server: ServerAddress, anvil: Anvil, tmp_path: Path
) -> None:
    async def tell(here: TwoCells, shops: list[Shop], token: bytes) -> None:
        orders = [await ordered(shop, "order-1") for shop in shops]
        for order in orders:
            await anvil.transfer(token, bytes.fromhex(order.facts["chain"]["raw"]), DUE)
        await anvil.mine(12)
        await until(here, shops, orders)
        assert await here.sql("SELECT count(*) FROM chain.logs") == 2
        assert not [found for found in await differences(here.running.world) if found.order_id]

    run(server, anvil, tmp_path, tell)


@pytest.mark.prove("chains")
def test_a_payment_to_a_cell_that_is_away_is_found_when_it_is_back(
    server: ServerAddress, anvil: Anvil, tmp_path: Path
) -> None:
    async def tell(here: TwoCells, shops: list[Shop], token: bytes) -> None:
        orders = [await ordered(shop, "order-1") for shop in shops]
        with Without(here):
            for order in orders:
                await anvil.transfer(token, bytes.fromhex(order.facts["chain"]["raw"]), DUE)
            await anvil.mine(12)
            await until(here, shops[:1], orders[:1])
            await anvil.mine(60)  # more than a watcher reads again
            await asyncio.sleep(1)
            assert await here.sql("SELECT count(*) FROM chain.logs") == 1
        await until(here, shops, orders)
        assert await here.sql("SELECT count(*) FROM chain.logs") == 2

    run(server, anvil, tmp_path, tell)
