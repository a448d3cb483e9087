"""What a plan expects to read grows with the tables; what a statement reads does not."""

import asyncio
import re

import asyncpg
from tests.declared import sql_of
from tests.worlds import owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.store import rescue_rate
from recoup.kit.lists.bounded import bounded
from recoup.orders.rules.ledger import with_recipes
from recoup.orders.store import charges, find_orders, movements, unknown_outcomes
from recoup.partners import store as partner_report
from recoup.reconciliation.store import origin_reports, reconciliation
from recoup.routes.store import processor_notices

STATEMENTS = (movements._TOTALS, origin_reports._TOTALS, *origin_reports._GROUPS.values())
FILL = """
SET session_replication_role = replica;
INSERT INTO postings (merchant_id, posting_id, source_kind, source_id, recipe, order_id,
  content_hash, business_at, recorded_at)
SELECT '11111111-1111-1111-1111-111111111111', gen_random_uuid(), 'attempt',
  gen_random_uuid(), 'approve',
  gen_random_uuid(), '', now() - n * interval '1 hour', now() FROM generate_series(1, 10000) AS n;
INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, units, available_at)
SELECT merchant_id, posting_id, 1, 'merchant_payable', 'USD', '', 1, now() FROM postings;
INSERT INTO order_states (merchant_id, order_id, stage, version)
SELECT merchant_id, order_id, 'completed', 1 FROM postings;
INSERT INTO orders (merchant_id, order_id, door, kind, external_id, generation,
  site_id, descriptor, asset, units, amount_text, placed_at, facts)
SELECT merchant_id, order_id, 'rescue', 'mit_sync', order_id, 1, merchant_id, '',
  'USD', 1, '1', business_at, '{}' FROM postings;
INSERT INTO order_heads (merchant_id, order_id, placed_at, status, order_type, source, door,
  site_id, asset, units)
SELECT merchant_id, order_id, business_at, 7, 'MIT', 'web', 'rescue', merchant_id, 'USD', 1
  FROM postings;
INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, units,
  asset, initiator)
SELECT merchant_id, posting_id, order_id, 1, 'approved', 'funds', business_at, 1, 'USD', 'merchant'
  FROM postings;
INSERT INTO wire_keys SELECT posting_id, merchant_id, posting_id FROM postings;
INSERT INTO charges SELECT merchant_id, posting_id, order_id::text, '1111', 1, 'USD', business_at
  FROM postings;
ANALYZE postings, entries, orders, order_states, order_heads, attempts,
  wire_keys, charges
"""
LOOK_UPS = {
    "wire_keys_pkey": (
        processor_notices.attempt_of, processor_notices.modification_of,
        find_orders.order_of_charge, reconciliation.unexplained_since,
    ),
    "charges_referenced": (processor_notices.charge_referenced,),
    "charges_of_card": (charges.find_charges,),
}  # fmt: skip
# As if a second process cost nothing, as it seems to beside all that a plan for a long history
# expects.
CHEAP = """
SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0;
  SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL min_parallel_index_scan_size = 0
"""


def test_a_report_of_two_days_starts_no_second_process_after_a_million_orders(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            async with owner(world) as filling:
                await filling.execute(FILL)
            async with world.db.connection() as connection, connection.transaction():
                await connection.execute(CHEAP)
                assert not await _with_another(connection)
                await connection.execute("SET LOCAL max_parallel_workers_per_gather = 1")
                assert await _with_another(connection), "where it is allowed, it is planned"

    asyncio.run(story())


def test_the_first_page_of_two_days_does_not_walk_all_orders_before_them(
    server: ServerAddress,
) -> None:
    async def story() -> str:
        async with sandbox_world(server) as (world, _, _):
            async with owner(world) as filling:
                await filling.execute(FILL)
            async with world.db.connection() as connection:
                return await _plan(connection, origin_reports._PAGE)

    plan = asyncio.run(story())
    assert "postings_booked" in plan, plan
    assert "postings_order" not in plan, plan


def test_a_partners_report_of_a_moment_looks_up_the_orders_of_its_days_alone(
    server: ServerAddress,
) -> None:
    async def story() -> str:
        async with sandbox_world(server) as (world, _, _):
            async with owner(world) as filling:
                await filling.execute(FILL)
            async with world.db.connection() as connection:
                return await _plan(connection, sql_of(partner_report.placed_by_day))

    plan = asyncio.run(story())
    assert "order_heads_placed" in plan, plan
    assert not re.search(r"Seq Scan|Hash Join|Merge Join|hashed", plan), plan
    assert re.search(
        r"on order_log\S* .*\n\s*Index Cond: \(\(merchant_id = .*order_id = .*seq = 1\)", plan
    ), plan


def test_the_days_of_a_rescue_rate_are_read_by_their_index(server: ServerAddress) -> None:
    async def story() -> str:
        async with sandbox_world(server) as (world, _, _):
            async with owner(world) as filling:
                await filling.execute(FILL)
            async with world.db.connection() as connection:
                return await _plan(connection, sql_of(rescue_rate._days))

    plan = asyncio.run(story())
    assert re.search(
        r"using order_heads_\S+ on order_heads.*\n\s*Index Cond: .*placed_at > .*placed_at <=", plan
    ), plan
    assert "Seq Scan" not in plan, plan


def test_unknown_outcomes_of_a_small_merchant_are_looked_up_by_their_orders(
    server: ServerAddress,
) -> None:
    async def story() -> str:
        async with sandbox_world(server) as (world, _, _):
            async with owner(world) as filling:
                await filling.execute(FILL)
            async with world.db.connection() as connection, bounded(connection, 1_000):
                return await _plan(connection, unknown_outcomes._DESK, f"'{'2' * 32}', now(), 100")

    plan = asyncio.run(story())
    assert plan.count("order_id = ") >= 3, plan
    assert not re.search(
        r"on (attempts|orders|order_heads) .*\n\s*Index Cond: \(merchant_id = \S+\)\n", plan
    ), plan


def test_what_others_name_a_charge_by_finds_it_by_one_index(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            async with owner(world) as filling:
                await filling.execute(FILL)
            async with world.db.connection() as connection:
                for index, statements in LOOK_UPS.items():
                    for statement in statements:
                        plan = await _plan(connection, sql_of(statement))
                        assert index in plan, plan
                        assert not re.search(r"Seq Scan on (attempts|charges|wire_keys)", plan), (
                            plan
                        )

    asyncio.run(story())


async def _with_another(connection: asyncpg.Connection) -> list[str]:
    return [sql for sql in STATEMENTS if "Gather" in await _plan(connection, sql)]


async def _plan(connection: asyncpg.Connection, sql: str, values: str = "") -> str:
    sql = with_recipes(sql)()
    nothing = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", sql))))
    await connection.execute(f"PREPARE one AS {sql}")
    rows = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE one ({values or nothing})")
    await connection.execute("DEALLOCATE one")
    return "\n".join(row[0] for row in rows)
