"""A payer's transfer becomes a paid order, on a node of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from tests.chains.node import Anvil, Settings
from tests.chains.serving import EVM, MERCHANT, TREASURY, agree_on_address, opened_channels, serving
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.chains import abi
from recoup.chains.channels import ChannelSettings
from recoup.chains.compare import Comparer
from recoup.chains.credit import credit
from recoup.chains.keystore import Account, KeySigner
from recoup.chains.rpc import Endpoint
from recoup.chains.send import Sender
from recoup.chains.terms import from_json
from recoup.chains.watch import Watcher, networks_of
from recoup.db.server import ServerAddress
from recoup.orders.rules.lifecycle import Stage
from recoup.processors.gateways.transport import Transport
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import StableOrder, settlements_of, stable_order

__all__ = ["MERCHANT", "TREASURY"]


@dataclass
class Ground:
    """A shop whose payers pay on a node. `other`: another token that is served."""

    shop: Shop
    anvil: Anvil
    channel: ChannelSettings
    token: bytes
    other: bytes
    node: Endpoint
    watcher: Watcher
    senders: list[Sender] = field(default_factory=list)

    async def charge(self, amount: str = "49.90", order: str = "order-1") -> StableOrder:
        request = StablecoinChargeRequest(order, amount, "USDC", network="base")
        return (
            await Charges(self.shop.world, self.shop.merchants).charge(self.shop.scope, request)
        ).order

    async def poll(self) -> None:
        await credit(self.shop.world, self.shop.orders, await self.watcher.poll())
        await Comparer(self.shop.world, self.watcher, self.shop.orders).wanted()

    async def sweep(self, order: StableOrder) -> None:
        """By somebody who has the order's terms, a stranger."""
        terms = from_json(order.facts["chain"]["terms"], "evm").encoded()
        factory = self.channel.factory
        assert factory is not None
        assert (await self.anvil.send(factory, abi.sweep(terms, self.token), account=5)).ok

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Blocks come, and are read."""

        async def go_on() -> None:
            while True:
                await self.anvil.mine(1)
                await self.poll()
                await asyncio.sleep(0.05)

        task = asyncio.create_task(go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def sender(self) -> Sender:
        """Whose key has coins for gas."""
        signer = KeySigner(Account.create())
        await self.anvil.set_coins(signer.address, 10**18)
        return self.sender_with(signer)

    def sender_with(self, signer: KeySigner, **more: Any) -> Sender:
        (network,) = networks_of([self.channel])
        self.senders.append(
            Sender(self.shop.world, network, [self.node], signer, fee_cap=10**12, **more)
        )
        return self.senders[-1]

    async def now(self, order: StableOrder) -> StableOrder:
        found = await stable_order(self.shop.world.db, order.merchant_id, order.order_id)
        assert found is not None
        return found


@asynccontextmanager
async def ground(
    server: ServerAddress,
    anvil: Anvil,
    *endpoints: str,
    beside: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Ground]:
    """`endpoints`: instead of the node itself. `beside`: another channel, of another chain.
    `settings`: of the channel, beside what the node says."""
    await anvil.deploy_factory()
    token, other = await anvil.deploy_token(), await anvil.deploy_token()
    usual = EVM | {"endpoints": list(endpoints) or [anvil.url]}
    with serving(
        usual | {"code": "usdc_base", "token": shown(token, "evm")} | settings,
        usual | {"code": "usdt_local", "currency": "USDT", "token": shown(other, "evm")},
        *([usual | dict(beside)] if beside is not None else []),
    ) as served:
        async with sandbox_world(server) as opened:
            shop = await make_shop(*opened, fee_basis_points=50)
            world, network = shop.world, networks_of(served)[0]
            await opened_channels(world)
            await agree_on_address(shop, "evm", MERCHANT)
            transport = Transport(world.clocks, 1 << 22)
            nodes = [Endpoint(url, transport, world.clocks) for url in network.endpoints]
            made = Ground(
                shop, anvil, served[0], token, other, nodes[0], Watcher(world, network, nodes)
            )
            try:
                yield made
            finally:
                for sender in made.senders:
                    await sender.close()
                await transport.close()


def run(server: ServerAddress, anvil: Anvil, story: Callable[[Ground], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with ground(server, anvil) as made:
            await story(made)

    asyncio.run(whole())


def test_a_transfer_is_seen_counted_and_pays(server: ServerAddress, anvil: Anvil) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        chain = order.facts["chain"]
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.RECEIVED
        paid = await anvil.transfer(ground.token, bytes.fromhex(chain["raw"]), 49_900_000)
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.PROCESSING
        await anvil.mine(8)
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.PROCESSING, "nine of ten"
        await anvil.mine(1)
        await ground.poll()
        done = await ground.now(order)
        assert (done.stage, done.reference) == (Stage.COMPLETED, paid.tx)

    run(server, anvil, story)


@pytest.mark.parametrize("anvil", [Settings(slots=20)], indirect=True)
def test_a_transfer_that_a_reorganisation_takes_back_pays_nothing(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await anvil.mine(20)
        await ground.poll()
        await anvil.transfer(ground.token, bytes.fromhex(order.facts["chain"]["raw"]), 49_900_000)
        await anvil.mine(5)
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.PROCESSING
        await anvil.reorg(8)
        await anvil.mine(30)
        await ground.poll()
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.RECEIVED

    run(server, anvil, story)


def test_what_is_paid_is_swept_to_the_merchant_and_the_treasury(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await anvil.transfer(ground.token, bytes.fromhex(order.facts["chain"]["raw"]), 49_900_000)
        await anvil.mine(9)
        await ground.poll()
        sender = await ground.sender()
        await ground.shop.settle()
        assert await sender.work() == 1
        assert await sender.work() == 0
        await anvil.mine(10)
        await sender.work()
        await ground.poll()
        held = [await anvil.held(ground.token, one) for one in (MERCHANT, TREASURY)]
        assert held == [49_650_500, 249_500]
        (settlement,) = await settlements_of(
            ground.shop.world.db, order.merchant_id, order.order_id
        )
        assert (settlement.state, settlement.units, settlement.fee_units) == (
            "confirmed",
            49_650_500,
            249_500,
        )
        assert settlement.to_address == shown(MERCHANT, "evm")

    run(server, anvil, story)


@pytest.mark.parametrize(("late", "stage"), [(40, Stage.COMPLETED), (70, Stage.EXPIRED)])
def test_money_that_comes_within_the_hour_still_pays(
    server: ServerAddress, anvil: Anvil, late: int, stage: Stage
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await ground.poll()
        async with ground.going_on():
            await ground.shop.advance(timedelta(minutes=30 + late))
        assert (await ground.now(order)).stage is Stage.EXPIRED
        await anvil.transfer(ground.token, bytes.fromhex(order.facts["chain"]["raw"]), 49_900_000)
        await anvil.mine(9)
        await ground.poll()
        assert (await ground.now(order)).stage is stage

    run(server, anvil, story)
