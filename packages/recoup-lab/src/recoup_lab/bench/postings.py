"""The ledger: postings one a statement and in sets, with the page closer of `recoup worker` beside;
against pgbench inserting the same posting and entries row by row."""

import asyncio
import time
from typing import Final

import asyncpg

from recoup.kernel.ids import new_id
from recoup.kernel.scope import WORKER
from recoup.kit.world import World
from recoup.networks.limits import LOOKBACK
from recoup.orders.moves.change import Change, write_all
from recoup.orders.moves.postings import book
from recoup.orders.rules.ledger import approve
from recoup.orders.rules.snapshot import Order
from recoup.orders.store.locks import lock_orders
from recoup.rescue.store.evidence import read_evidence
from recoup.rescue.store.locked import order_of
from recoup_lab.bench.figure import Figure, Round, Size, figure, percentile
from recoup_lab.bench.ground import Ground, make_shop
from recoup_lab.bench.pgbench import Script, rate_of, renewed, script_of
from recoup_lab.bench.prepared import admitted_order
from recoup_lab.bench.record import Statement, next_millisecond
from recoup_lab.bench.webhooks import worker_is_up

SET: Final = 64
WRITERS: Final = {1: 12, SET: 3}
UNITS: Final = 4590
_INSERT: Final = """
WITH posted AS (
  INSERT INTO postings (merchant_id, posting_id, source_kind, source_id, recipe, order_id,
    content_hash, business_at,
    recorded_at)
  VALUES ($1, $2, 'bench', $3, 'approve', $4, $5, $6, $6)
), queued AS (
  INSERT INTO postings_queue (merchant_id, posting_id, recorded_at) VALUES ($1, $2, $6)
)
INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, units, available_at)
VALUES ($1, $2, 1, 'customer_due', 'USD', '', $7, $6), ($1, $2, 2, 'merchant_payable', 'USD', '',
  -$7, $6)
"""


async def postings(ground: Ground, size: Size) -> Figure:
    return await _postings("postings", ground, size, 1)


async def postings_sets(ground: Ground, size: Size) -> Figure:
    return await _postings("postings_sets", ground, size, SET)


async def _postings(name: str, ground: Ground, size: Size, together: int) -> Figure:
    ours, theirs, sealed = [], [], []
    async with ground.world() as (world, _), ground.owner() as connection, ground.worker():
        order = await _order(world)
        await connection.execute("DELETE FROM due_work")
        script = await _script(ground, order)
        await worker_is_up(connection)
        for _ in range(size.rounds):
            ours.append(await _ours(world, order, size.seconds, together))
            sealed.append(await _sealed_ms(connection))
            theirs.append(
                await rate_of(
                    ground.pgbench,
                    ground.sandbox,
                    [renewed(script)],
                    ground.data_dir,
                    clients=size.clients,
                    seconds=size.seconds,
                )
            )
            await _sealed_ms(connection)
    return figure(name, ours, theirs, sealed_ms=max(sealed))


async def _order(world: World) -> Order:
    """An order under its lock, as moves get it."""
    shop = await make_shop(world, "Ledger")
    key = shop.merchant_id, await admitted_order(world, shop)
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        row = (await lock_orders(tx, [key]))[0]
        evidence = await read_evidence(tx, {key: row}, wall - LOOKBACK, with_sends=False)
        return order_of(row, evidence[key], wall)


async def _ours(world: World, order: Order, seconds: float, together: int) -> Round:
    """Writers side by side, each a statement at a time."""
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def writer() -> None:
        while (begun := time.perf_counter()) < end:
            await _post(world, order, together)
            taken.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(WRITERS[together])))
    rate = len(taken) * together / (time.perf_counter() - begun)
    return Round(rate, percentile(taken, 0.5), percentile(taken, 0.99))


async def _post(world: World, order: Order, together: int) -> None:
    """The way of every posting: a change, and the one statement that writes it."""
    wall = world.clocks.wall()
    change = Change(
        order, now=order.merchant.business(wall), wall=wall, actor=WORKER, request_id="bench"
    )
    posting = (approve(UNITS),)
    for _ in range(together):
        book(
            change.rows,
            order.merchant_id,
            order.asset,
            "bench",
            new_id(),
            posting,
            now=change.now,
            wall=wall,
            order_id=order.order_id,
        )
    async with world.db.connection() as connection:
        await write_all(connection, [change])


async def _sealed_ms(connection: asyncpg.Connection) -> float:
    """Waits until every posting stands on a page. Milliseconds."""
    begun = time.perf_counter()
    while True:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM postings_queue)"):
            return (time.perf_counter() - begun) * 1000
        await asyncio.sleep(0.01)


async def _script(ground: Ground, order: Order) -> Script:
    since = await next_millisecond()
    args = (
        order.merchant_id,
        new_id(),
        new_id(),
        order.order_id,
        bytes(32),
        order.placed_at,
        UNITS,
    )
    return await script_of(ground.sandbox, [Statement(_INSERT, args)], {}, since=since)
