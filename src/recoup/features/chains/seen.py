"""What came to an order's address, as its merchant and its payer are shown it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from recoup.features.chains import intake, store
from recoup.features.chains.channels import ChannelSettings
from recoup.features.chains.credit import folded
from recoup.features.chains.depth import Heights, Progress, blocks_of, progress
from recoup.features.chains.fold import Outcome
from recoup.features.chains.store import ChainLog, Cursor, DepositAddress
from recoup.features.chains.units import to_book
from recoup.features.chains.watch import wanted_depth
from recoup.flows.world import World
from recoup.rules.stable.amounts import text_like
from recoup.store.stable.stable_orders import StableOrder

ExceptionName = Literal["underpaid", "overpaid", "late", "wrong_token"]


@dataclass(frozen=True, slots=True)
class SeenDeposit:
    """`channel`: whose token it is, None where no channel is served for it any more. `right`: it pays the order."""

    log: ChainLog
    channel: ChannelSettings | None
    right: bool
    progress: Progress

    @property
    def counts(self) -> bool:
        return self.right and self.log.state != "orphaned"

    def amount_like(self, text: str) -> str:
        """Decimal text with as many places as that one; empty where no channel is served for its token."""
        return text_like(self.channel.book(self.log.value), self.channel.asset, text) if self.channel else ""


@dataclass(frozen=True, slots=True)
class Seen:
    """`channel`: the order's. `progress`: of the deposit with the fewest confirmations that still counts."""

    channel: ChannelSettings
    outcome: Outcome
    deposits: tuple[SeenDeposit, ...]
    progress: Progress

    @property
    def received_units(self) -> int:
        """Confirmed, in book units."""
        return self.channel.book(self.outcome.received)

    @property
    def on_its_way_units(self) -> int:
        return self.channel.book(self.outcome.seen)

    @property
    def rest_units(self) -> int:
        """The amount still to be sent, rounded up to book units."""
        units, dust = to_book(self.outcome.rest, self.channel.asset, self.channel.decimals)
        return units + bool(dust)

    @property
    def first_tx(self) -> bytes | None:
        return next((one.log.tx for one in self.deposits if one.counts), None)

    def exceptions(self) -> list[ExceptionName]:
        outcome = self.outcome
        came = outcome.received + outcome.seen > 0
        conditions: dict[ExceptionName, bool] = {
            "underpaid": came and outcome.rest > 0 or outcome.short > 0,
            "overpaid": outcome.excess > 0,
            "late": outcome.late > 0,
            "wrong_token": bool(outcome.wrong),
        }
        return [name for name, is_so in conditions.items() if is_so]


async def seen_of(world: World, order: StableOrder, *, fresh: bool = False) -> Seen | None:
    """None for an order of another channel, or of one that is not served any more. `fresh`: nothing is read, as nothing
    can have come."""
    chain = order.facts.get("chain")
    channel = intake.served(order.channel)
    if chain is None or channel is None:
        return None
    row = None if fresh else await store.address_of_order(world.db.reader, order.merchant_id, order.order_id)
    if row is None:
        due = int(chain["due"])
        nothing = Outcome(due, 0, 0, due, 0, 0, 0, (), None)
        return Seen(channel, nothing, (), Progress(0, chain["confirmations"]))
    logs = _once([log for log in await store.logs_at(world.db.reader, [row.address]) if log.kind == "deposit"])
    cursors = {chain_id: await store.cursor_of(world.db.reader, chain_id) for chain_id in {log.chain for log in logs}}
    deposits = tuple(_deposit(log, row, channel, cursors[log.chain]) for log in logs)
    return Seen(channel, folded(row, logs), deposits, _least(deposits) or Progress(0, chain["confirmations"]))


def _once(logs: Sequence[ChainLog]) -> list[ChainLog]:
    """Drops orphaned rows of transactions that are in another block."""
    living = {(log.chain, log.tx) for log in logs if log.state != "orphaned"}
    return [log for log in logs if log.state != "orphaned" or (log.chain, log.tx) not in living]


def _least(deposits: Sequence[SeenDeposit]) -> Progress | None:
    counting = [one.progress for one in deposits if one.counts]
    return min(counting, key=lambda one: one.done / one.of, default=None)


def _deposit(log: ChainLog, row: DepositAddress, own: ChannelSettings, cursor: Cursor | None) -> SeenDeposit:
    channel = intake.served_token(log.chain, log.token)
    if channel is None:
        return SeenDeposit(log, None, right=False, progress=Progress(0, 1))
    wanted = wanted_depth(channel, log, row)
    count = progress(log.block, wanted, Heights(cursor.head if cursor else log.block), channel.usual)
    if log.state == "confirmed":
        of = blocks_of(wanted, channel.usual)
        count = Progress(of, of)
    elif log.state == "orphaned":
        count = Progress(0, count.of)
    elif count.done == count.of:  # the watcher has the last word
        count = Progress(count.of - 1, count.of)
    return SeenDeposit(log, channel, channel.asset == own.asset, count)
