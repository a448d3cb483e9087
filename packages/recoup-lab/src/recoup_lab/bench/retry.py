"""Due retries through gate, sends, log, outbox and ledger by one worker, the processor over HTTP at
50 ms; against pgbench running the statements of both transactions row by row. Half are approved,
half declined and planned again."""

import asyncio
import json
from datetime import timedelta
from typing import Any, Final

import asyncpg

from recoup.kit.world import World
from recoup.rescue.flows.run_due import run_due
from recoup.rescue.flows.send import send_attempt
from recoup_lab.bench.figure import Figure, Round, Size, figure, percentile
from recoup_lab.bench.ground import (
    Ground,
    Shop,
    make_shop,
    on_another_route,
    one_line,
    orders_of,
    running,
)
from recoup_lab.bench.pgbench import NUMBER, Script, rate_of, renewed, script_of
from recoup_lab.bench.prepared import Model, admitted_order, copy_orders, model_of, set_due
from recoup_lab.bench.processor import FixedProcessor
from recoup_lab.bench.record import RecordingDatabase, next_millisecond

RETRIES: Final = 1_920  # a round and side
_FALL_DUE: Final = """
UPDATE due_work SET due_at = now() WHERE merchant_id = $1 AND kind = 'retry'
  AND subject_id IN (SELECT ($2 || n)::uuid FROM generate_series($3::bigint, $4::bigint) AS n)
"""


async def retry(ground: Ground, size: Size) -> Figure:
    number = size.of(RETRIES)
    async with ground.world() as (world, db), ground.owner() as connection:
        shop = await make_shop(world, "Retries")
        mine, approved, declined = [
            await _planned(world, shop, connection, one) for one in range(3)
        ]
        for model in (mine, approved, declined):
            await set_due(connection, model, world.clocks.wall() - timedelta(seconds=5))
        await copy_orders(connection, mine, 1, number * size.rounds)
        for model in (approved, declined):
            await copy_orders(connection, model, 1, number * size.rounds // 2)
        script = await _script(ground, world, db, approved, declined, number // 2 // size.clients)
        ours, theirs = [], []
        async with running(["recoup_lab.bench.processor"]) as processor:
            setup = {
                "data_dir": str(ground.data_dir),
                "people": ground.people,
                "sandbox": ground.sandbox,
            }
            setup |= await one_line(processor)
            async with running(["recoup_lab.bench.retry_worker"], first_line=setup) as worker:
                await one_line(worker)
                for done in range(size.rounds):
                    first = NUMBER + done * number + 1
                    due = shop.merchant_id, mine.order_prefix(), first, first + number - 1
                    await connection.execute(_FALL_DUE, *due)
                    ours.append(await _ours(worker, number))
                    script.variables |= {"m": "0", "first": str(NUMBER + done * number // 2)}
                    rate = await rate_of(
                        ground.pgbench,
                        ground.sandbox,
                        [renewed(script)],
                        ground.data_dir,
                        clients=size.clients,
                        each=number // 2 // size.clients,
                    )
                    theirs.append(2 * rate)
    return figure("retry", ours, theirs)


async def _planned(world: World, shop: Shop, connection: asyncpg.Connection, one: int) -> Model:
    """An order whose next attempt may be sent; its due work waits until the round makes it due."""
    order_id = await admitted_order(world, shop, str(NUMBER + 900_000_000 + one))
    orders, _ = orders_of(world)
    while await run_due(world, orders, merchant_id=shop.merchant_id):
        pass
    return await model_of(connection, shop.merchant_id, order_id)


async def _script(
    ground: Ground, world: World, db: RecordingDatabase, approved: Model, declined: Model, each: int
) -> Script:
    """Script of one approved and one declined retry, as the flow runs them alone."""
    since, statements = await next_millisecond(), []
    for model, yes in ((approved, True), (declined, False)):
        there = on_another_route(world, FixedProcessor(yes))
        orders, _ = orders_of(there)
        async with db.recorded() as noted:
            await send_attempt(there, orders, (model.merchant_id, model.order_id))
        statements += noted
    sets = f"\\set m :m + 1\n\\set o :first + :client_id * {each} + :m\n"
    marks = approved.marks(":o") | declined.marks(":o")
    return await script_of(ground.sandbox, statements, marks, since=since, sets=sets)


async def _ours(worker: asyncio.subprocess.Process, number: int) -> Round:
    assert worker.stdin is not None
    worker.stdin.write(json.dumps({"number": number}).encode() + b"\n")
    taken: dict[str, Any] = await one_line(worker, 120)
    return Round(
        number / taken["seconds"],
        percentile(taken["taken_ms"], 0.5),
        percentile(taken["taken_ms"], 0.99),
    )
