"""Loops that the worker runs of each chain: the proof that opens it, its watcher, the credits, the
comparison of balances."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import NAMESPACE_OID, uuid5

import structlog

from recoup.audit.moves import note as audit
from recoup.chains import abi, intake, store
from recoup.chains.artifacts import artifact
from recoup.chains.compare import Comparer
from recoup.chains.credit import credit
from recoup.chains.reading import code_call, contract_call
from recoup.chains.rpc import AwayError, Call, Endpoint, GarbageError, data, number, opened, taken
from recoup.chains.store import Cursor, DepositAddress
from recoup.chains.terms import Terms, deposit_address
from recoup.chains.transfers import tell
from recoup.chains.watch import HaltError, Network, Watcher, networks_of
from recoup.chains.words import OTHER_CONTRACT, OTHER_FACTORY, OTHER_PLACE
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kernel.time import iso
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each, home_of
from recoup.notifications.moves import alert_now
from recoup.rescue.flows.locked import Orders

log = structlog.get_logger()
PROOF_EVERY: Final = timedelta(hours=1)
PROOF_AGAIN: Final = timedelta(minutes=1)  # after one that failed
NOTE_MAX: Final = 500
LOG_AGAIN: Final = 60.0  # seconds
PAUSE_SECONDS: Final = (0.5, 15.0)
# Of an order that never is: what the node says of it holds for every other.
_NET: Final = 49_650_000
_FEE: Final = 250_000


def loops(world: World) -> Iterator[tuple[str, Callable[[], Awaitable[int]], float]]:
    """Loops, one a chain: its name, what is done once, and the seconds between. The first cell's
    are every cell's: a chain is read once."""
    if world is not world.every[0]:
        return
    least, most = PAUSE_SECONDS
    for network in networks_of(intake.all_served(world.name)):
        yield (
            f"chain {network.chain}",
            ChainLoop(world, Orders(world), network).once,
            min(max(network.any.block_ms / 1_000, least), most),
        )


async def lift_halt(world: World, scope: Scope, number: int, note: str) -> str:
    """Lets a halted chain go on: it is read again from its last final block. Returns why it was
    halted. Raises: Problem(wrong_state) for one that is not halted."""
    cursor = await store.cursor_of(world.db, number)
    if cursor is None or cursor.halted is None:
        raise Problem(
            "wrong_state",
            Sentence("Chain {0} is not halted.", number),
            "See `recoup chain status`.",
        )
    text = " ".join(note.replace("\0", "").split())[:NOTE_MAX]
    assert cursor.halted_at
    facts = {"why": cursor.halted, "halted_at": iso(cursor.halted_at), "note": text}
    async with world.db.transaction() as tx:
        await audit(tx, scope, world.clocks.wall(), "chain.lifted", str(number), facts)
    await store.lift(world.db.alone, number, cursor.halted_at)
    return cursor.halted


class ChainLoop:
    """The watcher of one chain, the proof that goes before it, and the comparison of balances
    behind it."""

    def __init__(self, world: World, orders: Orders, network: Network) -> None:
        self._world, self._network = world, network
        self._orders = {world: orders}
        self._watcher: Watcher | None = None
        self._comparer: Comparer | None = None
        self._nodes = opened(network.kind, network.endpoints, world.clocks)
        self._logged_at = float("-inf")

    async def once(self) -> int:
        """Answers how much changed. A node that does not answer is named in the log, once a
        minute."""
        try:
            return await self._turn()
        except AwayError as error:
            now = self._world.clocks.monotonic()
            if now >= self._logged_at + LOG_AGAIN:
                log.warning(
                    "chain not read", chain=self._network.chain, node=error.node, why=f"{error}"
                )
                self._logged_at = now
            return 0

    async def _turn(self) -> int:
        """Raises: AwayError."""
        if (
            self._watcher is None
        ):  # made late: its connections belong to the loop that runs, and end with it
            self._watcher = Watcher(self._world, self._network, await self._nodes.__aenter__())
        reported = await tell(self._world, self._orders[self._world], self._network.chain)
        await self._prove(self._watcher.nodes)
        changed: list[DepositAddress] = []
        with suppress(HaltError):
            changed = await self._watcher.poll()
        cursor = await store.cursor_of(self._world.db, self._network.chain)
        if cursor and cursor.halted:
            await alarm(self._world, self._network, cursor)
            return reported
        by_home: dict[World, list[DepositAddress]] = {}
        for row in changed:
            by_home.setdefault(await home_of(self._world, row.merchant_id), []).append(row)
        for home, rows in by_home.items():
            await credit(home, self._at(home), rows)
        self._comparer = self._comparer or Comparer(
            self._world, self._watcher, self._orders[self._world]
        )
        await self._comparer.wanted()
        return len(changed) + reported

    def _at(self, home: World) -> Orders:
        return self._orders.setdefault(home, self._orders[self._world].at(home))

    async def _prove(self, nodes: Sequence[Endpoint]) -> None:
        now = self._world.clocks.wall()
        last = await store.gate_of(self._world.db, self._network.chain, self._network.factory)
        if last and now < last.proved_at + (PROOF_AGAIN if last.wrong else PROOF_EVERY):
            return
        wrong = await what_is_wrong(self._network, nodes)
        if wrong:
            log.error("chain closed", chain=self._network.chain, why=wrong)
        await store.keep_proof(
            self._world.db.alone, self._network.chain, self._network.factory, wrong, now
        )
        intake.forget(self._world.db)


async def alarm(world: World, network: Network, cursor: Cursor) -> None:
    """The operator's people hear of a halt, once. Where no order waits for the chain nobody has
    to."""
    if cursor.halted_at is None:
        return
    now = world.clocks.wall()
    answers = await ask_each(world, lambda cell: store.waiting_merchant(cell.db, network.kind, now))
    place = next(((cell, waits) for cell, waits in answers.said if waits is not None), None)
    if place is None:
        return
    home, merchant_id = place
    about, step = uuid5(NAMESPACE_OID, f"chain {network.chain}"), int(cursor.halted_at.timestamp())
    facts = {"chain": network.chain, "why": cursor.halted}
    async with home.db.transaction() as tx:
        await alert_now(tx, merchant_id, "chain_halted", about, step, facts, now)


async def what_is_wrong(network: Network, nodes: Sequence[Endpoint]) -> str:
    """Empty where every node is on the chain, has our code at factory and tokens, and would put a
    deposit address where we derive it; else the first that is wrong, in words. Raises:
    AwayError."""
    for node in nodes:
        if wrong := await _wrong_at(network, node):
            return f"{node.name}: {wrong}"
    return ""


async def _wrong_at(network: Network, node: Endpoint) -> str:
    compiled = artifact(network.kind)
    code = compiled.runtime_with(network.factory)
    implementation = compiled.implementation_of(network.factory)
    terms = Terms(new_id(), b"\x11" * 20, b"\x22" * 20, _NET, _FEE)
    ours = deposit_address(network.kind, network.factory, implementation, terms)
    tokens = list(network.channels.values())
    calls: list[Call] = [
        ("eth_chainId", []),
        code_call(network.factory),
        code_call(implementation),
        contract_call(network.factory, abi.address_of(terms.encoded())),
        contract_call(network.factory, abi.deploy(terms.encoded())),
        *(contract_call(token.token, abi.decimals()) for token in tokens),
    ]
    said = await node.batch(calls)
    if number(taken(said[0])) != network.chain:
        return f"it is on chain {number(taken(said[0]))}, not {network.chain}"
    if data(taken(said[1])) != code.factory:
        return OTHER_FACTORY
    if data(taken(said[2])) != code.implementation:
        return OTHER_CONTRACT
    try:
        places = [abi.read_address(data(taken(answer))) for answer in said[3:5]]
        if any(place != ours for place in places):
            return OTHER_PLACE
        for channel, answer in zip(tokens, said[5:], strict=True):
            if abi.read_decimals(data(taken(answer))) != channel.decimals:
                return f"the token of {channel.code} has other decimals than {channel.decimals}"
    except (abi.UnreadableError, GarbageError) as error:
        return f"{error}"
    return ""
