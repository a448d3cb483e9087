"""A shop whose payers pay USDT on TRON's double."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.features.chains.tron.double import CHAIN_ID, Tron
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.features.chains import intake, store
from recoup.features.chains.addresses import read_address, shown
from recoup.features.chains.channel import ChainChannel
from recoup.features.chains.channels import ChannelSettings, read_channels
from recoup.features.chains.credit import credit
from recoup.features.chains.proof import what_is_wrong
from recoup.features.chains.rpc import TronEndpoint
from recoup.features.chains.watch import Network, Watcher, networks_of
from recoup.flows.stable.charge import Charges, StablecoinChargeRequest
from recoup.gateways.cards.transport import Transport
from recoup.rules.stable import channels
from recoup.store.server import ServerAddress
from recoup.store.stable.stable_orders import StableOrder, stable_order

MERCHANT, TREASURY = b"\x11" * 20, b"\x22" * 20


@dataclass
class TronGround:
    shop: Shop
    tron: Tron
    channel: ChannelSettings
    network: Network
    nodes: list[TronEndpoint]
    watcher: Watcher

    @property
    def token(self) -> bytes:
        return self.channel.token

    async def charge(self, amount: str = "49.90", order: str = "order-1") -> StableOrder:
        request = StablecoinChargeRequest(order, amount, "USDT", network="tron")
        return (await Charges(self.shop.world, self.shop.merchants).charge(self.shop.scope, request)).order

    async def pay(self, order: StableOrder, value: int = 49_900_000) -> bytes:
        return await self.tron.transfer(self.token, deposit_of(order), value)

    async def poll(self) -> None:
        await credit(self.shop.world, self.shop.orders, await self.watcher.poll())

    async def now(self, order: StableOrder) -> StableOrder:
        found = await stable_order(self.shop.world.db, order.merchant_id, order.order_id)
        assert found is not None
        return found


def deposit_of(order: StableOrder) -> bytes:
    """As a payer reads it."""
    return read_address(order.facts["chain"]["address"], "tron", "to")


@asynccontextmanager
async def tron_ground(server: ServerAddress, tron: Tron, **settings: Any) -> AsyncIterator[TronGround]:
    factory, token = await tron.deploy_factory(), await tron.deploy_token()
    await tron.mine(20)
    (channel,) = read_channels([
        {
            "world": "sandbox", "code": "usdt_trc20", "endpoints": tron.nodes, "chain_id": CHAIN_ID,
            "token": shown(token, "tron"), "decimals": 6, "factory": shown(factory, "tron"),
            "treasury": shown(TREASURY, "tron"),
        } | settings
    ])  # fmt: skip
    before = channels.serve([channel.channel])
    intake.serve([channel])
    try:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=50)
            shop.world.channels[channel.code] = ChainChannel(channel, shop.world.db, shop.world.clocks)
            await agree_on_tron_address(shop)
            (network,) = networks_of([channel])
            transport = Transport(shop.world.clocks, 1 << 22)
            nodes = [TronEndpoint(url, transport, shop.world.clocks) for url in tron.nodes]
            try:
                assert await what_is_wrong(network, nodes) == ""
                wall = shop.world.clocks.wall()
                await store.keep_proof(shop.world.db.alone, network.chain, network.factory, "", wall)
                yield TronGround(shop, tron, channel, network, nodes, Watcher(shop.world, network, nodes))
            finally:
                await transport.close()
    finally:
        channels.serve(before)
        intake.serve([])


async def agree_on_tron_address(shop: Shop) -> None:
    async with shop.world.db.connection() as connection:
        await connection.execute(
            "INSERT INTO settlement_addresses (merchant_id, kind, address_id, address, set_by, set_at, holds_from,"
            " approved_by, approved_at)"
            " VALUES ($1, 'tron', $1, $2, 'test', now(), now() - interval '1 day', 'test', now())",
            shop.merchant_id,
            shown(MERCHANT, "tron"),
        )


def run(server: ServerAddress, tron: Tron, story: Callable[[TronGround], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with tron_ground(server, tron, **settings) as made:
            await story(made)

    asyncio.run(whole())
