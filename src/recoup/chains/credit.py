"""Credits of what the watcher saw: all that came to an address is folded anew, and its order
follows."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

import structlog

from recoup.chains import intake, store
from recoup.chains.channels import ChannelSettings
from recoup.chains.fold import Deposit, Key, Outcome, fold
from recoup.chains.moves import Stray, Sweep, close_strays, follow, settled
from recoup.chains.store import ChainLog, DepositAddress, Verdict
from recoup.chains.transfers import gather
from recoup.chains.units import cent, rescaled
from recoup.db.table import hex_of
from recoup.kernel.feature import FeatureDue
from recoup.kernel.problem import Problem, in_words
from recoup.kit.world import World
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import ENDED
from recoup.orders.store.due_work import Due
from recoup.rescue.flows.locked import Orders

log = structlog.get_logger()
DUE: Final = FeatureDue("deposits")  # what came to an order that ends unpaid is owed back
TOGETHER: Final = 512
STRAY_MAX: Final = 10**18  # of a token that anybody may have made


async def credit(world: World, orders: Orders, changed: Sequence[DepositAddress]) -> None:
    """An order that cannot follow now does so with a later poll, and holds up no other."""
    for start in range(0, len(changed), TOGETHER):
        rows = changed[start : start + TOGETHER]
        logs = await store.logs_at(world.db, [row.address for row in rows])
        by_address = {
            address: list(of_address)
            for address, of_address in groupby(logs, key=lambda log: log.address)
        }
        done = await asyncio.gather(
            *(_follow(world, orders, row, by_address.get(row.address, [])) for row in rows),
            return_exceptions=True,
        )
        followed = []
        for row, outcome in zip(rows, done, strict=True):
            if isinstance(outcome, asyncio.CancelledError):
                raise outcome
            if isinstance(outcome, BaseException):
                log.warning(
                    "deposit not followed", order=str(row.order_id), error=in_words(outcome)
                )
                continue
            followed += [log for log in by_address.get(row.address, []) if not log.followed]
        if followed:
            await store.mark_followed(
                world.db.alone,
                [
                    Verdict(
                        log.chain, hex_of(log.tx), log.log_index, hex_of(log.block_hash), log.state
                    )
                    for log in followed
                ],
            )


async def follow_ended(world: World, orders: Orders, due: Due) -> None:
    """Due work at the end of an order of which a part came. Raises: Problem(unavailable) while it
    is still open."""
    row = await store.address_of_order(world.db, due.merchant_id, due.subject_id)
    if row is None:
        return
    if not await _follow(world, orders, row, await store.logs_at(world.db, [row.address])):
        raise Problem("unavailable", "The order has not ended yet.", "It is looked at again.")


async def _follow(
    world: World, orders: Orders, row: DepositAddress, logs: Sequence[ChainLog]
) -> bool:
    """Brings an order up to date with its logs; returns whether the order has ended."""
    own = intake.served(row.channel)
    if own is None:
        raise LookupError(f"the channel {row.channel} is not served")
    outcome = folded(row, logs)
    sweeps, strays = list(sweeps_of(logs, own)), list(_strays(logs, own))
    is_swept = bool(strays) and await _all_swept(world, row, logs, own)
    units = own.book

    def work(change: Change) -> tuple[bool, bool]:
        attempt = change.order.attempt(row.attempt_id)
        follow(change, attempt, outcome, units, strays)
        settled(change, sweeps, units)
        if is_swept:
            close_strays(change, attempt)
        is_over = change.order.stage in ENDED
        if is_over:
            change.undue(DUE)
        elif outcome.received:
            change.due(DUE, row.expires_at)
        return is_over, any(
            settlement.state in ("pending", "broadcast", "stuck")
            for settlement in change.order.settlements
        )

    is_over, is_settling = await orders.run(work, (row.merchant_id, row.order_id))
    if is_over:
        await gather(
            world,
            row,
            [
                channel
                for channel in intake.all_served()
                if (channel.asset, channel.kind) == (own.asset, own.kind)
                and not (is_settling and channel is own)  # whose sweep is the settlement's
            ],
            logs,
        )
    return is_over


def folded(row: DepositAddress, logs: Sequence[ChainLog]) -> Outcome:
    """The outcome of an order's deposits. The same asset of another channel counts, in its own
    decimals."""
    own = intake.served(row.channel)
    assert own
    deposits, times = [], {}
    for log in logs:
        if log.kind != "deposit":
            continue
        channel = intake.served_token(log.chain, log.token)
        right = channel is not None and channel.asset == own.asset
        value = int(log.value)
        if channel and right:
            value, times[log.chain] = (
                rescaled(int(log.value), channel.decimals, own.decimals),
                timedelta(milliseconds=channel.block_ms),
            )
        key = Key(log.chain, log.tx, log.log_index)
        deposits.append(
            Deposit(key, log.block, log.block_hash, log.business_at, value, right, log.state)
        )
    return fold(deposits, int(row.due), row.expires_at, times, int(row.enough))


def sweeps_of(logs: Sequence[ChainLog], own: ChannelSettings) -> Iterator[Sweep]:
    for log in logs:
        channel = intake.served_token(log.chain, log.token)
        if (
            log.kind == "sweep"
            and log.state == "confirmed"
            and channel
            and channel.asset == own.asset
        ):
            yield Sweep(
                log.tx,
                rescaled(int(log.value), channel.decimals, own.decimals),
                rescaled(int(log.fee), channel.decimals, own.decimals),
                channel.network,
            )


def _strays(logs: Sequence[ChainLog], own: ChannelSettings) -> Iterator[Stray]:
    for log in logs:
        channel = intake.served_token(log.chain, log.token)
        name = channel.asset if channel else ""
        if (
            channel is None
            and (channel := intake.served_lookalike(log.chain, log.token)) is not None
        ):
            name = channel.lookalikes[log.token]
        if (
            log.kind != "deposit"
            or log.state != "confirmed"
            or channel is None
            or name == own.asset
        ):
            continue
        if log.value >= cent(channel.decimals):
            yield Stray(log.tx, name, min(channel.book(log.value), STRAY_MAX))


async def _all_swept(
    world: World, row: DepositAddress, logs: Sequence[ChainLog], own: ChannelSettings
) -> bool:
    """True when all that came of other tokens went to where the order's terms say, and nothing else
    is unexplained."""
    left: Counter[tuple[int, bytes]] = Counter()
    for log in logs:
        channel = intake.served_token(log.chain, log.token)
        if log.state == "confirmed" and (channel is None or channel.asset != own.asset):
            left[log.chain, log.token] += (
                int(log.value) if log.kind == "deposit" else -int(log.value + log.fee)
            )
    compared = [
        await store.comparisons_of(world.db, chain, [row.address])
        for chain in {chain for chain, _ in left}
    ]
    return max(left.values()) <= 0 and not any(
        comparison.missing for comparisons in compared for comparison in comparisons
    )
