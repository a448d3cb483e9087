"""The watcher: it reads logs by range and believes receipts by block hash, of two nodes. It holds no key.

A poll is three calls: one node's heights and logs, the nodes taking turns; then the other's heights and receipts of all
that is open, and the first one's receipts. What the logs leave out is found by comparing balances.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from recoup.features.chains import store
from recoup.features.chains.addresses import Kind
from recoup.features.chains.channels import ChannelSettings
from recoup.features.chains.depth import Heights, blocks_of, is_deep, lower, required
from recoup.features.chains.reading import (
    Block,
    NodeLog,
    block_call,
    logs_call,
    read_block,
    read_logs,
    read_receipt,
    receipts_of,
)
from recoup.features.chains.rpc import Endpoint, GarbageError, number, taken
from recoup.features.chains.store import ChainLog, Cursor, DepositAddress, NewLog, Verdict
from recoup.features.chains.units import to_book
from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.store.table import hex_of

log = structlog.get_logger()
RANGE: Final = 1_000  # blocks of one read; halved when a node refuses
RANGE_MAX: Final = 5_000
OPEN_MAX: Final = 400  # logs whose receipts one poll asks for
Receipts = list[Mapping[int, NodeLog] | None]


class HaltError(Exception):
    """Nothing of this chain may be credited before a person has looked at it. Its text says why."""


class Network(NamedTuple):
    """A chain with the channels that are on it. All have one factory."""

    chain: int
    kind: Kind
    factory: bytes
    channels: Mapping[bytes, ChannelSettings]  # by token

    @property
    def depth(self) -> int:
        """The most blocks that any amount waits for."""
        return max(blocks_of(step.required, one.usual) for one in self.channels.values() for step in one.confirmations)

    @property
    def endpoints(self) -> list[str]:
        return list(dict.fromkeys(url for one in self.channels.values() for url in one.endpoints))

    @property
    def tags(self) -> tuple[str, ...]:
        steps = (step for one in self.channels.values() for step in one.confirmations)
        return ("safe", "finalized") if any(step.required == "safe" for step in steps) else ("finalized",)


def networks_of(channels: Iterable[ChannelSettings]) -> list[Network]:
    """The open channels by their chain."""
    found: dict[int, dict[bytes, ChannelSettings]] = {}
    for one in channels:
        if one.factory is not None:
            found.setdefault(one.chain_id, {})[one.token] = one
    return [
        Network(chain, first.kind, first.factory, tokens)
        for chain, tokens in found.items()
        for first in [next(iter(tokens.values()))]
        if first.factory is not None
    ]


class Seen(NamedTuple):
    """What one node says of its heights."""

    head: Block
    final: Block | None
    heights: Heights


class Watcher:
    """One a chain and process. Two at once do no harm: a log has one row, and a credit is made under its order's
    lock."""

    def __init__(self, world: World, network: Network, endpoints: Sequence[Endpoint]) -> None:
        """`endpoints`: of one node only in the sandbox, which is then believed alone."""
        self._world, self._network, self._nodes = world, network, (*endpoints, *endpoints)[: max(2, len(endpoints))]
        self._range, self._turn = RANGE, 0

    async def poll(self) -> list[DepositAddress]:
        """Reads once; answers the addresses at which something changed. Raises: AwayError: the next poll asks again."""
        now = self._world.clocks.wall()
        cursor = await store.cursor_of(self._world.db, self._network.chain)
        if cursor is not None and cursor.halted:
            return []
        ours = {row.address: row for row in await store.watched(self._world.db, self._network.kind, now)}
        self._turn += 1
        first, second = (self._nodes[(self._turn + more) % len(self._nodes)] for more in (0, 1))
        try:
            changed = await self._read(first, second, cursor, ours, now)
        except HaltError as halted:
            log.error("chain halted", chain=self._network.chain, why=f"{halted}")
            await store.halt(self._world.db.alone, self._network.chain, f"{halted}", now)
            return []
        return [ours[address] for address in dict.fromkeys(changed) if address in ours]

    async def _read(
        self,
        first: Endpoint,
        second: Endpoint,
        cursor: Cursor | None,
        ours: Mapping[bytes, DepositAddress],
        now: datetime,
    ) -> list[bytes]:
        begin, end = await self._span(first, cursor)
        said = await first.batch([*self._asks(cursor), self._logs(begin, end, ours)])
        one, logs = self._seen(said[:-1], cursor), await self._found(first, said[-1], begin, end, ours)
        if logs is None:
            return []
        open_ = await store.open_logs(self._world.db, self._network.chain, OPEN_MAX)
        txs = list(dict.fromkeys([*(row.tx for row in open_), *(row.tx for row in logs)]))
        said = await second.batch([*self._asks(cursor), *receipts_of(txs)])
        two, theirs = self._seen(said[: -len(txs) or None], cursor), self._receipts(said[len(said) - len(txs) :], ours)
        blocks = {row.block_hash for row in logs}
        said = await first.batch(
            [*receipts_of(txs), *(("eth_getBlockByHash", [f"0x{one.hex()}", False]) for one in blocks)]
        )
        mine = self._receipts(said[: len(txs)], ours)
        times = {block.hash: block.at for block in map(read_block, said[len(txs) :]) if block is not None}
        heights = lower([one.heights, two.heights])
        if cursor is not None and max(one.head, two.head).number < cursor.final:
            raise HaltError(f"the head went back behind block {cursor.final}, which was final")
        read_to = min(heights.head, one.head.number if end is None else end)
        changed = await self._keep([row for row in logs if row.block_hash in times], times, ours, now)
        both = dict(zip(txs, zip(mine, theirs, strict=True), strict=True))
        if changed:
            open_ = await store.open_logs(self._world.db, self._network.chain, OPEN_MAX)
        changed += await self._judge([row for row in open_ if row.tx in both], both, heights, ours)
        await store.move_cursor(
            self._world.db.alone,
            self._network.chain,
            read_to,
            min(one.head, two.head).at,
            heights.head,
            heights.finalized or 0,
            _final_hash(one, two),
            now,
        )
        return changed

    async def _span(self, node: Endpoint, cursor: Cursor | None) -> tuple[int, int | None]:
        """From twice the depth behind what was read, so that what moved meanwhile is read again; to the head, when it
        is near enough."""
        behind = 2 * self._network.depth
        if cursor is None:
            head = number(await node.call("eth_blockNumber"))
            return max(0, head - behind), None
        begin = max(0, cursor.block - behind)
        return (begin, None) if cursor.head - begin <= self._range else (begin, begin + self._range)

    def _asks(self, cursor: Cursor | None) -> list[Any]:
        asks = [("eth_chainId", []), block_call("latest"), *(block_call(tag) for tag in self._network.tags)]
        return [*asks, block_call(cursor.final)] if cursor is not None and cursor.final_hash else asks

    def _seen(self, said: Sequence[Any], cursor: Cursor | None) -> Seen:
        """Raises: HaltError, GarbageError."""
        chain = number(taken(said[0]))
        if chain != self._network.chain:
            raise HaltError(f"a node is on chain {chain}, not {self._network.chain}")
        head, tagged = read_block(said[1]), [read_block(one) for one in said[2 : 2 + len(self._network.tags)]]
        if head is None:
            raise GarbageError("no head")
        final = tagged[-1]
        if cursor is not None and cursor.final_hash:
            then = read_block(said[-1])
            if then is not None and then.hash != cursor.final_hash:
                raise HaltError(f"block {cursor.final} was final and is another one now")
        safe = tagged[0] if len(tagged) > 1 else None
        return Seen(head, final, Heights(head.number, safe and safe.number, final and final.number))

    def _logs(self, begin: int, end: int | None, ours: Mapping[bytes, DepositAddress]) -> Any:
        return logs_call(begin, end, self._network.factory, self._network.channels, ours)

    async def _found(
        self, node: Endpoint, answer: Any, begin: int, end: int | None, ours: Mapping[bytes, DepositAddress]
    ) -> list[NodeLog] | None:
        """None where the node refused the range: the next poll asks for half of it."""
        try:
            found = read_logs(answer, self._network.factory, self._network.channels, ours, begin, end)
        except GarbageError as error:
            self._range = max(1, self._range // 2)
            log.warning("logs not read", chain=self._network.chain, node=node.name, error=f"{error}", range=self._range)
            return None
        self._range = min(RANGE_MAX, self._range + self._range // 4 + 1)
        return found

    def _receipts(self, said: Sequence[Any], ours: Mapping[bytes, DepositAddress]) -> Receipts:
        return [read_receipt(one, self._network.factory, self._network.channels, ours) for one in said]

    async def _keep(
        self,
        logs: Sequence[NodeLog],
        times: Mapping[bytes, datetime],
        ours: Mapping[bytes, DepositAddress],
        now: datetime,
    ) -> list[bytes]:
        merchants = {ours[row.address].merchant_id for row in logs}
        offsets = {one: timedelta(microseconds=await known_offset(self._world.db, one)) for one in merchants}
        rows = [
            NewLog(
                self._network.chain,
                hex_of(row.tx),
                row.log_index,
                row.kind,
                hex_of(row.address),
                hex_of(row.token),
                str(row.value),
                str(row.fee),
                hex_of(row.sender) if row.sender else None,
                row.block,
                hex_of(row.block_hash),
                times[row.block_hash],
                times[row.block_hash] + offsets[ours[row.address].merchant_id],
                "seen",
                now,
            )
            for row in logs
        ]
        return await store.keep_logs(self._world.db.alone, rows) if rows else []

    async def _judge(
        self,
        open_: Sequence[ChainLog],
        both: Mapping[bytes, tuple[Mapping[int, NodeLog] | None, Mapping[int, NodeLog] | None]],
        heights: Heights,
        ours: Mapping[bytes, DepositAddress],
    ) -> list[bytes]:
        verdicts = []
        for row in open_:
            said = [receipt.get(row.log_index) if receipt else None for receipt in both[row.tx]]
            state = self._state(row, said, heights, ours)
            if state is not None:
                verdicts.append(Verdict(row.chain, hex_of(row.tx), row.log_index, hex_of(row.block_hash), state))
        return await store.judge_logs(self._world.db.alone, verdicts) if verdicts else []

    def _state(
        self,
        row: ChainLog,
        said: Sequence[NodeLog | None],
        heights: Heights,
        ours: Mapping[bytes, DepositAddress],
    ) -> Any:
        """What both nodes say alike, at the depth that its order asks for; None: nothing that is certain yet."""
        places = [one and (one.block_hash, one.address, one.token, one.value, one.fee) for one in said]
        mine = (row.block_hash, row.address, row.token, int(row.value), int(row.fee))
        if all(place == mine for place in places):
            return "confirmed" if is_deep(row.block, self._wanted(row, ours), heights) else None
        gone = all(place is None or place[0] != row.block_hash for place in places)
        return "orphaned" if gone and heights.head >= row.block else None

    def _wanted(self, row: ChainLog, ours: Mapping[bytes, DepositAddress]) -> Any:
        """By what the order is worth, or the transfer, if that is more."""
        channel = self._network.channels[row.token]
        due = ours[row.address].due if row.address in ours else 0
        return required(channel.confirmations, to_book(int(max(due, row.value)), channel.asset, channel.decimals).units)


def _final_hash(one: Seen, two: Seen) -> bytes | None:
    """Of the lower final block, where both name it or one is alone."""
    finals = [seen.final for seen in (one, two) if seen.final is not None]
    return min(finals).hash if len(finals) == 2 else None  # noqa: PLR2004 - both nodes
