"""The stablecoin door over a world whose channel is on a test's own node."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.chains.node import Anvil
from tests.chains.serving import EVM, MERCHANT, agree_on_address, opened_channels, serving
from tests.stablecoin.door import Door, Merchant, opened_door

from recoup.chains.channels import ChannelSettings
from recoup.chains.credit import credit
from recoup.chains.rpc import Endpoint
from recoup.chains.watch import Watcher, networks_of
from recoup.db.server import ServerAddress
from recoup.processors.gateways.transport import Transport
from recoup.stablecoin.rules.addresses import shown

WALLET = shown(MERCHANT, "evm")


@dataclass
class ChainDoor:
    """`usdc` and `usdt` are two tokens of the node; `merchant` has a wallet that holds, and pays 50
    basis points."""

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
    with opened_door(server) as door, ExitStack() as made:
        usdc, usdt = door.run(anvil.deploy_token()), door.run(anvil.deploy_token())
        door.run(anvil.deploy_factory())
        usual = EVM | {"endpoints": [anvil.url]}
        served = made.enter_context(
            serving(
                usual | {"code": "usdc_base", "token": shown(usdc, "evm")} | settings,
                usual | {"code": "usdt_local", "currency": "USDT", "token": shown(usdt, "evm")},
            )
        )
        merchant = door.merchant(fee_basis_points=50)
        door.run(agree_on_address(merchant.shop, "evm", MERCHANT))
        (network,) = networks_of(served)
        door.run(opened_channels(door.world))

        async def connect() -> Transport:
            return Transport(door.world.clocks, 1 << 22)

        transport = door.run(connect())
        watcher = Watcher(door.world, network, [Endpoint(anvil.url, transport, door.world.clocks)])
        try:
            yield ChainDoor(door, anvil, merchant, usdc, usdt, served, watcher)
        finally:
            door.run(transport.close())
