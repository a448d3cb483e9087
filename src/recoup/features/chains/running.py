"""What processes run of chains: gateways for every process, the watcher for one, each world on its own."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import NAMESPACE_OID, uuid5

import structlog

from recoup.features.chains import intake, store
from recoup.features.chains.channel import ChainChannel
from recoup.features.chains.compare import Comparer
from recoup.features.chains.credit import credit
from recoup.features.chains.proof import what_is_wrong
from recoup.features.chains.rpc import Endpoint, nodes_of
from recoup.features.chains.store import Cursor, DepositAddress
from recoup.features.chains.transfers import tell
from recoup.features.chains.watch import HaltError, Network, Watcher, networks_of
from recoup.flows.locked import Orders
from recoup.flows.world import World
from recoup.kernel.time import Clocks
from recoup.moves.message.alert import alert_now
from recoup.store.pool import Database

log = structlog.get_logger()
PROOF_EVERY: Final = timedelta(hours=1)
PROOF_AGAIN: Final = timedelta(minutes=1)  # after one that failed
PAUSE_SECONDS: Final = (0.5, 15.0)


def gateways(world: str, db: Database, clocks: Clocks) -> Mapping[str, ChainChannel]:
    """Gateways by channel code."""
    return {one.code: ChainChannel(one, db, clocks) for one in intake.all_served(world)}


def loops(world: World) -> Iterator[tuple[str, Callable[[], Awaitable[int]], float]]:
    """One a chain: its name, what is done once, and the seconds between."""
    for network in networks_of(intake.all_served(world.name)):
        yield f"chain {network.chain}", ChainLoop(world, Orders(world), network).once, _pause(network)


class ChainLoop:
    """The watcher of one chain, the proof that goes before it, and the comparison of balances behind it."""

    def __init__(self, world: World, orders: Orders, network: Network) -> None:
        self._world, self._orders, self._network = world, orders, network
        self._watcher: Watcher | None = None

    async def once(self) -> int:
        """Answers how much changed. Raises: AwayError."""
        if self._watcher is None:  # made late: its connections belong to the loop that runs
            nodes = nodes_of(self._network.kind, self._network.endpoints, self._world.clocks)
            self._watcher = Watcher(self._world, self._network, nodes)
        reported = await tell(self._world, self._orders, self._network.chain)
        await self._prove(self._watcher.nodes)
        changed: list[DepositAddress] = []
        with suppress(HaltError):
            changed = await self._watcher.poll()
        cursor = await store.cursor_of(self._world.db, self._network.chain)
        if cursor is not None and cursor.halted:
            await alarm(self._world, self._network, cursor)
            return reported
        await credit(self._world, self._orders, changed)
        await Comparer(self._world, self._watcher, self._orders).wanted()
        return len(changed) + reported

    async def _prove(self, nodes: Sequence[Endpoint]) -> None:
        now = self._world.clocks.wall()
        last = await store.gate_of(self._world.db, self._network.chain, self._network.factory)
        if last is not None and now < last.proved_at + (PROOF_AGAIN if last.wrong else PROOF_EVERY):
            return
        wrong = await what_is_wrong(self._network, nodes)
        if wrong:
            log.error("chain closed", chain=self._network.chain, why=wrong)
        await store.keep_proof(self._world.db.alone, self._network.chain, self._network.factory, wrong, now)
        intake.forget(self._world.db)


async def alarm(world: World, network: Network, cursor: Cursor) -> None:
    """The operator's people hear of a halt, once. Where no order waits for the chain nobody has to."""
    waiting = await store.watched(world.db, network.kind, world.clocks.wall())
    if cursor.halted_at is None or not waiting:
        return
    about, step = uuid5(NAMESPACE_OID, f"chain {network.chain}"), int(cursor.halted_at.timestamp())
    facts = {"chain": network.chain, "why": cursor.halted}
    async with world.db.transaction() as tx:
        merchant_id = min(row.merchant_id for row in waiting)
        await alert_now(tx, merchant_id, "chain_halted", about, step, facts, world.clocks.wall())


def _pause(network: Network) -> float:
    least, most = PAUSE_SECONDS
    block = network.any.block_ms / 1_000
    return min(max(block, least), most)
