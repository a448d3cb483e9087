"""A database that is lent to the next test is as it was before the first (`tests/kept.py`)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest
from tests.door import everything
from tests.worlds import OwnWorld, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress

_PIDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"


async def _stands(world: OwnWorld) -> tuple[str, list[str]]:
    async with owner(world) as connection:
        return await everything(world), [str(row) for row in await connection.fetch(_SEQUENCES)]


def _lend(
    server: ServerAddress, story: Callable[[OwnWorld], Awaitable[None]]
) -> tuple[str, tuple[str, list[str]]]:
    """The database's name, and how it stood before `story`."""

    async def inside() -> tuple[str, tuple[str, list[str]]]:
        async with sandbox_world(server) as (world, _, _):
            before = await _stands(world)
            await story(world)
        return world.database, before

    return asyncio.run(inside())


async def _nothing(world: OwnWorld) -> None:
    pass


def test_nothing_is_left_for_the_next_and_the_connections_are_warm(server: ServerAddress) -> None:
    pids: set[int] = set()
    left: list[asyncpg.Connection] = []

    async def live() -> str:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await shop.admit_many(3)
            await shop.advance(timedelta(days=22))
            async with shop.world.db.connection() as connection:
                await connection.execute(
                    "SET statement_timeout = 60000; SELECT pg_advisory_lock(7)"
                )
                pids.update(row["pid"] for row in await connection.fetch(_PIDS))
            async with owner(shop.world) as connection:
                await connection.execute("UPDATE signatures_since SET since = now()")
                await connection.execute(
                    "SET session_replication_role = replica; DELETE FROM schema_migrations"
                )
            beside = await asyncpg.connect(shop.world.dsn)
            await beside.execute(
                "BEGIN; UPDATE merchants SET name = 'late'; SELECT pg_advisory_lock(8)"
            )
            left.append(beside)
            return shop.world.database

    async def look(world: OwnWorld) -> None:
        async with world.db.connection() as connection:
            assert await connection.fetchval("SHOW statement_timeout") == "0"
            assert await connection.fetchval("SELECT pg_backend_pid()") in pids
            assert await connection.fetchval(
                "SELECT pg_try_advisory_lock(7) AND pg_try_advisory_lock(8)"
            )
        async with owner(world) as connection:
            assert await connection.fetchval("SHOW session_replication_role") == "origin"

    name, at_first = _lend(server, _nothing)
    assert asyncio.run(live()) == name
    assert _lend(server, look) == (name, at_first)
    assert left[0].is_closed()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE one_more ()",
        "ALTER TABLE merchants ADD COLUMN one_more int",
        "DROP TABLE signatures_since",
        "CREATE OR REPLACE FUNCTION one_more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TEMP TABLE one_more ()",
    ],
)
def test_another_shape_is_not_lent_again(server: ServerAddress, sql: str) -> None:
    async def story(world: OwnWorld) -> None:
        async with owner(world) as connection:
            await connection.execute(sql)

    name, at_first = _lend(server, story)
    again, stands = _lend(server, _nothing)
    assert again != name
    assert stands == at_first


def test_what_a_failed_test_had_is_not_lent_again(server: ServerAddress) -> None:
    names: list[str] = []

    async def story(world: OwnWorld) -> None:
        names.append(world.database)
        raise LookupError

    with pytest.raises(LookupError):
        _lend(server, story)
    assert _lend(server, _nothing)[0] not in names
