"""What the watcher saw reaches its orders: all that came to an address is folded anew, and its order follows."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from recoup.features.chains import intake, store
from recoup.features.chains.fold import Deposit, Key, Outcome, fold
from recoup.features.chains.moves import Sweep, follow, settled
from recoup.features.chains.store import ChainLog, DepositAddress
from recoup.features.chains.transfers import gather
from recoup.features.chains.units import rescaled
from recoup.flows.locked import Orders
from recoup.flows.world import World
from recoup.moves.change import Change

TOGETHER = 128


async def credit(world: World, orders: Orders, changed: Sequence[DepositAddress]) -> None:
    """Raises: what a flow raises; the next poll repeats what was not done."""
    for start in range(0, len(changed), TOGETHER):
        rows = changed[start : start + TOGETHER]
        logs = await store.logs_at(world.db, [row.address for row in rows])
        by_address = {address: list(found) for address, found in groupby(logs, key=lambda one: one.address)}
        await asyncio.gather(*(_follow(world, orders, row, by_address.get(row.address, [])) for row in rows))


async def _follow(world: World, orders: Orders, row: DepositAddress, logs: Sequence[ChainLog]) -> None:
    outcome = folded(row, logs)
    if outcome.paid_by is not None:
        await gather(world, row, logs)
    sweeps = [
        Sweep(log.tx, int(log.value), int(log.fee)) for log in logs if log.kind == "sweep" and log.state == "confirmed"
    ]

    def work(change: Change) -> None:
        follow(change, change.order.attempt(row.attempt_id), outcome)
        settled(change, sweeps, int(row.terms["net"]))

    await orders.run(work, (row.merchant_id, row.order_id))


def folded(row: DepositAddress, logs: Sequence[ChainLog]) -> Outcome:
    """What came to an order's address. The same asset of another channel counts, in its own decimals."""
    own = intake.served(row.channel)
    assert own is not None
    by_token = {(one.chain_id, one.token): one for one in intake.all_served() if one.asset == own.asset}
    deposits, times = [], {}
    for log in logs:
        if log.kind != "deposit":
            continue
        channel = by_token.get((log.chain, log.token))
        value, dust = rescaled(int(log.value), channel.decimals, own.decimals) if channel else (int(log.value), 0)
        if channel:
            times[log.chain] = timedelta(milliseconds=channel.block_ms)
        deposits.append(
            Deposit(
                Key(log.chain, log.tx, log.log_index),
                log.block,
                log.block_hash,
                log.business_at,
                value,
                channel is not None,
                log.state,
            )
        )
    return fold(deposits, int(row.due), row.expires_at, times)
