"""A settlement of 100,000 orders with their fees and refunds: within a minute, adding up, proved by
its own file.

Again: `pytest tests/prove/scale/test_settlement.py --timeout=0 -s`
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from tests.settlement.flows.test_settle import to_due
from tests.settling import batches, sold, terms
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.scope import WORKER
from recoup.networks.limits import LOOKBACK
from recoup.orders.moves.change import Change, write_all
from recoup.orders.moves.postings import book
from recoup.orders.rules.ledger import collected, refund_done, refund_owed
from recoup.orders.rules.snapshot import Order
from recoup.orders.store.locks import lock_orders
from recoup.rescue.store.evidence import read_evidence
from recoup.rescue.store.locked import order_of
from recoup.settlement.flows.settle import close_pages_of, settle_merchant
from recoup.settlement.flows.settlement_report import read_batch, settlement_file
from recoup.settlement.rules.settlement_file import Proved, prove

ORDERS = int(os.environ.get("PROVE_SETTLED", "100000"))
SET = 500
UNITS, FEE, REFUND = 4590, 133, 1000
SECONDS_MAX = 60


def test_a_hundred_thousand_orders_are_settled_within_a_minute(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="month", delay_days=0)
            await _book(shop)
            sealing = await _timed(_seal(shop))
            await to_due(shop)
            settling = await _timed(settle_merchant(shop.world, shop.merchant_id))
            (batch,) = await batches(shop)
            refunds = ORDERS // 10
            assert batch["amount_units"] == (ORDERS + 1) * UNITS
            assert batch["fee_units"] == -ORDERS * FEE
            assert batch["refund_units"] == -refunds * REFUND
            assert batch["payout_units"] == UNITS + ORDERS * (UNITS - FEE) - refunds * REFUND
            assert batch["lines"] == 2 * ORDERS + refunds + 2
            lines, exporting = await _exported(shop, batch["batch_id"])
            begun = time.perf_counter()
            found = prove(lines, batch["root"].hex())
            proving = time.perf_counter() - begun
            assert isinstance(found, Proved), found
            megabytes = sum(map(len, lines)) / 1e6
            print(
                f"\nsettlement: {ORDERS:,} orders, {batch['lines']:,} lines in {settling:.1f} s "
                f"(sealed before in"
                f" {sealing:.1f} s); its file of {megabytes:.0f} MB written in {exporting:.1f} s, "
                f"proved in"
                f" {proving:.1f} s"
            )
            assert settling <= SECONDS_MAX
            empty = await _timed(_next_period(shop))
            print(f"the next period, with nothing in it: {empty:.2f} s")
            assert empty < 5

    asyncio.run(story())


async def _book(shop: Shop) -> None:
    """What approvals and refunds post, by the way of every posting; all of it about one order,
    which does not matter to a settlement."""
    (order_id,) = await sold(shop)
    key = shop.key(order_id)
    wall = shop.world.clocks.wall()
    async with shop.world.db.transaction() as tx:
        row = (await lock_orders(tx, [key]))[0]
        order = order_of(
            row, (await read_evidence(tx, {key: row}, wall - LOOKBACK, with_sends=False))[key], wall
        )
    gate = asyncio.Semaphore(3)

    async def some(first: int) -> None:
        async with gate:
            await _post(shop, order, range(first, min(first + SET, ORDERS)))

    await asyncio.gather(*(some(first) for first in range(0, ORDERS, SET)))


async def _post(shop: Shop, order: Order, numbers: range) -> None:
    wall = shop.world.clocks.wall()
    change = Change(
        order, now=order.merchant.business(wall), wall=wall, actor=WORKER, request_id="prove"
    )
    kept = partial(
        book,
        change.rows,
        order.merchant_id,
        order.asset,
        now=change.now,
        wall=wall,
        order_id=order.order_id,
    )
    for number in numbers:
        kept("attempt", new_id(), collected(UNITS, "sandbox", FEE))
        if number % 10 == 0:
            kept("refund", new_id(), (refund_owed(REFUND), refund_done(REFUND, "sandbox")))
    async with shop.world.db.connection() as connection:
        await write_all(connection, [change])


async def _seal(shop: Shop) -> None:
    while await close_pages_of(shop.world, shop.merchant_id):
        pass


async def _next_period(shop: Shop) -> None:
    await to_due(shop)
    assert await settle_merchant(shop.world, shop.merchant_id) == []


async def _exported(shop: Shop, batch_id: Any) -> tuple[list[bytes], float]:
    begun = time.perf_counter()
    batch = await read_batch(shop.world, shop.merchant_id, batch_id)
    parts: AsyncIterator[bytes] = settlement_file(shop.world, batch)
    text = b"".join([part async for part in parts])
    return text.splitlines(True), time.perf_counter() - begun


async def _timed(work: Any) -> float:
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun
