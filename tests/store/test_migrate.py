"""What an operator sees of migrations: they are applied once, in order, by one process, and never rewritten."""

import asyncio
import hashlib
import re
from dataclasses import replace

import asyncpg
import pytest
from tests.store.test_schema import fresh

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.store import migrate as migrating
from recoup.store.migrate import CONCURRENTLY, SPINE, Migration, migrate, migrations_of
from recoup.store.partitions import ensure_partitions
from recoup.store.server import ServerAddress

FIRST = Migration(1, "0001_first.sql", "CREATE TABLE first (n int);")
SECOND = Migration(20, "0020_second.sql", "CREATE TABLE second (n int);")
BETWEEN = Migration(10, "0010_between.sql", "CREATE TABLE between_them (n int);")

# Written without their sites and logs: what refers to them is not looked at in a session with this role.
_ORDERS_OF_BEFORE = """
SET session_replication_role = replica;
INSERT INTO orders (merchant_id, order_id, stage, version, door, kind, external_id, generation, site_id, descriptor,
  asset, units, amount_text, token_id, placed_at, facts)
SELECT md5((n % 3)::text)::uuid, md5('order' || n)::uuid, 'new', 1,
  CASE n % 2 WHEN 0 THEN 'rescue' ELSE 'stablecoin' END, 'mit_managed', n::text, 1, md5('site')::uuid, '',
  'USD', n, '1', CASE n % 4 WHEN 0 THEN md5('card' || n)::uuid END,
  '2026-01-01Z', CASE n % 2 WHEN 0 THEN '{"decline": {"code": "51", "source": "Stripe"}}' ELSE '{}' END::jsonb
FROM generate_series(1, 5000) n;
INSERT INTO order_heads (merchant_id, order_id, placed_at, status, order_type, source, door, site_id, asset, units)
SELECT merchant_id, order_id, placed_at, 0, 'MIT', 'api', door, site_id, asset, units FROM orders;
INSERT INTO vault (merchant_id, token_id, pan_id, scheme, bin, last4, exp_month, exp_year, kek_id, wrapped_dek, nonce,
  ciphertext, created_at)
SELECT merchant_id, token_id, token_id, 'visa', '411111', '1111', 1, 30, 'k', '', '', '', placed_at
FROM orders WHERE token_id IS NOT NULL;
SET session_replication_role = origin;
"""
_ADVANCES_OF_BEFORE = """
SET session_replication_role = replica;
INSERT INTO advances (merchant_id, order_id, payer_id, pan_id, asset, slot, units, due_units, state, policy, started_at,
  until)
SELECT md5('0')::uuid, md5('order' || n)::uuid, md5('payer')::uuid, md5('pan')::uuid, 'USD', 0, n, n % 2,
  CASE n % 2 WHEN 1 THEN 'due' ELSE 'charged' END, '1', '2026-01-01Z', '2026-02-01Z'
FROM generate_series(1, 2) n;
SET session_replication_role = origin;
"""


async def numbers(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [r[0] for r in await connection.fetch("SELECT number FROM schema_migrations ORDER BY number")]
    finally:
        await connection.close()


@pytest.mark.parametrize("database", ["world", "people"])
def test_the_first_migration_is_what_installations_have(database: str) -> None:
    first, *_ = migrations_of(database)
    assert first.name == "0001_spine.sql"
    assert first.checksum == SPINE[database], "0001 is frozen: write a new migration instead (CONTRIBUTING.md)"


@pytest.mark.parametrize("database", ["world", "people"])
def test_every_migration_has_a_number_of_its_own(database: str) -> None:
    found = migrations_of(database)
    assert len({migration.number for migration in found}) == len(found)


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
            assert await migrate(dsn, "people", migrations=[FIRST, BETWEEN, SECOND]) == 20
            assert await numbers(dsn) == [1, 10, 20]

    asyncio.run(story())


def test_an_older_recoup_refuses_a_newer_database(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "people", migrations=[FIRST, SECOND])
            with pytest.raises(Problem, match="newer"):
                await migrate(dsn, "people", migrations=[FIRST])

    asyncio.run(story())


def test_a_database_without_checksums_gets_them(server: ServerAddress) -> None:
    """One of commit 82ede58."""

    async def story() -> None:
        async with fresh(server) as dsn:
            spine = migrations_of("people")[0]
            await migrate(dsn, "people", migrations=[spine])
            connection = await asyncpg.connect(dsn)
            await connection.execute("ALTER TABLE schema_migrations DROP COLUMN checksum")
            await migrate(dsn, "people")
            kept = await connection.fetchval("SELECT checksum FROM schema_migrations WHERE number = 1")
            assert kept == SPINE["people"]
            may = "SELECT has_table_privilege('recoup_app', 'schema_migrations', 'INSERT, UPDATE, DELETE')"
            assert await connection.fetchval(may) is False
            with pytest.raises(Problem, match="0001"):
                await migrate(dsn, "people", migrations=[replace(spine, sql=spine.sql + "-- more")])
            await connection.close()

    asyncio.run(story())


def test_half_a_migration_is_none(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            broken = replace(SECOND, sql="CREATE TABLE second (n int); CREATE TABLE second (n int);")
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
            # The change waits for the open transaction; in between others are served, within the time-out.
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
            await asyncio.gather(*(migrate(dsn, "people", migrations=[FIRST, slow]) for _ in range(4)))
            assert await numbers(dsn) == [1, 20]

    asyncio.run(story())


def test_an_index_is_built_while_others_write_and_wait_to_start(server: ServerAddress) -> None:
    index = Migration(
        2,
        "0002_index.sql",
        CONCURRENTLY + "-- by number\nDROP INDEX IF EXISTS by_n;\nCREATE INDEX CONCURRENTLY by_n ON first (n);\n",
    )

    async def story() -> None:
        async with fresh(server) as dsn:
            await asyncio.gather(*(migrate(dsn, "people", migrations=[FIRST, index]) for _ in range(3)))
            connection = await asyncpg.connect(dsn)
            valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_n'::regclass"
            assert await connection.fetchval(valid) is True
            await connection.close()
            assert await numbers(dsn) == [1, 2]

    asyncio.run(story())


def test_orders_of_before_are_filled_in_also_when_a_first_try_was_broken_off(server: ServerAddress) -> None:
    """More than two batches, stablecoin orders between; a first try got as far as some rows and an invalid index."""
    wanted = migrations_of("world")
    before = [migration for migration in wanted if migration.number < 71]

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "world", migrations=before)
            connection = await asyncpg.connect(dsn)
            await connection.execute(_ORDERS_OF_BEFORE)
            await migrate(dsn, "world", migrations=[m for m in wanted if m.number < 73])
            assert await connection.fetchval("SELECT count(*) FROM order_heads WHERE decline_code <> ''") == 0
            await connection.execute("UPDATE order_heads SET card_bin = '1' WHERE units <= 3")
            with pytest.raises(asyncpg.UniqueViolationError):  # leaves an invalid index behind
                await connection.execute("CREATE UNIQUE INDEX CONCURRENTLY order_heads_bin ON order_heads (card_bin)")
            await migrate(dsn, "world")
            found = await connection.fetch(
                "SELECT door, decline_code, decline_source, card_scheme, card_bin, count(*) FROM order_heads"
                " WHERE units > 3 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 4"
            )
            assert [tuple(row) for row in found] == [
                ("rescue", "51", "stripe", "", "", 1249),
                ("rescue", "51", "stripe", "visa", "411111", 1250),
                ("stablecoin", "", "", "", "", 2498),
            ]
            assert await connection.fetchval("SELECT count(*) FROM order_heads WHERE card_bin = '1'") == 3
            assert await connection.fetchval("SELECT bool_and(indisvalid) FROM pg_index") is True
            await connection.close()

    asyncio.run(story())


def test_what_processes_of_the_release_before_wrote_beside_this_schema_is_filled_in(server: ServerAddress) -> None:
    """Their orders had no decline code and their advances no customers: `recoup verify` found them wrong for good."""

    async def story() -> None:
        async with fresh(server) as dsn:
            connection = await asyncpg.connect(dsn)
            await migrate(dsn, "world", migrations=[one for one in migrations_of("world") if one.number < 90])
            await connection.execute(_ORDERS_OF_BEFORE)
            await connection.execute(_ADVANCES_OF_BEFORE)
            await migrate(dsn, "world")
            blank = "SELECT count(*) FROM order_heads WHERE door = 'rescue' AND decline_code <> '51'"
            assert await connection.fetchval(blank) == 0
            assert await connection.fetchval("SELECT count(*) FROM order_heads WHERE card_bin = '411111'") == 1250
            own = "SELECT customers = ARRAY[payer_id, pan_id] AS own FROM advances ORDER BY units"
            told = [row["own"] for row in await connection.fetch(own)]
            assert told == [True, False], "what is not due any more counts for nobody"
            await connection.close()

    asyncio.run(story())


_WHERE = """
SELECT relname::text, relnamespace::regnamespace::text, relfilenode FROM pg_class
WHERE relkind IN ('r', 'p', 'v', 'i', 'I') AND relnamespace::regnamespace::text ~ '^(public|cell|hub|directory)$'
"""


def test_tables_go_to_their_homes_with_partitions_and_indexes_and_nothing_is_rewritten(server: ServerAddress) -> None:
    wanted = migrations_of("world")
    before = [migration for migration in wanted if migration.number < 130]
    homes = next(migration for migration in wanted if migration.number == 130)

    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "world", migrations=before)
            # A log-in of before: it finds tables in public alone.
            connection = await asyncpg.connect(dsn, server_settings={"search_path": "public"})
            await ensure_partitions(connection, Clocks().wall(), ahead=12)
            await connection.execute("CREATE SCHEMA hub; CREATE TABLE of_somebody_else (n int)")
            stood = {name: (schema, file) for name, schema, file in await connection.fetch(_WHERE)}
            assert {schema for schema, _ in stood.values()} == {"public"}
            broken = replace(homes, sql=homes.sql + "SELECT 1 / 0;")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await migrate(dsn, "world", migrations=[*before, broken])
            assert {name: (schema, file) for name, schema, file in await connection.fetch(_WHERE)} == stood
            await migrate(dsn, "world", migrations=[*before, homes])
            stands = {name: (schema, file) for name, schema, file in await connection.fetch(_WHERE)}
            assert {name: file for name, (_, file) in stands.items()} == {
                name: file for name, (_, file) in stood.items()
            }
            left = {name for name, (schema, _) in stands.items() if schema == "public"}
            assert left == {"schema_migrations", "schema_migrations_pkey", "of_somebody_else"}
            assert {schema for name, (schema, _) in stands.items() if name.startswith("order_log_")} == {"cell"}
            assert sum(name.startswith("order_log_20") for name in stands) > 12
            await connection.close()

    asyncio.run(story())


@pytest.mark.parametrize("database", ["world", "people"])
def test_no_migration_holds_a_table_while_it_builds_an_index_of_orders_or_fills_them(database: str) -> None:
    large = r"^(UPDATE|CREATE INDEX \w+\s+ON) (cell\.)?(orders|order_\w+|requests|alerts)\b"
    for migration in migrations_of(database)[1:]:
        if not migration.sql.startswith(CONCURRENTLY):
            slow = re.search(large, migration.sql, re.M)
            assert slow is None, migration.name


def test_the_checksum_is_of_the_text() -> None:
    assert FIRST.checksum == hashlib.sha256(FIRST.sql.encode()).hexdigest()
