"""The stablecoin door over a world whose channel is on a test's own node."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.doors.stablecoin.door import Door, Merchant, opened_door
from tests.features.chains.node import Anvil
from tests.features.chains.test_story import MERCHANT, TREASURY
from tests.features.chains.wallets import agree_on_address

from recoup.features.chains import intake, store
from recoup.features.chains.addresses import shown
from recoup.features.chains.channels import ChannelSettings, read_channels
from recoup.features.chains.credit import credit
from recoup.features.chains.gateway import ChainChannel
from recoup.features.chains.rpc import Endpoint
from recoup.features.chains.watch import Watcher, networks_of
from recoup.gateways.cards.transport import Transport
from recoup.rules.stable import channels
from recoup.store.server import ServerAddress

WALLET = shown(MERCHANT, "evm")


@dataclass
class ChainDoor:
    """`usdc` and `usdt` are two tokens of the node; `merchant` has a wallet that holds, and pays 50 basis points."""

    door: Door
    anvil: Anvil
    merchant: Merchant
    usdc: bytes
    usdt: bytes
    channels: tuple[ChannelSettings, ...]
    watcher: Watcher

    def charge(self, **changes: Any) -> dict[str, Any]:
        return self.merchant.charge(**{"channel": "usdc_base", "currency": "USDC"} | changes)

    def pay(self, charged: dict[str, Any], units: int, token: bytes | None = None) -> str:
        """A transfer to the order's address; its transaction."""
        to = bytes.fromhex(charged["instruction"]["deposit_address"][2:])
        return self.door.run(self.anvil.transfer(token or self.usdc, to, units)).tx

    def mine(self, blocks: int) -> None:
        self.door.run(self.anvil.mine(blocks))

    def poll(self) -> None:
        self.door.run(self.read())

    async def read(self) -> None:
        await credit(self.door.world, self.door.orders, await self.watcher.poll())

    def answer(self, charged: dict[str, Any]) -> dict[str, Any]:
        return self.merchant.order(charged["order"]["id"])


@contextmanager
def chain_door(server: ServerAddress, anvil: Anvil, **settings: Any) -> Iterator[ChainDoor]:
    """`settings`: of the channel `usdc_base`, beside what the node says."""
    with opened_door(server) as door:
        usdc, usdt = door.run(anvil.deploy_token()), door.run(anvil.deploy_token())
        usual = {
            "world": "sandbox",
            "endpoints": [anvil.url],
            "chain_id": 31337,
            "decimals": 6,
            "network": "base",
            "factory": shown(door.run(anvil.deploy_factory()), "evm"),
            "treasury": shown(TREASURY, "evm"),
        }
        served = read_channels(
            [
                usual | {"code": "usdc_base", "token": shown(usdc, "evm"), "confirmations": 10} | settings,
                usual | {"code": "usdt_local", "currency": "USDT", "token": shown(usdt, "evm"), "confirmations": 10},
            ]
        )
        before = channels.serve([one.channel for one in served])
        intake.serve(served)
        merchant = door.merchant(fee_basis_points=50)
        door.run(agree_on_address(merchant.shop, "evm", MERCHANT))
        (network,) = networks_of(served)
        world = door.world
        world.channels.update({one.code: ChainChannel(one, world.db, world.clocks) for one in served})
        door.run(store.keep_proof(world.db.alone, network.chain, network.factory, "", world.clocks.wall()))

        async def connect() -> Transport:
            return Transport(door.world.clocks, 1 << 22)

        transport = door.run(connect())
        watcher = Watcher(door.world, network, [Endpoint(anvil.url, transport, door.world.clocks)])
        try:
            yield ChainDoor(door, anvil, merchant, usdc, usdt, served, watcher)
        finally:
            door.run(transport.close())
            channels.serve(before)
            intake.serve([])
