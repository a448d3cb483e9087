"""What an operator sees of migrations: they are applied once, in order, by one process, and never
rewritten."""

import asyncio
import hashlib
from dataclasses import replace

import asyncpg
import pytest
from tests.db.test_schema import fresh

from recoup.db import migrate as migrating
from recoup.db.migrate import CONCURRENTLY, Migration, check_migrated, migrate
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem

FIRST = Migration(1, "0001_first.sql", "CREATE TABLE first (n int);")
SECOND = Migration(20, "0020_second.sql", "CREATE TABLE second (n int);")
BETWEEN = Migration(10, "0010_between.sql", "CREATE TABLE between_them (n int);")


async def numbers(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [
            r[0]
            for r in await connection.fetch("SELECT number FROM schema_migrations ORDER BY number")
        ]
    finally:
        await connection.close()


def test_a_migration_whose_text_changed_is_refused_in_one_line(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=[FIRST, SECOND])
            changed = replace(SECOND, sql="CREATE TABLE second (n bigint);")
            with pytest.raises(Problem) as refused:
                await migrate(dsn, "people", migrations=[FIRST, changed])
            said = refused.value.sentence()
            assert "0020_second.sql" in said
            assert "\n" not in said
            await migrate(dsn, "people", migrations=[FIRST, SECOND])

    asyncio.run(story())


def test_a_lower_number_of_another_branch_is_applied_too(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=[FIRST, SECOND])
            await migrate(dsn, "people", migrations=[FIRST, BETWEEN, SECOND])
            assert await numbers(dsn) == [1, 10, 20]

    asyncio.run(story())


def test_an_older_recoup_refuses_a_newer_database(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=[FIRST, SECOND])
            with pytest.raises(Problem, match="newer"):
                await migrate(dsn, "people", migrations=[FIRST])

    asyncio.run(story())


@pytest.mark.parametrize("checksum", ["checksum", "no_checksum"])
def test_a_database_from_before_the_squash_is_refused_in_one_line(
    server: ServerAddress, checksum: str
) -> None:
    """The first commits kept no checksums."""
    spine = Migration(1, "0001_spine.sql", "CREATE TABLE first (n int);")

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=[spine, SECOND])
            connection = await asyncpg.connect(dsn)
            await connection.execute(
                f"ALTER TABLE schema_migrations RENAME checksum TO {checksum}x"
            )
            await connection.execute(
                f"ALTER TABLE schema_migrations RENAME {checksum}x TO {checksum}"
            )
            for start in (migrate, check_migrated):
                with pytest.raises(Problem) as refused:
                    await start(dsn, "people")
                assert refused.value.sentence() == (
                    "The people database has a schema from before 0.1.0, from which no migration "
                    "leads here. Start anew"
                    " with an empty data folder or database, or go on with the commit that made "
                    "this one."
                )
            await connection.close()

    asyncio.run(story())


def test_a_packages_feature_adds_its_tables_later_and_is_named_where_it_is_gone(
    server: ServerAddress,
) -> None:
    acorn = Migration(1, "schema.sql", "CREATE TABLE acorns (n int);", "acorn")

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=[FIRST])
            for _ in range(2):  # applied again it would fail
                await migrate(dsn, "people", migrations=[FIRST, acorn])
            for start in (migrate, check_migrated):
                with pytest.raises(Problem, match="made with the feature acorn") as refused:
                    await start(dsn, "people", migrations=[FIRST])
                assert "the setting `features`" in refused.value.sentence()

    asyncio.run(story())


def test_half_a_migration_is_none(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            broken = replace(
                SECOND, sql="CREATE TABLE second (n int); CREATE TABLE second (n int);"
            )
            with pytest.raises(asyncpg.DuplicateTableError):
                await migrate(dsn, "people", migrations=[FIRST, broken])
            assert await numbers(dsn) == [1]
            await migrate(dsn, "people", migrations=[FIRST, SECOND])

    asyncio.run(story())


def test_a_table_in_use_holds_nobody_up_and_is_changed_when_it_is_free(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_SECONDS", 1)

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=[FIRST])
            busy, other = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
            transaction = busy.transaction()
            await transaction.start()
            await busy.execute("INSERT INTO first VALUES (1)")
            wider = Migration(2, "0002_wider.sql", "ALTER TABLE first ADD m int;")
            task = asyncio.create_task(migrate(dsn, "people", migrations=[FIRST, wider]))
            # The change waits for the open transaction; in between others are served, within the
            # time-out.
            for n in range(3):
                await other.execute("INSERT INTO first VALUES ($1)", n, timeout=30)
                await asyncio.sleep(0.7)
            assert not task.done()
            await transaction.commit()
            await task
            assert await other.fetchval("SELECT count(m) FROM first") == 0
            await busy.close()
            await other.close()

    asyncio.run(story())


def test_two_that_start_at_once_apply_each_file_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            slow = replace(SECOND, sql="SELECT pg_sleep(0.5); CREATE TABLE second (n int);")
            await asyncio.gather(
                *(migrate(dsn, "people", migrations=[FIRST, slow]) for _ in range(4))
            )
            assert await numbers(dsn) == [1, 20]

    asyncio.run(story())


def test_an_index_is_built_while_others_write_and_wait_to_start(server: ServerAddress) -> None:
    index = Migration(
        2,
        "0002_index.sql",
        CONCURRENTLY
        + "\n-- by number\nDROP INDEX IF EXISTS by_n;\nCREATE INDEX CONCURRENTLY by_n ON first "
        "(n);\n",
    )

    async def story() -> None:
        async with fresh(server) as dsn:
            await asyncio.gather(
                *(migrate(dsn, "people", migrations=[FIRST, index]) for _ in range(3))
            )
            connection = await asyncpg.connect(dsn)
            valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_n'::regclass"
            assert await connection.fetchval(valid) is True
            await connection.close()
            assert await numbers(dsn) == [1, 2]

    asyncio.run(story())


def test_the_checksum_is_of_the_text() -> None:
    assert FIRST.checksum == hashlib.sha256(FIRST.sql.encode()).hexdigest()
