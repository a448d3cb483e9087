"""The watcher: it reads logs by range and believes receipts by block hash, of two nodes. It holds
no key.

A poll is three requests at most: one node's heights and logs, the nodes taking turns; then the
other's heights and receipts of all that is open, and the first one's receipts. What the logs leave
out `compare` finds by the balances.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from uuid import UUID

import structlog

from recoup.chains import intake, store
from recoup.chains.channels import ChannelSettings
from recoup.chains.depth import Heights, Required, blocks_of, is_deep, lower, required
from recoup.chains.reading import (
    ADDRESSES_MAX,
    Block,
    NodeLog,
    Receipt,
    ReceiptAnswer,
    agreed_times,
    block_call,
    block_of_hash,
    logs_call,
    read_block,
    read_logs,
    read_receipt,
    receipts_of,
)
from recoup.chains.rpc import (
    AwayError,
    Endpoint,
    GarbageError,
    Refused,
    ThrottledError,
    number,
    taken,
)
from recoup.chains.store import (
    ChainLog,
    Cursor,
    DepositAddress,
    LogPlace,
    LogState,
    NewLog,
    Verdict,
)
from recoup.db.pool import Database
from recoup.db.table import hex_of
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.stablecoin.rules.addresses import Kind

T = TypeVar("T")
log = structlog.get_logger()
RANGE: Final = 1_000  # blocks of one read; halved when a node refuses
RANGE_MAX: Final = 5_000
OPEN_MAX: Final = 1_000  # logs whose receipts one poll asks for
FOLLOWED_MAX: Final = 2_000  # addresses whose orders follow one poll
_START: Final[LogPlace] = (-1, b"", 0, b"")  # before all logs
Ours = Mapping[bytes, DepositAddress]


class HaltError(Exception):
    """The chain is halted: nothing is credited before a person has looked at it. Its text says
    why."""


class Network(NamedTuple):
    """A chain with the channels that are on it. All have one factory."""

    chain: int
    kind: Kind
    factory: bytes
    channels: Mapping[bytes, ChannelSettings]  # by token

    @property
    def tokens(self) -> Mapping[bytes, ChannelSettings]:
        """Settings by token, those included that payers take for a channel's own."""
        alike = {
            token: channel for channel in self.channels.values() for token in channel.lookalikes
        }
        return alike | dict(self.channels)

    @property
    def any(self) -> ChannelSettings:
        """The settings of one of its channels, for what all say alike."""
        return next(iter(self.channels.values()))

    @property
    def depth(self) -> int:
        """The most blocks that any amount waits for."""
        return max(
            blocks_of(step.required, channel.usual)
            for channel in self.channels.values()
            for step in channel.confirmations
        )

    @property
    def endpoints(self) -> list[str]:
        return list(
            dict.fromkeys(url for channel in self.channels.values() for url in channel.endpoints)
        )

    @property
    def tags(self) -> tuple[str, ...]:
        steps = (step for channel in self.channels.values() for step in channel.confirmations)
        return (
            ("safe", "finalized")
            if any(step.required == "safe" for step in steps)
            else ("finalized",)
        )


def networks_of(channels: Iterable[ChannelSettings]) -> list[Network]:
    """The open channels by their chain."""
    by_chain: dict[int, dict[bytes, ChannelSettings]] = {}
    for channel in channels:
        if channel.factory is not None:
            by_chain.setdefault(channel.chain_id, {})[channel.token] = channel
    return [
        Network(chain, first.kind, first.factory, tokens)
        for chain, tokens in by_chain.items()
        for first in [next(iter(tokens.values()))]
        if first.factory is not None
    ]


class NodeView(NamedTuple):
    """View of one node: its heights, and a block that was read before."""

    head: Block
    final: Block | None
    heights: Heights
    mark: bytes | None  # what block it has in the place of the cursor's mark


Span = tuple[int, int | None]
"""Blocks that are read, both ends included; None: to the head."""


class WatchedWorld(Protocol):
    """The database and clocks that a watcher works with. `every`: cells that orders are in."""

    @property
    def db(self) -> Database: ...
    @property
    def clocks(self) -> Clocks: ...
    @property
    def every(self) -> "Sequence[WatchedWorld]": ...


async def of_cells(
    place: WatchedWorld, read: Callable[[Database], Awaitable[list[T]]]
) -> tuple[list[tuple[Database, T]], bool]:
    """Rows of the cells that answer, each with its database; and whether all did."""
    rows, cells, whole = list[tuple[Database, T]](), place.every, True
    for cell in cells:
        try:
            rows += [(cell.db, row) for row in await read(cell.db)]
        except Problem as problem:
            if len(cells) == 1 or problem.code != "unavailable":
                raise
            whole = False
    return rows, whole


class Watcher:
    """Watcher, one a chain and process. Two at once do no harm: a log has one row in each block,
    and a credit is made under its order's lock."""

    def __init__(
        self, place: WatchedWorld, network: Network, endpoints: Sequence[Endpoint]
    ) -> None:
        """`endpoints`: of one node only in the sandbox, which is then believed alone."""
        self._db, self._clocks, self.network = place.db, place.clocks, network
        self._place = place
        self.nodes = (*endpoints, *endpoints)[: max(2, len(endpoints))]
        self._range, self._turn, self._again = RANGE, 0, 0
        # What cannot be decided may be more than one poll asks for: each goes on where the last one
        # ended.
        self._open_after, self._followed_after = _START, b""
        self._again_after: tuple[bytes, LogPlace] | None = (
            None  # since which block is another one; of what was certain
        )

    @property
    def pair(self) -> tuple[Endpoint, Endpoint]:
        """The two nodes whose turn it is; the same twice in the sandbox."""
        first, second = (self.nodes[(self._turn + more) % len(self.nodes)] for more in (0, 1))
        return first, second

    async def poll(self) -> list[DepositAddress]:
        """Reads once; answers the addresses whose orders do not know yet what happened there.
        Raises: AwayError: the next poll asks again; HaltError: the chain is halted from here on."""
        now, chain = self._clocks.wall(), self.network.chain
        cursor = await store.cursor_of(self._db, chain)
        if cursor and cursor.halted:
            return []
        self._turn += 1
        first, second = self.pair
        try:
            await self._read(first, second, cursor if cursor and cursor.block else None, now)
        except HaltError as halted:
            log.error("chain halted", chain=chain, why=f"{halted}")
            await store.halt(self._db.alone, chain, f"{halted}", now)
            intake.forget(self._db)
            raise
        unfollowed = await store.unfollowed(self._db, chain, self._followed_after, FOLLOWED_MAX)
        self._followed_after = unfollowed[-1] if len(unfollowed) == FOLLOWED_MAX else b""
        rows, _ = await self.orders_at(unfollowed)
        return rows

    async def orders_at(self, addresses: Sequence[bytes]) -> tuple[list[DepositAddress], bool]:
        """Addresses among these that are our orders', of every cell that answers; and whether all
        did."""
        kind = self.network.kind
        rows, whole = await of_cells(self._place, lambda db: store.orders_at(db, kind, addresses))
        return [row for _, row in rows], whole

    async def _read(
        self, first: Endpoint, second: Endpoint, cursor: Cursor | None, now: datetime
    ) -> None:
        chain, kind, asks = self.network.chain, self.network.kind, self._asks(cursor)
        spans = await self._spans(first, cursor, now)
        watched, _ = await of_cells(
            self._place, lambda db: store.watched_addresses(db, kind, now, ADDRESSES_MAX + 1)
        )
        few = [address for _, address in watched]
        calls = [logs_call(*span, self.network.factory, self.network.tokens, few) for span in spans]
        said = await self._answers(first, [*asks, *calls])
        first_view = self._seen(said[: len(asks)], cursor)
        read = [self._found(first, *pair) for pair in zip(said[len(asks) :], spans, strict=True)]
        if any(logs is None for logs in read):
            return
        logs = {_key(row): row for rows in read for row in rows or []}
        open_, again_after = await self._open(cursor, first_view)
        addresses = {row.address for row in logs.values()} | {row.address for row in open_}
        orders, whole = await self.orders_at(list(addresses))
        ours = {row.address: row for row in orders}
        logs = {key: row for key, row in logs.items() if row.address in ours}
        stored = await store.logs_in(self._db, chain, [row.tx for row in logs.values()])
        states = {_key(row): row.state for row in stored}
        new = [row for key, row in logs.items() if states.get(key, "orphaned") == "orphaned"]
        txs = list(dict.fromkeys([*(row.tx for row in open_), *(row.tx for row in new)]))[
            : 2 * OPEN_MAX
        ]
        blocks = list({row.block_hash: row.block for row in new}.items())
        calls = [*receipts_of(txs), *(block_of_hash(block) for block, _ in blocks)]
        said = await second.batch([*asks, *calls])
        second_view, theirs = self._seen(said[: len(asks)], cursor), said[len(asks) :]
        if cursor and max(first_view.head, second_view.head).number < cursor.final:
            raise HaltError(f"the head went back behind block {cursor.final}, which was final")
        mine = await first.batch(calls) if calls else []
        times = agreed_times(mine[len(txs) :], theirs[len(txs) :])
        pairs = [
            [read_receipt(answer, self.network.factory) for answer in pair]
            for pair in zip(mine[: len(txs)], theirs[: len(txs)], strict=True)
        ]
        # What a node does not tell says nothing of its transaction, and holds up no other.
        both = {
            tx: pair
            for tx, pair in zip(txs, pairs, strict=True)
            if not any(isinstance(answer, Refused) for answer in pair)
        }
        # What the other has not is read again; what was taken back returns when both have it in its
        # block.
        new = [
            row for row in new if row.block <= second_view.head.number and row.block_hash in times
        ]
        # One that stays on a fork of one node would move to and fro.
        new = [
            row
            for row in new
            if _key(row) not in states
            or row.tx in both
            and all(
                isinstance(answer, Receipt) and answer.block_hash == row.block_hash
                for answer in both[row.tx]
            )
        ]
        heights = lower([first_view.heights, second_view.heights])
        await self.keep(new, times, ours, now)
        kept = await store.logs_in(self._db, chain, [row.tx for row in new])
        open_ = [*open_, *(row for row in kept if row.state == "seen")]
        await self._judge([row for row in open_ if row.tx in both], both, heights, ours)
        if any(block not in times and at <= second_view.head.number for block, at in blocks):
            # one is gone since it was read, or its time is disputed: the next poll reads this range
            # again
            return
        if not whole:  # what is a cell's that is away is found when this range is read again
            return
        _, end = spans[-1]
        read_to = heights.head if end is None else min(heights.head, end)
        agreed_at, final = min(first_view.head.at, second_view.head.at, now), heights.finalized or 0
        await store.move_cursor(
            self._db.alone,
            chain,
            read_to,
            agreed_at,
            heights.head,
            final,
            min(first_view.final, second_view.final).hash
            if first_view.final and second_view.final
            else None,
            now,
        )
        if (
            cursor is None
            or not cursor.mark_hash
            or first_view.mark is not None
            and first_view.mark == second_view.mark
        ):
            self._again_after = again_after
            if again_after is None:
                low = min(first_view.head, second_view.head)
                await store.move_mark(self._db.alone, chain, low.number, low.hash)

    async def _open(
        self, cursor: Cursor | None, view: NodeView
    ) -> tuple[list[ChainLog], tuple[bytes, LogPlace] | None]:
        """The logs that are not certain yet; and, when a block that was read is another one now,
        what was taken for certain above the final block, with the place where the next poll goes on
        with that."""
        open_ = await store.open_logs(self._db, self.network.chain, *self._open_after, OPEN_MAX)
        self._open_after = _place(open_[-1]) if len(open_) == OPEN_MAX else _START
        if cursor is None or not cursor.mark_hash or view.mark in (None, cursor.mark_hash):
            return open_, None
        assert view.mark is not None
        after: LogPlace = (max(cursor.final, cursor.mark - 2 * self.network.depth) + 1, b"", 0, b"")
        if self._again_after and self._again_after[0] == view.mark:
            after = self._again_after[1]
        certain = await store.confirmed_logs(self._db, self.network.chain, *after, OPEN_MAX)
        return [*certain, *open_], (view.mark, _place(certain[-1])) if len(
            certain
        ) == OPEN_MAX else None

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
        """Spans to read: what is new, and twice the depth behind it, as what moved meanwhile is
        read again: in one span when it is short enough, else in two, of which the former goes
        round."""
        if cursor is None:
            return [
                (max(0, number(await node.call("eth_blockNumber")) - 2 * self.network.depth), None)
            ]
        head = max(cursor.head, cursor.block) + (now - cursor.polled_at) // timedelta(
            milliseconds=self.network.any.block_ms
        )  # about there it is by now
        begin = max(0, cursor.block - 2 * self.network.depth)
        if head - begin <= self._range:
            return [(begin, None)]
        again = self._again if begin <= self._again < cursor.block else begin
        self._again = again + self._range
        near = head - cursor.block <= self._range
        forward = (cursor.block + 1, None if near else cursor.block + self._range)
        return [(again, min(self._again, cursor.block)), forward]

    def _asks(self, cursor: Cursor | None) -> list[Any]:
        asks = [
            ("eth_chainId", []),
            block_call("latest"),
            *(block_call(tag) for tag in self.network.tags),
        ]
        if cursor is None:
            return asks
        marks = ((cursor.final, cursor.final_hash), (cursor.mark, cursor.mark_hash))
        return [*asks, *(block_call(number) for number, known in marks if known)]

    def _seen(self, said: Sequence[Any], cursor: Cursor | None) -> NodeView:
        """Raises: HaltError, GarbageError."""
        chain = number(taken(said[0]))
        if chain != self.network.chain:
            raise HaltError(f"a node is on chain {chain}, not {self.network.chain}")
        head, *tagged = (read_block(answer) for answer in said[1 : 2 + len(self.network.tags)])
        if head is None:
            raise GarbageError("no head")
        marks = [read_block(answer) for answer in said[2 + len(self.network.tags) :]]
        if cursor and cursor.final_hash:
            then = marks[0]
            if then and then.hash != cursor.final_hash:
                raise HaltError(f"block {cursor.final} was final and is another one now")
        mark = marks[-1] if cursor and cursor.mark_hash else None
        final, safe = tagged[-1], tagged[0] if len(tagged) > 1 else None
        heights = Heights(head.number, safe and safe.number, final and final.number)
        return NodeView(head, final, heights, mark and mark.hash)

    def _found(self, node: Endpoint, answer: Any, span: Span) -> list[NodeLog] | None:
        """Logs of an answer; None where the node refused the range: the next poll asks for half of
        it."""
        try:
            logs = read_logs(answer, self.network.factory, self.network.tokens, *span)
        except GarbageError as error:
            self._range = max(1, self._range // 2)
            log.warning(
                "logs not read",
                chain=self.network.chain,
                node=node.name,
                error=f"{error}",
                range=self._range,
            )
            return None
        self._range = min(RANGE_MAX, self._range + self._range // 4 + 1)
        return logs

    async def keep(
        self, logs: Sequence[NodeLog], times: Mapping[bytes, datetime], ours: Ours, now: datetime
    ) -> None:
        """Stores the logs as open rows. `times`: of their blocks."""
        merchants = {ours[row.address].merchant_id for row in logs}
        homes: dict[UUID, Database] = {}
        if logs and len(self._place.every) > 1:
            kind, addresses = self.network.kind, [row.address for row in logs]
            orders, _ = await of_cells(self._place, lambda db: store.orders_at(db, kind, addresses))
            homes = {row.merchant_id: db for db, row in orders}
        offsets = {
            merchant: timedelta(
                microseconds=await known_offset(homes.get(merchant, self._db), merchant)
            )
            for merchant in merchants
        }
        rows = []
        for row in logs:
            if row.kind != "failed":
                at, sender = times[row.block_hash], hex_of(row.sender) if row.sender else None
                what = (
                    row.kind,
                    hex_of(row.address),
                    hex_of(row.token),
                    str(row.value),
                    str(row.fee),
                    sender,
                )
                where = (
                    row.block,
                    hex_of(row.block_hash),
                    at,
                    at + offsets[ours[row.address].merchant_id],
                )
                rows.append(
                    NewLog(
                        self.network.chain,
                        hex_of(row.tx),
                        row.log_index,
                        *what,
                        *where,
                        "seen",
                        now,
                    )
                )
        if rows:
            await store.keep_logs(self._db.alone, rows)

    async def _judge(
        self,
        open_: Sequence[ChainLog],
        both: Mapping[bytes, Sequence[ReceiptAnswer]],
        heights: Heights,
        ours: Ours,
    ) -> None:
        verdicts = [
            Verdict(row.chain, hex_of(row.tx), row.log_index, hex_of(row.block_hash), state)
            for row in open_
            if (state := self._state(row, both[row.tx], heights, ours.get(row.address))) is not None
        ]
        if verdicts:
            await store.judge_logs(self._db.alone, verdicts)

    def _state(
        self,
        row: ChainLog,
        said: Sequence[ReceiptAnswer],
        heights: Heights,
        order: DepositAddress | None,
    ) -> LogState | None:
        """The state of a log on which both nodes agree, at the depth that its order asks for; None:
        nothing that is certain yet, as of a token that no channel is served for any more."""
        logs = [
            receipt.logs.get(row.log_index) if isinstance(receipt, Receipt) else None
            for receipt in said
        ]
        mine = (row.block_hash, row.address, row.token, int(row.value), int(row.fee))
        if all(
            log and (log.block_hash, log.address, log.token, log.value, log.fee) == mine
            for log in logs
        ):
            channel = self.network.tokens.get(row.token) if row.state == "seen" else None
            is_certain = channel is not None and is_deep(
                row.block, wanted_depth(channel, row, order), heights
            )
            return "confirmed" if is_certain else None
        gone = all(log is None or log.block_hash != row.block_hash for log in logs)
        return "orphaned" if gone and heights.head >= row.block else None


def wanted_depth(channel: ChannelSettings, row: ChainLog, order: DepositAddress | None) -> Required:
    """The depth required by the worth of the order, or of the transfer if that is more. `channel`:
    the transfer's."""
    worth = channel.book(row.value)
    own = intake.served(order.channel) if order else None
    if order and own:
        worth = max(worth, own.book(order.due))
    return required(channel.confirmations, worth)


def _key(row: ChainLog | NodeLog) -> tuple[bytes, int, bytes]:
    return row.tx, row.log_index, row.block_hash


def _place(row: ChainLog) -> LogPlace:
    return row.block, *_key(row)
