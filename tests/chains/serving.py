"""Channels that a test serves, with the proof that opens them, and merchants' own wallets that hold
already."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tests.worlds import Shop

from recoup.chains import gateway, intake, store
from recoup.chains.artifacts import artifact
from recoup.chains.channels import ChannelSettings, Kind, read_channels
from recoup.chains.watch import networks_of
from recoup.kit.world import World
from recoup.stablecoin.rules import channels
from recoup.stablecoin.rules.addresses import shown

MERCHANT, TREASURY = b"\x11" * 20, b"\x22" * 20
EVM: Final = {
    "world": "sandbox",
    "chain_id": 31337,
    "network": "base",
    "decimals": 6,
    "confirmations": 10,
    "factory": shown(artifact("evm").factory_address(), "evm"),
    "treasury": shown(TREASURY, "evm"),
}
"""A channel on a test's own node, but for its code, token and endpoints."""


@contextmanager
def serving(*tables: Mapping[str, Any]) -> Iterator[tuple[ChannelSettings, ...]]:
    served = read_channels([dict(table) for table in tables])
    before = channels.serve([one.channel for one in served])
    intake.serve(served)
    try:
        yield served
    finally:
        channels.serve(before)
        intake.serve([])


async def opened_channels(world: World) -> None:
    """Gateways for the channels that are served, and the proof of their chains."""
    world.channels.update(gateway.gateways("sandbox", world.db, world.clocks))
    for network in networks_of(intake.all_served()):
        await store.keep_proof(
            world.db.alone, network.chain, network.factory, "", world.clocks.wall()
        )


async def agree_on_address(shop: Shop, kind: Kind, wallet: bytes) -> None:
    async with shop.world.db.connection() as connection:
        await connection.execute(
            "INSERT INTO settlement_addresses (merchant_id, kind, address_id, address, set_by, "
            "set_at, holds_from,"
            " approved_by, approved_at)"
            " VALUES ($1, $2, $1, $3, 'test', now(), now() - interval '1 day', 'test', now())",
            shop.merchant_id,
            kind,
            shown(wallet, kind),
        )
