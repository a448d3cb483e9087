"""What an operator sees who starts a new release while the one before still runs: nothing moves,
and it is said why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.db.test_schema import fresh

from recoup.db import migrate as migrating
from recoup.db.migrate import Migration, migrate, migrations_of, schema_of
from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.db.versions import Schema, schema_by
from recoup.kernel.problem import Problem
from recoup.main import databases as preparing
from recoup.main.databases import Databases, prepare

OLD = migrations_of("people")
NEXT = [*OLD, Migration(2, "0002_next.sql", "CREATE TABLE next (n int);")]
BESIDE = [*OLD, Migration(2, "0002_beside.sql", "-- beside\nALTER TABLE users ADD nick text;")]
STOPS = [*BESIDE, Migration(3, "0003_stops.sql", "CREATE TABLE next (n int);")]


def of(migrations: list[Migration]) -> Schema:
    return schema_by((one.key, one.checksum, one.is_beside) for one in migrations)


OLD_SCHEMA, NEXT_SCHEMA = of(OLD), of(NEXT)


@asynccontextmanager
async def process(dsn: str, schema: Schema | None) -> AsyncIterator[Database]:
    """One that works with a database, as the doors and the worker do."""
    db = await Database(dsn, size=1, name="recoup-worker", schema=schema).open()
    try:
        await db.fetch("SELECT 1")
        yield db
    finally:
        await db.close()


async def has(dsn: str, name: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return bool(
            await connection.fetchval(
                "SELECT EXISTS (SELECT FROM schema_migrations WHERE name = $1)", name
            )
        )
    finally:
        await connection.close()


def test_the_schema_does_not_move_under_a_process_of_another_release(server: ServerAddress) -> None:
    """It went on with errors, or wrote rows that `recoup verify` found wrong."""

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=OLD)
            async with process(dsn, OLD_SCHEMA):
                with pytest.raises(Problem) as refused:
                    await migrate(dsn, "people", migrations=NEXT)
                said = refused.value.sentence()
                assert "recoup-worker of " in said
                assert "(pid " in said
                assert "Stop Recoup on every machine" in said
                assert not await has(dsn, "0002_next.sql")
            await _moved(dsn)

    asyncio.run(story())


async def _moved(dsn: str) -> None:
    """As soon as the server has seen that the other one went."""
    async with asyncio.timeout(60):
        while True:
            try:
                await migrate(dsn, "people", migrations=NEXT)
                break
            except Problem:
                await asyncio.sleep(0.1)
    assert await has(dsn, "0002_next.sql")


def test_no_database_moves_while_another_is_used_by_the_release_before(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The people's would have moved, and the sandbox's not: neither release could go on."""
    monkeypatch.setattr(preparing, "OTHERS_END_SECONDS", 0)
    monkeypatch.setattr(
        migrating, "migrations_of", lambda database: NEXT if database == "people" else world
    )
    world = migrations_of("world")
    before = schema_by([(one.key, "another", False) for one in world])

    async def story() -> None:
        async with fresh(server) as people, fresh(server) as sandbox:
            await migrate(people, "people", migrations=OLD)
            await migrate(sandbox, "world", world="sandbox", migrations=world)
            async with process(sandbox, before):
                with pytest.raises(
                    Problem,
                    match="Processes of another release use this database: recoup-worker of",
                ):
                    await prepare(Databases(people, sandbox, None, None, ""))
                assert not await has(people, "0002_next.sql")

    asyncio.run(story())


def test_processes_of_one_release_go_on_beside_a_start(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people")
            async with process(dsn, schema_of("people")):
                await migrate(dsn, "people")

    asyncio.run(story())


def test_a_process_that_was_idle_while_the_schema_moved_is_told_to_stop(
    server: ServerAddress,
) -> None:
    """It had no connection just then. Its next one wrote as it always did."""

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=NEXT)
            with pytest.raises(Problem, match="schema is newer than this process"):
                async with process(dsn, OLD_SCHEMA):
                    pass

    asyncio.run(story())


def test_a_process_that_comes_before_its_schema_says_what_to_run(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=OLD)
            with pytest.raises(Problem, match="lacks 1 migrations") as refused:
                async with process(dsn, NEXT_SCHEMA):
                    pass
            assert "recoup schema apply" in refused.value.sentence()

    asyncio.run(story())


def test_what_only_adds_is_applied_beside_the_former_release(server: ServerAddress) -> None:
    """It goes on, may start again, and finds nothing wrong;
    then the rest waits until it has ended."""

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=OLD)
            async with process(dsn, OLD_SCHEMA) as former:
                with pytest.raises(Problem, match="Processes of another release"):
                    await migrate(dsn, "people", migrations=STOPS)
                assert await has(dsn, "0002_beside.sql")
                assert not await has(dsn, "0003_stops.sql")
                assert await former.fetch("SELECT 1")
            async with process(dsn, OLD_SCHEMA), process(dsn, of(BESIDE)):
                await migrate(
                    dsn, "people", migrations=OLD
                )  # as each start of the former release does
            with pytest.raises(Problem, match="lacks 1 migrations"):
                async with process(dsn, of(STOPS)):
                    pass

    asyncio.run(story())


def test_who_uses_a_table_is_not_held_up_by_what_only_adds(server: ServerAddress) -> None:
    """A payment that waits behind it still answers within its two seconds."""

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=OLD)
            busy, other = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
            transaction = busy.transaction()
            await transaction.start()
            await busy.execute("SELECT 1 FROM users")
            task = asyncio.create_task(migrate(dsn, "people", migrations=BESIDE))
            for _ in range(6):
                await other.fetch("SELECT 1 FROM users", timeout=1.5)
                await asyncio.sleep(0.2)
            assert not task.done()
            await transaction.commit()
            await task
            assert await has(dsn, "0002_beside.sql")
            await busy.close()
            await other.close()

    asyncio.run(story())
