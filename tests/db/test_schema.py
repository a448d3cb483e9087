"""Homes, grants and the log's constraints hold."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.databases import drop
from tests.rings import each
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.migrate import create_database
from recoup.db.server import ServerAddress

# What the keys of a home's tables begin with, and those that begin otherwise: what they are looked
# up by comes before anybody knows whose it is.
KEYS = {"cell": {"merchant_id"}, "hub": {"card_id", "partner_id"}}
OWN_KEYS = {"card_prints": "key_id", "refresh_tokens": "token_hash", "wire_keys": "key"}
OWN_KEYS |= dict.fromkeys(("cell_mark", "hub_mark"), "one")  # a row for all
HERE = "= ANY(current_schemas(false)::regnamespace[])"  # one of the search path's
# The tables of all homes, and which migrations were applied.
TABLES = f"""
SELECT relnamespace::regnamespace::text AS home, relname::text AS name FROM pg_class
WHERE relnamespace {HERE} AND relkind IN ('r', 'p') AND NOT relispartition
"""
KEY_OF_PARTITIONS = """
SELECT c.relname::text FROM pg_class c JOIN pg_inherits i ON i.inhparent = c.oid
LEFT JOIN pg_constraint k ON k.conrelid = i.inhrelid AND k.contype = 'p'
WHERE c.relkind = 'p' GROUP BY c.oid, c.relname HAVING count(*) = count(k.oid)
"""
# table -> what the application may change of it; None for nothing, () for whole rows
CHANGEABLE: dict[str, tuple[str, ...]] = {
    "bulk_acts": (
        "note",
        "state",
        "said",
        "done_count",
        "refused_count",
        "stop_requested_at",
        "finished_at",
    ),
    "bulk_act_rows": ("state", "answer"),
    "order_log": (),
    "decisions": (),
    "delivery_tries": ("answer",),
    "feed": (),
    "pages": (),
    "settlement_lines": (),
    "dispute_notes": ("text",),
    "dispute_files": ("name", "sealed", "sha256"),
    "dispute_terms": (),
    "switch_changes": (),
    "settlement_terms": (),
    "settlement_batches": (),
    "order_refs": (),
    "fee_terms": (),
    "card_prints": (),
    "epochs": (),
    "world": ("beat", "beat_at"),
    "seen_signatures": (),
    "signatures_since": (),
    "partner_log": (),
    "application_log": (),
    "application_documents": ("sealed",),
    "key_checks": ("retiring",),
    "api_calls": (),
    "api_call_gaps": (),
    "export_parts": (),
    "alerts": (),
    "clock_moves": ("reached_at",),
    "partner_alerts": ("notified_at",),
    "orders": (
        "token_id",
        "card_id",
        "pan_id",
        "expires_at",
        "cards_before",
        "do_not_retry",
        "metadata",
        "facts",
    ),
    "postings": (),
    "page_lines": (),
    "entries": ("balance_after",),
    "reconciliation_runs": ("lines", "counts", "notes", "period_from", "period_to", "file_name"),
    "reconciliation_lines": ("booked_at", "booked_by", "note"),
    "reconciliation_reports": (),
    "order_notes": ("text",),
    "order_words": ("text",),
    "blocks": ("lifted_by", "lifted_at"),
    "person_log": (),
    "audit_lines": (),
    "models": (),
    "model_choices": (),
    "trainings": (),
    "arm_settings": (),
    "engine_stops": ("ended_by", "ended_at"),
    "card_route_stops": ("ended_by", "ended_at"),
    "sending_stops": ("ended_by", "ended_at"),
    "risk_settings": (),
    "risk_sightings": (),
    "risk_weights": (),
    "fraud_warnings": (),
    "partner_feed": (),
    "outbox": (),
    "transmissions": ("facts", "outcome", "updated_at"),
    "wire_keys": (),
}
DELETABLE = {
    "key_checks", "live_marks", "damaged_pages",
    "contacts", "key_endings", "key_listeners",
    "application_documents", "modifications_queue", "outbox_queue", "postings_queue", "due_work",
    "lanes", "cvv_once",
    "refresh_tokens", "seen_signatures", "webhook_key_overlaps", "import_lines", "import_rows",
    "imported_attempts", "backtests", "export_parts",
}  # fmt: skip

_FUNCTIONS = f"""
SELECT DISTINCT l.lanname::text, p.prosecdef FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace {HERE} AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid
  AND d.deptype = 'e')
"""


@asynccontextmanager
async def fresh(server: ServerAddress) -> AsyncIterator[str]:
    name = f"s_{uuid.uuid4().hex[:12]}"
    await create_database(server.dsn("postgres"), name)
    try:
        yield server.dsn(name)
    finally:
        await drop(server, name)


def test_every_key_stays_at_home(server: ServerAddress) -> None:
    sql = f"""
        SELECT c.relname AS table, k.contype::text AS kind, k.conname AS name, f.relname AS other,
          (SELECT array_agg(a.attname::text ORDER BY n)
            FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS columns,
          (SELECT array_agg(a.attname::text ORDER BY n)
            FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, n)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum) AS others
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
          LEFT JOIN pg_class f ON f.oid = k.confrelid
        WHERE c.relnamespace {HERE} AND NOT c.relispartition AND k.conparentid = 0
          AND k.contype IN ('p', 'u', 'f')
        UNION ALL
        SELECT c.relname, 'u', i.relname, NULL, (SELECT array_agg(a.attname::text ORDER BY n)
            FROM unnest(x.indkey::smallint[]) WITH ORDINALITY AS u (attnum, n)
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum), NULL
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
          JOIN pg_class i ON i.oid = x.indexrelid
        WHERE x.indisunique AND c.relnamespace {HERE} AND NOT c.relispartition"""

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as connection:
            tables = {r["name"]: r["home"] for r in await connection.fetch(TABLES)}
            assert {name for name, home in tables.items() if home == "public"} == {
                "schema_migrations"
            }
            with_key = set()
            for row in await connection.fetch(sql):
                table, home = row["table"], tables[row["table"]]
                keys = {OWN_KEYS[table]} if table in OWN_KEYS else KEYS.get(home)
                assert keys is None or row["columns"][0] in keys, (
                    f"{table}.{row['name']} starts with {row['columns']}"
                )
                if row["kind"] == "f":
                    assert tables[row["other"]] == home, f"{table}.{row['name']} leaves its home"
                    assert keys is None or row["others"][0] in keys
                if row["kind"] == "p":
                    with_key.add(table)
            with_key |= {row[0] for row in await connection.fetch(KEY_OF_PARTITIONS)}
            assert with_key == set(tables), "every table has a primary key"

    asyncio.run(story())


def test_the_application_may_not_rewrite_what_was_written(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as connection:
            for table in [row["name"] for row in await connection.fetch(TABLES)]:
                may = {
                    r[0]
                    for r in await connection.fetch(
                        "SELECT p FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', "
                        "'REFERENCES']) AS p"
                        " WHERE has_table_privilege('recoup_app', $1::regclass, p)",
                        table,
                    )
                }
                columns = {
                    r[0]
                    for r in await connection.fetch(
                        "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND "
                        "attnum > 0"
                        " AND has_column_privilege('recoup_app', $1::regclass, attnum, 'UPDATE')",
                        table,
                    )
                }
                assert may <= {"UPDATE", "DELETE"}, (table, may)
                assert ("DELETE" in may) == (table in DELETABLE), table
                if table in CHANGEABLE:
                    assert "UPDATE" not in may, table
                    assert columns == set(CHANGEABLE[table]), table
            # Partitions are reached through their parent only, or as it allows.
            loose = await connection.fetch(
                "SELECT c.relname FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"
                " AND has_table_privilege('recoup_app', c.oid, 'UPDATE, DELETE')"
            )
            assert not loose
            role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = 'recoup_app'")
            assert not any(
                role[f]
                for f in ("rolsuper", "rolcreatedb", "rolcreaterole", "rolbypassrls", "rolcanlogin")
            )
            create = """
                SELECT bool_or(has_schema_privilege('recoup_app', one, 'CREATE'))
                FROM unnest(current_schemas(false)) one"""
            assert await connection.fetchval(create) is False

    asyncio.run(story())


def test_there_are_no_triggers_and_functions_do_what_their_caller_may(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as connection:
            assert not await connection.fetch("SELECT FROM pg_trigger WHERE NOT tgisinternal")
            assert [tuple(row) for row in await connection.fetch(_FUNCTIONS)] == [
                ("plpgsql", False)
            ]

    asyncio.run(story())


# the log
# --------------------------------------------------------------------------------------------------

_LINE = """
INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor, request_id,
  business_at,
  recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, '{}', 'api:k', 'r', now(), now())
"""


async def _refused(shop: Shop, statements: Iterable[tuple[str, tuple[Any, ...]]]) -> str:
    """The constraint that refuses them, run as the application in one transaction."""
    try:
        async with shop.world.db.transaction() as tx:
            for sql, values in statements:
                await tx.execute(sql, *values)
    except asyncpg.IntegrityConstraintViolationError as error:
        return f"{type(error).__name__} {error.constraint_name}"
    return ""


def test_the_database_refuses_a_log_that_is_no_walk(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order_id = await shop.admit()
            key = shop.key(order_id)

            def line(seq: int, happening: str, src: str, dst: str) -> tuple[str, tuple[Any, ...]]:
                return _LINE, (*key, seq, happening, src, dst)

            gap = await _refused(shop, [line(3, "started", "received", "processing")])
            assert gap.startswith("ForeignKeyViolationError"), gap
            wrong_src = await _refused(shop, [line(2, "held", "processing", "held")])
            assert wrong_src.startswith("ForeignKeyViolationError"), wrong_src
            illegal = await _refused(shop, [line(2, "collected", "received", "completed")])
            assert illegal == "CheckViolationError order_log_lifecycle", illegal
            second_start = await _refused(shop, [line(2, "received", "new", "received")])
            assert second_start.startswith("CheckViolationError"), second_start
            twice = await _refused(shop, [line(1, "received", "new", "received")])
            assert twice.startswith("UniqueViolationError"), twice
            zero = await _refused(shop, [line(0, "started", "received", "processing")])
            assert zero.startswith("CheckViolationError"), zero
            elsewhere = (
                "UPDATE order_states SET stage = 'completed', version = 2 WHERE merchant_id = "
                "$1 AND order_id = $2"
            )
            ahead = await _refused(shop, [(elsewhere, key)])
            assert ahead.startswith("ForeignKeyViolationError"), ahead
            other_stage = (
                "UPDATE order_states SET stage = 'completed' WHERE merchant_id = $1 "
                "AND order_id = $2"
            )
            assert (await _refused(shop, [(other_stage, key)])).startswith(
                "ForeignKeyViolationError"
            )
            # And what is a walk is taken.
            right = (
                "UPDATE order_states SET stage = 'processing', version = 2 WHERE merchant_id = $1 "
                "AND order_id = $2"
            )
            assert not await _refused(
                shop, [line(2, "started", "received", "processing"), (right, key)]
            )
            for column in ("happening", "src", "dst", "seq", "actor"):
                sql = (
                    "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'order_log'::regclass "
                    "AND attname = $1"
                )
                assert await shop.value(sql, column)

    asyncio.run(story())


@each(
    "sql",
    [
        "UPDATE order_log SET happening = 'held'",
        "DELETE FROM order_log",
        "UPDATE postings SET recipe = 'x'",
        "DELETE FROM postings",
        "UPDATE entries SET units = 1",
        "UPDATE outbox SET body = '{}'",
        "DELETE FROM outbox",
        "UPDATE orders SET units = 1",
        "DELETE FROM orders",
        "UPDATE decisions SET verdict = 'x'",
        "UPDATE feed SET event = 'x'",
        "DELETE FROM network_sends",
        "TRUNCATE order_log",
        "UPDATE world SET epoch = 9",
        "CREATE TABLE mine (x int)",
    ],
)
def test_the_application_is_refused(server: ServerAddress, sql: str) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await world.db.execute(sql)

    asyncio.run(story())
