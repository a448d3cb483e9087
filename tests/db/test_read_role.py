"""Doors read by connections of a role that may write nothing:
PostgreSQL refuses a door that tries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.rings import each
from tests.worlds import make_shop, owner, people_dsn, sandbox_world

from recoup.db.partitions import ensure_partitions
from recoup.db.pool import LENT_AFTER_SECONDS, Database
from recoup.db.roles import READ
from recoup.db.server import ServerAddress
from recoup.kernel.time import Clocks

WRITES = (
    "INSERT INTO partners (partner_id) VALUES (gen_random_uuid())",
    "UPDATE order_states SET stage = 'completed'",
    "UPDATE order_heads SET status = 1",
    "DELETE FROM due_work",
    "TRUNCATE order_log",
    "SELECT * FROM orders FOR UPDATE",
    "WITH gone AS (DELETE FROM cvv_once RETURNING *) SELECT * FROM gone",
    "CREATE TABLE mine (n int)",
)


@each("sql", WRITES)
def test_a_door_that_writes_is_refused_by_postgres(server: ServerAddress, sql: str) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            async with world.db.connection() as flow:
                assert await flow.fetchval("SELECT current_user::text") == "recoup_app"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with world.db.read() as door:
                    await door.fetch(sql)
            async with world.db.read() as door:
                assert await door.fetchval("SELECT current_user::text") == READ, (
                    "it is kept, it has done no harm"
                )

    asyncio.run(story())


def test_a_door_reads_all_that_there_is_and_all_that_is_made_later(server: ServerAddress) -> None:
    sql = """
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = ANY(current_schemas(false)::regnamespace[])
          AND c.relkind IN ('r', 'p')
          AND NOT (has_table_privilege('recoup_read', c.oid, 'SELECT')
            AND NOT has_table_privilege('recoup_read', c.oid,
              'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER'))"""

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


class Held:
    """Connections that are taken and not given back."""

    def __init__(self, take: Any) -> None:
        self._take, self._done = take, asyncio.Event()
        self.count, self._tasks = 0, list[asyncio.Task[None]]()

    async def _one(self) -> None:
        async with self._take() as connection:
            await connection.fetchval("SELECT 1")
            self.count += 1
            await self._done.wait()

    async def more(self, count: int) -> "Held":
        self._tasks += [asyncio.create_task(self._one()) for _ in range(count)]
        await asyncio.sleep(0.4)
        return self

    async def end(self) -> list[BaseException | None]:
        self._done.set()
        return await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def database(server: ServerAddress, size: int) -> AsyncIterator[tuple[Database, Any]]:
    """With whom to ask how many connections it has."""
    async with sandbox_world(server) as (world, _, _), owner(world) as beside:
        db = await Database(world.dsn, size=size, name="shared").open()
        try:
            yield (
                db,
                lambda: beside.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shared'"
                    " AND datname = current_database()"
                ),
            )
        finally:
            await db.close()


def test_flows_have_the_connections_that_no_door_uses_and_doors_get_theirs_back(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with database(server, 6) as (db, count):
            flows = await Held(db.connection).more(7)
            assert flows.count == 5, "all but one"
            doors = await Held(db.read).more(3)
            assert (doors.count, await count()) == (1, 6)
            await flows.end()
            await asyncio.sleep(0.3)
            assert doors.count == 2, "a third is theirs, though flows have only just used it"
            assert await count() <= 6
            again = await Held(db.connection).more(4)
            assert (again.count, await count()) == (4, 6)
            assert set(await doors.end()) | set(await again.end()) == {None}

    asyncio.run(story())


def test_many_callers_of_both_kinds_are_all_served_by_few_connections(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with database(server, 4) as (db, count):

            async def call(number: int) -> None:
                async with (db.read if number % 3 else db.connection)() as connection:
                    await connection.fetchval("SELECT pg_sleep(0.005)")

            for _ in range(3):
                assert set(await asyncio.gather(*map(call, range(90)))) == {None}
                assert await count() <= 4
                await asyncio.gather(*(call(0) for _ in range(20)))
                await asyncio.gather(*(call(1) for _ in range(20)))

    asyncio.run(story())


def test_who_waits_is_served_by_what_the_others_stop_using(server: ServerAddress) -> None:
    async def story() -> None:
        async with database(server, 6) as (db, _):
            doors = await Held(db.read).more(2)
            await doors.end()
            flows = await Held(db.connection).more(5)
            assert flows.count == 4, "of the doors' one was used a moment ago"
            await asyncio.sleep(LENT_AFTER_SECONDS)
            assert flows.count == 5
            assert set(await flows.end()) == {None}

    asyncio.run(story())
