"""The watcher: it reads logs by range and believes receipts by block hash, of two nodes. It holds no key.

A poll is three requests at most: one node's heights and logs, the nodes taking turns; then the other's heights and
receipts of all that is open, and the first one's receipts. What the logs leave out `compare` finds by the balances.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

import structlog

from recoup.features.chains import intake, store
from recoup.features.chains.addresses import Kind
from recoup.features.chains.channels import ChannelSettings
from recoup.features.chains.depth import Heights, Required, blocks_of, is_deep, lower, required
from recoup.features.chains.reading import (
    Block,
    NodeLog,
    agreed_times,
    block_call,
    block_of_hash,
    logs_call,
    read_block,
    read_logs,
    read_receipt,
    receipts_of,
)
from recoup.features.chains.rpc import AwayError, Endpoint, GarbageError, Refused, ThrottledError, number, taken
from recoup.features.chains.store import ChainLog, Cursor, DepositAddress, LogState, NewLog, Verdict
from recoup.flows.merchant_cache import known_offset
from recoup.kernel.time import Clocks
from recoup.store.pool import Database
from recoup.store.table import hex_of

log = structlog.get_logger()
RANGE: Final = 1_000  # blocks of one read; halved when a node refuses
RANGE_MAX: Final = 5_000
OPEN_MAX: Final = 1_000  # logs whose receipts one poll asks for
FOLLOWED_MAX: Final = 2_000  # addresses whose orders follow one poll
LOADED_EVERY: Final = timedelta(minutes=10)
COMMITTED_WITHIN: Final = timedelta(minutes=2)  # of an order's intake, clocks that differ included
_START: Final = (-1, b"", 0, b"")  # before all logs
Ours = Mapping[bytes, DepositAddress]
Receipts = list[Mapping[int, NodeLog] | Refused | None]


class HaltError(Exception):
    """The chain is halted: nothing is credited before a person has looked at it. Its text says why."""


class Network(NamedTuple):
    """A chain with the channels that are on it. All have one factory."""

    chain: int
    kind: Kind
    factory: bytes
    channels: Mapping[bytes, ChannelSettings]  # by token

    @property
    def any(self) -> ChannelSettings:
        """One of its channels, for what all say alike."""
        return next(iter(self.channels.values()))

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


class NodeView(NamedTuple):
    """One node's heights, and a block that was read before."""

    head: Block
    final: Block | None
    heights: Heights
    mark: bytes | None  # what block it has in the place of the cursor's mark


class Span(NamedTuple):
    """Blocks that are read, both ends included; `end` None: to the head."""

    begin: int
    end: int | None


class WatchedWorld(Protocol):
    """The database and clocks that a watcher works with."""

    @property
    def db(self) -> Database: ...
    @property
    def clocks(self) -> Clocks: ...


class Watcher:
    """One a chain and process. Two at once do no harm: a log has one row in each block, and a credit is made under its
    order's lock."""

    def __init__(self, place: WatchedWorld, network: Network, endpoints: Sequence[Endpoint]) -> None:
        """`endpoints`: of one node only in the sandbox, which is then believed alone."""
        self._db, self._clocks, self.network = place.db, place.clocks, network
        self.nodes = (*endpoints, *endpoints)[: max(2, len(endpoints))]
        self._range, self._turn, self._again = RANGE, 0, 0
        # What cannot be decided may be more than one poll asks for: each goes on where the last one ended.
        self._open_after, self._followed_after = _START, b""
        self._ours: dict[bytes, DepositAddress] = {}
        self._loaded_at = self._added_at = datetime.min.replace(tzinfo=UTC)

    @property
    def pair(self) -> tuple[Endpoint, Endpoint]:
        """The two nodes whose turn it is; the same twice in the sandbox."""
        first, second = (self.nodes[(self._turn + more) % len(self.nodes)] for more in (0, 1))
        return first, second

    async def poll(self) -> list[DepositAddress]:
        """Reads once; answers the addresses whose orders do not know yet what happened there. Raises: AwayError: the
        next poll asks again; HaltError: the chain is halted from here on."""
        now, chain = self._clocks.wall(), self.network.chain
        cursor = await store.cursor_of(self._db, chain)
        if cursor is not None and cursor.halted:
            return []
        ours = await self._watched(now)
        self._turn += 1
        first, second = self.pair
        try:
            await self._read(first, second, cursor if cursor is not None and cursor.block else None, ours, now)
        except HaltError as halted:
            log.error("chain halted", chain=chain, why=f"{halted}")
            await store.halt(self._db.alone, chain, f"{halted}", now)
            intake.forget(self._db)
            raise
        unfollowed = await store.unfollowed(self._db, chain, self._followed_after, FOLLOWED_MAX)
        self._followed_after = unfollowed[-1] if len(unfollowed) == FOLLOWED_MAX else b""
        return [ours[one] for one in unfollowed if one in ours]

    async def _watched(self, now: datetime) -> Ours:
        """All addresses now and then, between what is new: there may be very many."""
        if now > self._loaded_at + LOADED_EVERY:
            self._ours = {row.address: row for row in await store.watched(self._db, self.network.kind, now)}
            self._loaded_at = now
        else:
            new = await store.added_since(self._db, self.network.kind, self._added_at - COMMITTED_WITHIN)
            self._ours.update((row.address, row) for row in new)
        self._added_at = now
        return self._ours

    async def _read(self, first: Endpoint, second: Endpoint, cursor: Cursor | None, ours: Ours, now: datetime) -> None:
        chain, spans, asks = self.network.chain, await self._spans(first, cursor, now), self._asks(cursor)
        said = await self._answers(first, [*asks, *(self._logs(span, ours) for span in spans)])
        one = self._seen(said[: len(asks)], cursor)
        found = [self._found(first, *pair, ours) for pair in zip(said[len(asks) :], spans, strict=True)]
        if any(logs is None for logs in found):
            return
        logs = {(row.tx, row.log_index, row.block_hash): row for rows in found for row in rows or []}
        known = {_key(row) for row in await store.logs_in(self._db, chain, [row.tx for row in logs.values()])}
        new = [row for key, row in logs.items() if key not in known]
        open_ = await self._open(cursor, one)
        txs = list(dict.fromkeys([*(row.tx for row in open_), *(row.tx for row in new)]))[: 2 * OPEN_MAX]
        blocks = list({row.block_hash: row.block for row in new}.items())
        calls = [*receipts_of(txs), *(block_of_hash(block) for block, _ in blocks)]
        said = await second.batch([*asks, *calls])
        two, their_blocks = self._seen(said[: len(asks)], cursor), said[len(asks) + len(txs) :]
        theirs = self._receipts(said[len(asks) : len(asks) + len(txs)], ours)
        if cursor is not None and max(one.head, two.head).number < cursor.final:
            raise HaltError(f"the head went back behind block {cursor.final}, which was final")
        said = await first.batch(calls) if calls else []
        mine = self._receipts(said[: len(txs)], ours)
        new = [row for row in new if row.block <= two.head.number]  # what the other has not is read again
        times = agreed_times(said[len(txs) :], their_blocks)
        heights = lower([one.heights, two.heights])
        await self.keep([row for row in new if row.block_hash in times], times, ours, now)
        kept = await store.logs_in(self._db, chain, [row.tx for row in new])
        open_ = [*open_, *(row for row in kept if row.state == "seen")]
        both = {
            tx: (one, other)
            for tx, one, other in zip(txs, mine, theirs, strict=True)
            if not isinstance(one, Refused) and not isinstance(other, Refused)
        }
        await self._judge([row for row in open_ if row.tx in both], both, heights, ours)
        if any(block not in times and at <= two.head.number for block, at in blocks):
            return  # one is gone since it was read, or its time is disputed: the next poll reads this range again
        end = spans[-1].end
        read_to = heights.head if end is None else min(heights.head, end)
        low = min(one.head, two.head)
        agreed_at = min(one.head.at, two.head.at, now)
        await store.move_cursor(
            self._db.alone, chain, read_to, agreed_at, heights.head, heights.finalized or 0, _final_hash(one, two), now
        )
        if cursor is None or not cursor.mark_hash or one.mark is not None and one.mark == two.mark:
            await store.move_mark(self._db.alone, chain, low.number, low.hash)

    async def _open(self, cursor: Cursor | None, one: NodeView) -> list[ChainLog]:
        """What is not certain yet; and, when a block that was read is another one now, what was taken for certain above
        the final block."""
        open_ = await store.open_logs(self._db, self.network.chain, *self._open_after, OPEN_MAX)
        last = open_[-1] if len(open_) == OPEN_MAX else None
        self._open_after = (last.block, last.tx, last.log_index, last.block_hash) if last is not None else _START
        if cursor is None or not cursor.mark_hash or one.mark == cursor.mark_hash:
            return open_
        floor = max(cursor.final, cursor.mark - 2 * self.network.depth)
        return [*await store.confirmed_logs(self._db, self.network.chain, floor, OPEN_MAX), *open_]

    async def _answers(self, node: Endpoint, calls: Sequence[Any]) -> list[Any]:
        """A node that is away may be so for the range: the next poll asks for less."""
        try:
            return await node.batch(calls)
        except ThrottledError:
            raise
        except AwayError:
            self._range = max(1, self._range // 2)
            raise

    async def _spans(self, node: Endpoint, cursor: Cursor | None, now: datetime) -> list[Span]:
        """What is new, and twice the depth behind it, as what moved meanwhile is read again: in one span when it is
        short enough, else in two, of which the former goes round."""
        if cursor is None:
            return [Span(max(0, number(await node.call("eth_blockNumber")) - 2 * self.network.depth), None)]
        block = timedelta(milliseconds=self.network.any.block_ms)
        head = max(cursor.head, cursor.block) + (now - cursor.polled_at) // block  # about there it is by now
        begin = max(0, cursor.block - 2 * self.network.depth)
        if head - begin <= self._range:
            return [Span(begin, None)]
        again = self._again if begin <= self._again < cursor.block else begin
        self._again = again + self._range
        near = head - cursor.block <= self._range
        forward = Span(cursor.block + 1, None if near else cursor.block + self._range)
        return [Span(again, min(self._again, cursor.block)), forward]

    def _asks(self, cursor: Cursor | None) -> list[Any]:
        asks = [("eth_chainId", []), block_call("latest"), *(block_call(tag) for tag in self.network.tags)]
        if cursor is None:
            return asks
        marks = ((cursor.final, cursor.final_hash), (cursor.mark, cursor.mark_hash))
        return [*asks, *(block_call(number) for number, known in marks if known)]

    def _seen(self, said: Sequence[Any], cursor: Cursor | None) -> NodeView:
        """Raises: HaltError, GarbageError."""
        chain = number(taken(said[0]))
        if chain != self.network.chain:
            raise HaltError(f"a node is on chain {chain}, not {self.network.chain}")
        head, *tagged = (read_block(one) for one in said[1 : 2 + len(self.network.tags)])
        if head is None:
            raise GarbageError("no head")
        marks = [read_block(one) for one in said[2 + len(self.network.tags) :]]
        if cursor is not None and cursor.final_hash:
            then = marks[0]
            if then is not None and then.hash != cursor.final_hash:
                raise HaltError(f"block {cursor.final} was final and is another one now")
        mark = marks[-1] if cursor is not None and cursor.mark_hash else None
        final, safe = tagged[-1], tagged[0] if len(tagged) > 1 else None
        heights = Heights(head.number, safe and safe.number, final and final.number)
        return NodeView(head, final, heights, mark and mark.hash)

    def _logs(self, span: Span, ours: Ours) -> Any:
        return logs_call(*span, self.network.factory, self.network.channels, ours)

    def _found(self, node: Endpoint, answer: Any, span: Span, ours: Ours) -> list[NodeLog] | None:
        """None where the node refused the range: the next poll asks for half of it."""
        try:
            found = read_logs(answer, self.network.factory, self.network.channels, ours, *span)
        except GarbageError as error:
            self._range = max(1, self._range // 2)
            log.warning("logs not read", chain=self.network.chain, node=node.name, error=f"{error}", range=self._range)
            return None
        self._range = min(RANGE_MAX, self._range + self._range // 4 + 1)
        return found

    def _receipts(self, said: Sequence[Any], ours: Ours) -> Receipts:
        """What a node does not tell says nothing of its transaction, and holds up no other."""
        factory, tokens = self.network.factory, self.network.channels
        return [one if isinstance(one, Refused) else read_receipt(one, factory, tokens, ours) for one in said]

    async def keep(self, logs: Sequence[NodeLog], times: Mapping[bytes, datetime], ours: Ours, now: datetime) -> None:
        """Stores the logs as open rows. `times`: of their blocks."""
        merchants = {ours[row.address].merchant_id for row in logs}
        offsets = {one: timedelta(microseconds=await known_offset(self._db, one)) for one in merchants}
        rows = [
            NewLog(
                self.network.chain,
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
        if rows:
            await store.keep_logs(self._db.alone, rows)

    async def _judge(
        self,
        open_: Sequence[ChainLog],
        both: Mapping[bytes, tuple[Mapping[int, NodeLog] | None, Mapping[int, NodeLog] | None]],
        heights: Heights,
        ours: Ours,
    ) -> None:
        verdicts = []
        for row in open_:
            said = [receipt.get(row.log_index) if receipt else None for receipt in both[row.tx]]
            state = self._state(row, said, heights, ours)
            if state is not None:
                verdicts.append(Verdict(row.chain, hex_of(row.tx), row.log_index, hex_of(row.block_hash), state))
        if verdicts:
            await store.judge_logs(self._db.alone, verdicts)

    def _state(self, row: ChainLog, said: Sequence[NodeLog | None], heights: Heights, ours: Ours) -> LogState | None:
        """What both nodes say alike, at the depth that its order asks for; None: nothing that is certain yet."""
        places = [one and (one.block_hash, one.address, one.token, one.value, one.fee) for one in said]
        mine = (row.block_hash, row.address, row.token, int(row.value), int(row.fee))
        if all(place == mine for place in places):
            wanted = self._wanted(row, ours)
            is_new = row.state == "seen"
            return "confirmed" if is_new and wanted is not None and is_deep(row.block, wanted, heights) else None
        gone = all(place is None or place[0] != row.block_hash for place in places)
        return "orphaned" if gone and heights.head >= row.block else None

    def _wanted(self, row: ChainLog, ours: Ours) -> Required | None:
        """None for a token that no channel is served for any more."""
        channel = self.network.channels.get(row.token)
        return wanted_depth(channel, row, ours.get(row.address)) if channel is not None else None


def wanted_depth(channel: ChannelSettings, row: ChainLog, order: DepositAddress | None) -> Required:
    """The depth required by the worth of the order, or of the transfer if that is more. `channel`: the transfer's."""
    worth = channel.book(row.value)
    own = intake.served(order.channel) if order is not None else None
    if order is not None and own is not None:
        worth = max(worth, own.book(order.due))
    return required(channel.confirmations, worth)


def _key(row: ChainLog) -> tuple[bytes, int, bytes]:
    return row.tx, row.log_index, row.block_hash


def _final_hash(one: NodeView, two: NodeView) -> bytes | None:
    """The hash of the lower final block, where both name one."""
    finals = [seen.final for seen in (one, two) if seen.final is not None]
    return min(finals).hash if len(finals) == 2 else None  # noqa: PLR2004 - both nodes
