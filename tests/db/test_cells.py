"""A further cell has what the first has, and each migration changes both."""

import asyncio

import asyncpg
from tests.db.test_schema import fresh

from recoup.db.connect import connect
from recoup.db.migrate import Migration, add_cell, migrate, migrations_of
from recoup.db.server import ServerAddress
from recoup.db.upkeep import keep_up
from recoup.kernel.time import Clocks

SHAPE = """
SELECT c.relkind::text AS kind, c.relname::text AS name, coalesce((
    SELECT string_agg(concat_ws(' ', a.grantee::regrole, a.privilege_type), ', '
      ORDER BY a.grantee, a.privilege_type)
    FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner), '') AS said
FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v')
UNION ALL SELECT 'column', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod)
  || a.attnotnull || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || coalesce(a.attacl::text, '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v')
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = $1::regnamespace AND contype <> 'n'
UNION ALL SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = $1::regnamespace
UNION ALL SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc p WHERE p.pronamespace = $1::regnamespace
UNION ALL SELECT 'type', t.typname::text, t.typtype::text
FROM pg_type t WHERE t.typnamespace = $1::regnamespace
UNION ALL SELECT 'default', d.defaclrole::regrole::text, d.defaclacl::text
FROM pg_default_acl d WHERE d.defaclnamespace = $1::regnamespace
"""


async def shape_of(dsn: str, cell: int) -> set[tuple[str, str, str]]:
    schema = "cell" if cell == 1 else f"cell_{cell}"
    connection = await connect(dsn, cell)
    try:
        rows = await connection.fetch(SHAPE, schema)
        return {
            (row["kind"], row["name"], row["said"].replace(f"{schema}.", "cell.")) for row in rows
        }
    finally:
        await connection.close()


async def list_cell(dsn: str, cell: int) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO directory.cells VALUES ($1, now())", cell)
    await connection.close()


def test_a_further_cell_has_what_the_first_has(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "world", world="sandbox")
            await keep_up(dsn, Clocks().wall())
            cell = await add_cell(dsn)
            await list_cell(dsn, cell)
            await keep_up(dsn, Clocks().wall(), cell)
            first, second = await shape_of(dsn, 1), await shape_of(dsn, cell)
            assert cell == 2
            assert len(first) > 1_000
            assert first ^ second == set()

    asyncio.run(story())


INSIDE = """
-- a comment; with a semicolon
CREATE TABLE marbles (merchant_id uuid PRIMARY KEY, colour text);
ALTER TABLE orders ADD COLUMN marble text;
CREATE INDEX partner_keys_twice ON partner_keys (partner_id);
CREATE TABLE hub.bags (card_id uuid PRIMARY KEY);
INSERT INTO marbles SELECT merchant_id FROM merchants;
GRANT SELECT ON ALL TABLES IN SCHEMA cell TO recoup_app;
CREATE FUNCTION roll() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  RETURN 1;
END $$;
"""
ALONE = """-- concurrently
-- by size;
CREATE INDEX CONCURRENTLY IF NOT EXISTS marbles_colour ON marbles (colour);
CREATE INDEX CONCURRENTLY IF NOT EXISTS bags_twice ON bags (card_id);
"""


def test_a_migration_changes_every_cell_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn:
            await migrate(dsn, "world", world="sandbox")
            await list_cell(dsn, await add_cell(dsn))
            every = migrations_of("world")
            number = max(migration.number for migration in every if not migration.feature)
            added = [
                Migration(number + 1, "inside.sql", INSIDE),
                Migration(number + 2, "alone.sql", ALONE),
            ]
            await migrate(dsn, "world", migrations=[*every, *added])
            assert await shape_of(dsn, 1) ^ await shape_of(dsn, 2) == set()
            names = {name for _, name, _ in await shape_of(dsn, 2)}
            assert {"marbles", "orders.marble", "marbles_colour", "roll()"} <= names

    asyncio.run(story())
