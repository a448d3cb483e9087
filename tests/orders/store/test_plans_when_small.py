"""A connection keeps the plan that it made while the tables were small: the statements of every
order look their rows up by keys from the first one on."""

import asyncio
import json
import re

import asyncpg
import pytest
from tests.declared import plans_inside, sql_of
from tests.worlds import make_shop, sandbox_world

from recoup.db.connect import PLANS
from recoup.db.server import ServerAddress
from recoup.orders.store import changes, due_work, locks
from recoup.rescue.store import evidence

STATEMENTS = {
    "lock": sql_of(locks._lock_orders), "claim": sql_of(due_work._claim),
    "evidence": evidence._statement(frozenset().union(*(by for _, by, _ in evidence._PARTS))),
    "cards": sql_of(evidence._of_cards), "others": sql_of(evidence._open_orders),
    "block": sql_of(changes._block_cards), "send": sql_of(changes._note_sends),
}  # fmt: skip
# Every part, each without rows; of an order what is admitted of it.
COLUMNS = (
    "uuid", "uuid", "text", "uuid", "text", "uuid", "bytea", "timestamptz", "timestamptz",
    "uuid", "uuid", "smallint", "text", "text", "text", "bigint", "timestamptz",
)  # fmt: skip
NO_ROWS = json.dumps({name: [] for name in changes._JSON})
CHANGES = (
    f"SELECT write_changes('{NO_ROWS}', {', '.join(f'ARRAY[]::{kind}[]' for kind in COLUMNS)})"
)
ADMITTED = """
SELECT admit_orders(jsonb_build_array(jsonb_build_object('merchant_id', merchant_id,
  'merchant_version', version,
  'order_id', gen_random_uuid(), 'key', 'k', 'operation', 'order', 'input_mac', '', 'answer', '{}',
    'kind', 'stable',
  'door', 'rescue', 'external_id', 'x', 'generation', 1, 'site_id', merchant_id, 'descriptor', '',
    'asset', 'USD',
  'units', 1, 'amount_text', '1', 'order_type', 'MIT', 'source', 'web', 'placed_at', now(),
    'recorded_at', now(),
  'due_at', now(), 'due_kind', 'expire', 'facts', '{}'::jsonb, 'stage', 'received', 'happening',
    'received', 'actor',
  '', 'request_id', '', 'event_id', gen_random_uuid(), 'event', '{}'::jsonb, 'subject_kind',
    'order', 'status', 0,
  'first_name', '', 'last_name', '', 'email', '', 'phone', '', 'ip', '', 'search', '', 'channel',
    '', 'attempt_id',
  gen_random_uuid())), '00000000-0000-0000-0000-000000000000')
FROM merchants
"""
ADMISSION = (
    "requests",
    "order_refs",
    "order_log",
    "orders",
    "order_heads",
    "payers",
    "order_payer",
    "order_search",
    "outbox",
    "attempts",
    "due_work",
)
FORGET = """
SELECT pg_clear_relation_stats(relnamespace::regnamespace::text, relname), pg_clear_attribute_stats(
  relnamespace::regnamespace::text, relname, attname, false)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relkind = 'r' AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
"""
WHOLE = re.compile("(Hash|Merge) .*Join|(Hash|Merge) Join")
EVERY_ORDER = re.compile(
    r"Scan using \S+ on order(s|_heads) \S+\n\s*Index Cond: \(merchant_id = [\w.$]+\)\n"
)


async def _plan(connection: asyncpg.Connection, sql: str) -> str:
    nothing = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", sql))))
    await connection.execute(f"PREPARE one AS {sql}")
    rows = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE one ({nothing})")
    await connection.execute("DEALLOCATE one")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    "rows", [0, 100], ids=["before the first order", "after a hundred, analyzed"]
)
def test_no_plan_of_a_small_table_reads_all_of_it(server: ServerAddress, rows: int) -> None:
    plans = asyncio.run(_plans(server, rows))
    whole = {
        name: plan for name, plan in plans.items() if WHOLE.search(plan) or EVERY_ORDER.search(plan)
    }
    assert not whole, "\n".join(f"{name}:\n{plan}" for name, plan in whole.items())


async def _plans(server: ServerAddress, rows: int) -> dict[str, str]:
    async with sandbox_world(server) as (world, orders, deliveries):
        await make_shop(world, orders, deliveries)
        connection = await asyncpg.connect(world.dsn, timeout=10, server_settings=PLANS)
        try:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(
                FORGET
            )  # what an earlier test's rows taught the server of this database
            await connection.execute(f"""
            INSERT INTO order_heads (merchant_id, order_id, placed_at, status, order_type, source,
              door, site_id, asset,
              units)
            SELECT '{"1" * 32}', gen_random_uuid(), now(), 7, 'MIT', 'web', 'rescue', '{"1" * 32}',
              'USD', 1
            FROM generate_series(1, {rows});
            INSERT INTO order_states (merchant_id, order_id, stage, version)
            SELECT merchant_id, order_id, 'completed', 1 FROM order_heads;
            INSERT INTO orders (merchant_id, order_id, door, kind, external_id,
              generation, site_id,
              descriptor, asset, units, amount_text, placed_at, facts)
            SELECT merchant_id, order_id, door, 'mit_sync', order_id, 1, site_id,
              '', asset, units, '1',
              placed_at, '{{}}' FROM order_heads;
            INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
            SELECT merchant_id, 'expire', order_id, now() FROM order_heads;
            """)
            if rows:
                await connection.execute("ANALYZE order_heads, orders, order_states, due_work")
            plans = {name: await _plan(connection, sql) for name, sql in STATEMENTS.items()}
            inside = {
                "write": await plans_inside(connection, CHANGES),
                "admit": await plans_inside(connection, ADMITTED),
            }
            assert all(f"Insert on {table}" in inside["admit"] for table in ADMISSION), inside[
                "admit"
            ]
            assert all(
                f"{what}" in inside["write"]
                for what in ("Insert on order_log", "Delete on cvv_once")
            )
            return plans | inside
        finally:
            await connection.close()
