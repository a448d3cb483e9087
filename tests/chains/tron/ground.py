"""A shop whose payers pay USDT on TRON's double."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chains.serving import MERCHANT, TREASURY, agree_on_address, opened_channels, serving
from tests.chains.tron.double import CHAIN_ID, TRX, Tron
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.chains.channels import ChannelSettings
from recoup.chains.credit import credit
from recoup.chains.keystore import Account, KeySigner
from recoup.chains.loop import what_is_wrong
from recoup.chains.rpc import TronEndpoint
from recoup.chains.transfers import tell
from recoup.chains.tron_send import TronSender
from recoup.chains.watch import Network, Watcher, networks_of
from recoup.db.server import ServerAddress
from recoup.processors.gateways.transport import Transport
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.rules.addresses import read_address, shown
from recoup.stablecoin.store.stable_orders import StableOrder, stable_order

KEY: Final = KeySigner(Account.from_key(b"\x07" * 32))
CUSTODIAL: Final = {"settlement": "custodial", "custody": shown(KEY.address, "tron")}


@dataclass
class TronGround:
    shop: Shop
    tron: Tron
    channel: ChannelSettings
    network: Network
    nodes: list[TronEndpoint]
    watcher: Watcher
    senders: list[TronSender] = field(default_factory=list)

    @property
    def token(self) -> bytes:
        return self.channel.token

    async def charge(self, amount: str = "49.90", order: str = "order-1") -> StableOrder:
        request = StablecoinChargeRequest(order, amount, "USDT", network="tron")
        return (
            await Charges(self.shop.world, self.shop.merchants).charge(self.shop.scope, request)
        ).order

    async def pay(self, order: StableOrder, value: int = 49_900_000) -> bytes:
        return await self.tron.transfer(self.token, deposit_of(order), value)

    async def poll(self) -> None:
        await credit(self.shop.world, self.shop.orders, await self.watcher.poll())

    async def sender(self, fee_cap: int = 150 * TRX, **more: Any) -> TronSender:
        """Whose key is rich, unless the test has said otherwise."""
        if not any((await self.tron.account(KEY.address)).values()):
            await self.tron.grant(KEY.address, balance=10_000 * TRX)
        self.senders.append(
            TronSender(self.shop.world, self.network, self.nodes, KEY, fee_cap, **more)
        )
        return self.senders[-1]

    async def go_on(self, sender: TronSender) -> None:
        """All that is to happen: due work, sends, blocks and what is read of them."""
        for _ in range(3):
            await self.shop.run_due()
            await sender.work()
            await self.tron.mine(25)
            await sender.work()
            await self.poll()
            await tell(self.shop.world, self.shop.orders, CHAIN_ID)

    async def rows(self, table: str) -> list[Any]:
        async with self.shop.world.db.connection() as connection:
            return list(await connection.fetch(f"SELECT * FROM chain.{table}"))

    async def now(self, order: StableOrder) -> StableOrder:
        found = await stable_order(self.shop.world.db, order.merchant_id, order.order_id)
        assert found is not None
        return found


def deposit_of(order: StableOrder) -> bytes:
    """As a payer reads it."""
    return read_address(order.facts["chain"]["address"], "tron", "to")


def tron_table(tron: Tron, factory: bytes, token: bytes) -> dict[str, Any]:
    """USDT on both nodes of the double."""
    return {
        "world": "sandbox",
        "code": "usdt_trc20",
        "endpoints": tron.nodes,
        "chain_id": CHAIN_ID,
        "token": shown(token, "tron"),
        "decimals": 6,
        "factory": shown(factory, "tron"),
        "treasury": shown(TREASURY, "tron"),
    }


@asynccontextmanager
async def tron_ground(
    server: ServerAddress, tron: Tron, **settings: Any
) -> AsyncIterator[TronGround]:
    factory, token = await tron.deploy_factory(), await tron.deploy_token()
    await tron.mine(20)
    with serving(tron_table(tron, factory, token) | settings) as (channel,):
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=50)
            await agree_on_address(shop, "tron", MERCHANT)
            (network,) = networks_of([channel])
            transport = Transport(shop.world.clocks, 1 << 22)
            nodes = [TronEndpoint(url, transport, shop.world.clocks) for url in tron.nodes]
            try:
                assert await what_is_wrong(network, nodes) == ""
                await opened_channels(shop.world)
                ground = TronGround(
                    shop, tron, channel, network, nodes, Watcher(shop.world, network, nodes)
                )
                yield ground
                for sender in ground.senders:
                    await sender.close()
            finally:
                await transport.close()


def run(
    server: ServerAddress,
    tron: Tron,
    story: Callable[[TronGround], Awaitable[None]],
    **settings: Any,
) -> None:
    async def whole() -> None:
        async with tron_ground(server, tron, **settings) as made:
            await story(made)

    asyncio.run(whole())
