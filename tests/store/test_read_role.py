"""Doors read by connections of a role that may write nothing: PostgreSQL refuses a door that tries."""

import asyncio
from typing import Any

import asyncpg
import pytest
from tests.worlds import make_shop, owner, people_dsn, sandbox_world

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.store.partitions import ensure_partitions
from recoup.store.pool import Database
from recoup.store.roles import READ
from recoup.store.server import ServerAddress

WRITES = (
    "INSERT INTO partners (partner_id) VALUES (gen_random_uuid())",
    "UPDATE orders SET stage = 'completed'",
    "UPDATE order_heads SET status = 1",
    "DELETE FROM due_work",
    "TRUNCATE order_log",
    "SELECT * FROM orders FOR UPDATE",
    "WITH gone AS (DELETE FROM cvv_once RETURNING *) SELECT * FROM gone",
    "CREATE TABLE mine (n int)",
)


@pytest.mark.parametrize("sql", WRITES)
def test_a_door_that_writes_is_refused_by_postgres(server: ServerAddress, sql: str) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            async with world.db.connection() as flow:
                assert await flow.fetchval("SELECT current_user::text") == "recoup_app"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with world.db.read() as door:
                    await door.fetch(sql)
            async with world.db.read() as door:
                assert await door.fetchval("SELECT current_user::text") == READ, "it is kept, it has done no harm"

    asyncio.run(story())


def test_a_door_reads_all_that_there_is_and_all_that_is_made_later(server: ServerAddress) -> None:
    sql = """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT (has_table_privilege('recoup_read', c.oid, 'SELECT')
            AND NOT has_table_privilege('recoup_read', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER'))"""

    async def story() -> None:
        async with sandbox_world(server) as made, owner(made[0]) as beside:
            shop = await make_shop(*made)
            order_id = await shop.admit()
            await beside.execute("CREATE TABLE of_a_later_release (n int)")
            await ensure_partitions(beside, Clocks().wall())
            people = await asyncpg.connect(await people_dsn(made[0]))
            try:
                assert [await one.fetch(sql) for one in (beside, people)] == [[], []]
            finally:
                await people.close()
            async with made[0].db.read() as door:
                mine = "SELECT order_id FROM orders WHERE merchant_id = $1"
                assert await door.fetchval(mine, shop.merchant_id) == order_id
                assert await door.fetch("SELECT n FROM of_a_later_release") == []

    asyncio.run(story())


@pytest.mark.parametrize(("size", "reads", "of_flows", "of_doors"), [(12, None, 7, 5), (12, 1, 11, 1), (3, None, 2, 1)])
def test_flows_and_doors_share_one_number_of_connections(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, size: int, reads: int | None, of_flows: int, of_doors: int
) -> None:
    whole = asyncio.timeout
    monkeypatch.setattr("recoup.store.pool.asyncio.timeout", lambda seconds: whole(min(seconds, 0.1)))

    async def held(take: Any, ready: asyncio.Semaphore, done: asyncio.Event) -> None:
        async with take() as connection:
            await connection.fetchval("SELECT 1")
            ready.release()
            await done.wait()

    async def most(take: Any) -> int:
        ready, done = asyncio.Semaphore(0), asyncio.Event()
        tasks = [asyncio.create_task(held(take, ready, done)) for _ in range(size + 1)]
        finished, _ = await asyncio.wait(tasks, timeout=5, return_when=asyncio.FIRST_EXCEPTION)
        await asyncio.sleep(0.2)
        done.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert finished
        assert all(isinstance(answer, Problem | None) for answer in answers), answers
        return sum(answer is None for answer in answers)

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            db = await Database(world.dsn, size=size, reads=reads, name="shared").open()
            try:
                assert (await most(db.connection), await most(db.read)) == (of_flows, of_doors)
            finally:
                await db.close()

    asyncio.run(story())
