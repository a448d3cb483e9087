"""Check that the logs are all: what lies at an address and what the factory paid out of it, which
is state, must be what the logs say. A difference is read for again, block by block; what nothing
explains is a case."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import structlog

from recoup.chains import abi, store
from recoup.chains.intake import WATCHED
from recoup.chains.moves import UNEXPECTED
from recoup.chains.reading import (
    Block,
    NodeLog,
    Receipt,
    agreed_times,
    block_call,
    block_of_hash,
    contract_call,
    logs_call,
    read_block,
    read_logs,
    read_receipt,
    receipts_of,
)
from recoup.chains.rpc import TRON_BATCH_MAX, AwayError, Call, Endpoint, GarbageError, data, taken
from recoup.chains.store import DepositAddress
from recoup.chains.watch import Ours, WatchedWorld, Watcher, of_cells
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of
from recoup.orders.moves.change import Change
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.rules.addresses import shown

log = structlog.get_logger()
TOGETHER: Final = 500  # addresses of one call
TRIES: Final = 5  # to have a head of TRON stand still for one request
SPAN: Final = 1_000  # blocks of one read
SPANS_MAX: Final = 200  # reads of one search
DAY: Final = timedelta(days=1)


class Discrepancy(NamedTuple):
    """`missing`: base units of a token that came or went without a log, or by logs alone where they
    are negative."""

    row: DepositAddress
    missing: str


Held = Mapping[tuple[bytes, bytes], tuple[int, int]]
"""By address and token what came, and what of it the factory paid out."""


class Comparer:
    """The balances of one chain against the watcher's rows."""

    def __init__(self, place: WatchedWorld, watcher: Watcher, orders: Orders | None = None) -> None:
        """Sets the comparer up; without `orders` a difference is kept by nobody: whoever has them
        finds it again."""
        self._place = place
        self._db, self._clocks, self._watcher, self._orders = (
            place.db,
            place.clocks,
            watcher,
            orders,
        )
        self._network, self._after = watcher.network, b""

    async def wanted(self) -> list[Discrepancy]:
        """Compares addresses of orders about to expire, and daily all, a part at a time; returns
        new differences. Raises: AwayError."""
        now, chain = self._clocks.wall(), self._network.chain
        wanted = await store.wanted_comparisons(self._db, chain, TOGETHER)
        cursor = await store.cursor_of(self._db, chain)
        is_daily = cursor is None or cursor.compared_at is None or now >= cursor.compared_at + DAY
        rows, whole = await self._watcher.orders_at(wanted) if wanted else ([], True)
        gone = list(set(wanted) - {row.address for row in rows}) if whole else []
        if gone:
            await store.keep_comparisons(self._db.alone, chain, gone, now, [""] * len(gone))
        page, whole = await self._page(now) if is_daily else ([], True)
        discrepancies = await self.compare({row.address: row for row in [*rows, *page]})
        self._after = page[-1].address if len(page) == TOGETHER else b""
        if is_daily and whole and not self._after:
            await store.keep_all_compared(self._db.alone, chain, now)
        return discrepancies

    async def _page(self, now: WallTime) -> tuple[list[DepositAddress], bool]:
        kind, after = self._network.kind, self._after
        rows, whole = await of_cells(
            self._place, lambda db: store.watched(db, kind, now, after, TOGETHER)
        )
        return sorted([row for _, row in rows], key=lambda row: row.address)[:TOGETHER], whole

    async def compare(self, ours: Ours) -> list[Discrepancy]:
        """Reads again for what differs, keeps how it came out, and answers the differences that are
        new. Raises: AwayError."""
        discrepancies: list[Discrepancy] = []
        every, together = list(ours.values()), TOGETHER
        if (
            self._network.kind == "tron"
        ):  # two heads, the logs and the balances go with what was paid to each
            together = (TRON_BATCH_MAX - 3) // len(self._network.channels) - 1
        for start in range(0, len(every), together):
            discrepancies += await self._compare(
                {row.address: row for row in every[start : start + together]}
            )
        return discrepancies

    async def differing(self, ours: Ours) -> dict[bytes, str]:
        """Differences by address: what the state of the last block that was read has and the logs
        have not; nothing is read again. Raises: AwayError."""
        differing: dict[bytes, str] = {}
        for _, block, held in await self._states(ours):
            differing = await self._differing(held, block, ours) | differing
        return differing

    async def _states(self, ours: Ours) -> list[tuple[Endpoint, Block, Held]]:
        """States that two nodes report, each; none of a chain that is not read, or is halted.
        Raises: AwayError."""
        cursor = await store.cursor_of(self._db, self._network.chain)
        if cursor is None or not cursor.block or cursor.halted:
            return []
        nodes = list(dict.fromkeys(self._watcher.pair))
        if self._network.kind == "tron":
            return [(node, *await self._held_at_head(node, cursor.block, ours)) for node in nodes]
        blocks = {read_block((await node.batch([block_call(cursor.block)]))[0]) for node in nodes}
        block = blocks.pop()
        if block is None or blocks:
            raise GarbageError(f"no block {cursor.block} that both nodes have")
        return [(node, block, await self._held(node, block, list(ours))) for node in nodes]

    async def _compare(self, ours: Ours) -> list[Discrepancy]:
        chain, states = self._network.chain, await self._states(ours)
        if not states:
            return []
        differing: dict[bytes, str] = {}
        for node, block, held in states:
            short = await self._differing(held, block, ours)
            if short:
                log.warning("logs came short", chain=chain, node=node.name, addresses=len(short))
                differing = (
                    await self._search(
                        node, held, block, {address: ours[address] for address in short}
                    )
                    | differing
                )
        before = {
            comparison.address: comparison.missing
            for comparison in await store.comparisons_of(self._db, chain, list(ours))
        }
        new = [
            Discrepancy(ours[address], text)
            for address, text in differing.items()
            if before.get(address, "") != text
        ]
        if new and self._orders is None:
            return new
        for discrepancy in new:
            await self._tell(discrepancy)
        missing = [differing.get(address, "") for address in ours]
        await store.keep_comparisons(
            self._db.alone, chain, list(ours), min(block.at for _, block, _ in states), missing
        )
        return new

    async def _tell(self, discrepancy: Discrepancy) -> None:
        """Raises a case of its order for what no log explains."""

        def work(change: Change) -> None:
            change.fact("unexplained", discrepancy.row.attempt_id, missing=discrepancy.missing)
            change.raise_attention(UNEXPECTED)

        assert self._orders
        orders = self._orders
        if isinstance(self._place, World):
            orders = orders.at(await home_of(self._place, discrepancy.row.merchant_id))
        await orders.run(work, (discrepancy.row.merchant_id, discrepancy.row.order_id))

    async def _held(self, node: Endpoint, block: Block, addresses: Sequence[bytes]) -> Held:
        """Balances and payments by the state of that block."""
        at = {"blockHash": abi.to_hex(block.hash), "requireCanonical": True}
        return self._read_held(await node.batch(self._asks(addresses, at)), addresses)

    async def _held_at_head(self, node: Endpoint, read_to: int, ours: Ours) -> tuple[Block, Held]:
        """TRON answers by its latest state alone, whatever block is named: the head stands before
        and behind it in one request, with what came since the logs were read."""
        asks = self._asks(list(ours), "latest")
        network, begin = self._network, read_to + 1
        calls = [
            block_call("latest"),
            *asks,
            logs_call(begin, None, network.factory, network.channels, list(ours)),
        ]
        for _ in range(TRIES):
            *said, logs, after = await node.batch([*calls, block_call("latest")])
            block = read_block(said[0])
            if block and block == read_block(after):
                held = self._read_held(said[1:], list(ours))
                new = read_logs(logs, network.factory, network.channels, begin)
                await self._kept(node, new, held, block, ours)
                return block, held
        raise AwayError("its head moved on while it answered")

    def _asks(self, addresses: Sequence[bytes], at: Any) -> list[Call]:
        tokens = list(self._network.channels)
        calls = [
            contract_call(self._network.factory, abi.balances(token, addresses), at)
            for token in tokens
        ]
        pairs = [(address, token) for token in tokens for address in addresses]
        return [
            *calls,
            *(contract_call(self._network.factory, abi.paid(*pair), at) for pair in pairs),
        ]

    def _read_held(self, answers: Sequence[Any], addresses: Sequence[bytes]) -> Held:
        tokens = list(self._network.channels)
        pairs = [(address, token) for token in tokens for address in addresses]
        said = [data(taken(answer)) for answer in answers]
        try:
            there = [
                units
                for answer in said[: len(tokens)]
                for units in abi.read_uints(answer, len(addresses))
            ]
            paid = [sum(abi.read_paid(answer)) for answer in said[len(tokens) :]]
        except abi.UnreadableError as error:
            raise GarbageError(f"{error}") from None
        return {pair: (rest + out, out) for pair, rest, out in zip(pairs, there, paid, strict=True)}

    async def _differing(self, held: Held, block: Block, addresses: Ours) -> dict[bytes, str]:
        came: dict[tuple[bytes, bytes], int] = defaultdict(int)
        paid: dict[tuple[bytes, bytes], int] = defaultdict(int)
        for row in await store.logs_at(self._db, list(addresses)):
            is_there = (
                row.chain == self._network.chain
                and row.block <= block.number
                and row.state != "orphaned"
            )
            if is_there:
                (came if row.kind == "deposit" else paid)[row.address, row.token] += int(
                    row.value + row.fee
                )
        differing: dict[bytes, list[str]] = defaultdict(list)
        for pair, (units, out) in held.items():
            address, token = pair
            for what, more in (("came", units - came[pair]), ("went", out - paid[pair])):
                if address in addresses and more:
                    differing[address].append(
                        f"{what} {more:+} of {shown(token, self._network.kind)}"
                    )
        return {address: ", ".join(texts) for address, texts in differing.items()}

    async def _search(
        self, node: Endpoint, held: Held, block: Block, ours: Ours
    ) -> dict[bytes, str]:
        """Reads all blocks back to when the oldest of these orders came, and the receipts of what
        had gone; whatever it finds is a row from here on, believed as any other. Answers what still
        differs."""
        differing, end = dict.fromkeys(ours, ""), block.number
        oldest = min(row.watched_until for row in ours.values()) - WATCHED - DAY
        for _ in range(SPANS_MAX):
            begin = max(0, end - SPAN + 1)
            wanted = logs_call(
                begin, end, self._network.factory, self._network.channels, list(ours)
            )
            said = await node.batch([wanted, block_call(begin)])
            logs = read_logs(said[0], self._network.factory, self._network.channels, begin, end)
            differing = await self._kept(node, logs, held, block, ours)
            first = read_block(said[1])
            if not differing or not begin or first is None or first.at < oldest:
                break
            end = begin - 1
        if not differing:
            return {}
        txs = list(
            {
                row.tx
                for row in await store.logs_at(self._db, list(differing))
                if row.state == "orphaned"
            }
        )
        receipts = [
            read_receipt(answer, self._network.factory)
            for answer in await node.batch(receipts_of(txs))
        ]
        logs = [
            log
            for receipt in receipts
            if isinstance(receipt, Receipt)
            for log in receipt.logs.values()
        ]
        return await self._kept(
            node, [log for log in logs if log.token in self._network.channels], held, block, ours
        )

    async def _kept(
        self, node: Endpoint, logs: Sequence[NodeLog], held: Held, block: Block, ours: Ours
    ) -> dict[bytes, str]:
        logs = [row for row in logs if row.address in ours]
        hashes = list({row.block_hash for row in logs})
        nodes = dict.fromkeys([node, *self._watcher.pair])  # of which the first has read the logs
        times = agreed_times(
            *[
                await endpoint.batch([block_of_hash(block) for block in hashes])
                for endpoint in nodes
            ]
        )
        there = [row for row in logs if row.block_hash in times]
        await self._watcher.keep(there, times, ours, self._clocks.wall())
        return await self._differing(held, block, ours)
