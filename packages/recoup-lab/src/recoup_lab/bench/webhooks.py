"""Events from the outbox through feed and lanes to a local receiver, by `recoup worker`; against
pgbench running the lane statements (who is due, claim one, lock, health, finish) row by row. The
rate counts from the commit of the events to the last call."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Final

import asyncpg

from recoup.kernel.time import wall_ms
from recoup.kit.world import World
from recoup.webhooks.flows.endpoints import create
from recoup.webhooks.flows.publish import publish
from recoup_lab.bench.figure import Figure, Round, Size, figure
from recoup_lab.bench.ground import Ground, make_shop, one_line, orders_of, running
from recoup_lab.bench.pgbench import NUMBER, Mark, Script, rate_of, renewed, script_of
from recoup_lab.bench.prepared import Model, admitted_order, copy_orders, model_of
from recoup_lab.bench.record import RecordingDatabase, Statement, next_millisecond

EVENTS: Final = 3_200  # a round and side
_EVENT: Final = "order.submitted"
_TAKEN: Final = """
SELECT coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms), 0),
  coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY latency_ms), 0)
FROM delivery_tries WHERE merchant_id = $1 AND at >= to_timestamp($2)
"""
# The prepared events are as if committed now, all at once.
_TELL: Final = """
WITH told AS (
  UPDATE outbox SET recorded_at = now() WHERE merchant_id = $1
    AND subject_id BETWEEN ($2::text || $3::bigint)::uuid AND ($2::text || $4::bigint)::uuid
  RETURNING merchant_id, subject_id, seq, recorded_at)
INSERT INTO outbox_queue (merchant_id, subject_id, seq, recorded_at) TABLE told
"""
_PUT_BY: Final = "UPDATE lanes SET due_at = NULL WHERE merchant_id = $1 AND lane_id <> $2"
_FALL_DUE: Final = """
UPDATE lanes SET due_at = $2 WHERE merchant_id = $1 AND (endpoint_id, lane_id) IN (
  SELECT endpoint_id, lane_id FROM lanes WHERE merchant_id = $1 AND due_at IS NULL LIMIT $3)
"""


async def webhooks(ground: Ground, size: Size) -> Figure:
    number = size.of(EVENTS)
    spare = number + size.clients  # a claim must never find nothing
    ours, theirs = [], []
    async with AsyncExitStack() as stack:
        world, db = await stack.enter_async_context(ground.world())
        connection = await stack.enter_async_context(ground.owner())
        receiver = await stack.enter_async_context(running(["recoup_lab.bench.receiver"]))
        url = f"http://127.0.0.1:{(await one_line(receiver))['port']}/hooks"
        model = await _with_endpoint(world, connection, url)
        lanes = await _with_endpoint(world, connection, url)
        await copy_orders(connection, model, 1, number * size.rounds)
        claimed_at, script = await _lanes_script(
            ground, world, db, connection, lanes, spare * size.rounds
        )
        for done in range(size.rounds):
            async with ground.worker():
                await worker_is_up(connection)
                ours.append(await _ours(connection, receiver, model, done * number + 1, number))
            await connection.execute(_FALL_DUE, lanes.merchant_id, claimed_at, spare)
            theirs.append(
                await rate_of(
                    ground.pgbench,
                    ground.sandbox,
                    [renewed(script)],
                    ground.data_dir,
                    clients=size.clients,
                    each=number // size.clients,
                )
            )
    return figure("webhooks", ours, theirs)


async def _with_endpoint(world: World, connection: asyncpg.Connection, url: str) -> Model:
    """An order with one event that an endpoint wants, and nothing else to do."""
    shop = await make_shop(world, "Webhooks")
    await create(world, shop.scope, url, [_EVENT], "rescue")
    order_id = await admitted_order(world, shop)
    await connection.execute("DELETE FROM due_work WHERE merchant_id = $1", shop.merchant_id)
    await connection.execute("DELETE FROM outbox_queue WHERE merchant_id = $1", shop.merchant_id)
    return await model_of(connection, shop.merchant_id, order_id)


async def _ours(
    connection: asyncpg.Connection,
    receiver: asyncio.subprocess.Process,
    model: Model,
    first: int,
    number: int,
) -> Round:
    assert receiver.stdin is not None
    receiver.stdin.write(json.dumps({"number": number}).encode() + b"\n")
    await one_line(receiver)
    last = first + number - 1
    await connection.execute(
        _TELL, model.merchant_id, model.order_prefix(), NUMBER + first, NUMBER + last
    )
    committed = wall_ms() / 1000
    taken: dict[str, Any] = await one_line(receiver, 120)
    p50, p99 = await connection.fetchrow(_TAKEN, model.merchant_id, committed)
    return Round(number / (taken["last"] - committed), float(p50), float(p99))


async def _lanes_script(
    ground: Ground,
    world: World,
    db: RecordingDatabase,
    connection: asyncpg.Connection,
    model: Model,
    number: int,
) -> tuple[datetime, Script]:
    """The lanes, put by, and what delivering one of them runs; with the instant that the claim was
    recorded at."""
    await connection.execute(
        "INSERT INTO outbox_queue (merchant_id, subject_id, seq, recorded_at) SELECT merchant_id, "
        "subject_id, seq, recorded_at FROM outbox WHERE merchant_id = $1",
        model.merchant_id,
    )
    await publish(world, model.merchant_id)
    model = await model_of(connection, model.merchant_id, model.order_id)
    await copy_orders(connection, model, 1, number)
    await connection.execute(_PUT_BY, model.merchant_id, model.order_id)
    event = await connection.fetchval(
        "SELECT event_id FROM outbox WHERE subject_id = $1", model.order_id
    )
    _, deliveries = orders_of(world)
    since = await next_millisecond()
    async with db.recorded() as statements:
        await deliveries.claim()
        await deliveries.drain()
    due, claim, *rest = statements
    endpoints, _, at, *more = claim.args
    one = Statement(claim.sql, (endpoints, [1], at, *more))
    marks = {str(model.order_id): Mark("", ":lane_id"), str(event): Mark("", ":event_id")}
    return at, await script_of(ground.sandbox, [due, one, *rest], marks, since=since, gset=1)


async def worker_is_up(connection: asyncpg.Connection) -> None:
    """Waits until the worker is connected and goes its rounds."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'recoup-worker'"
    while True:
        await asyncio.sleep(0.3)
        if await connection.fetchval(sql):
            return
