"""What facts are made from, and read by, is found by whole keys: also by a plan made while there
was little. So is what a transmission touches, the newest setting of a site, and what stands,
however much was made and ended before it."""

import asyncio
import re
from uuid import UUID

import asyncpg
import pytest
from tests.declared import plans_inside, sql_of
from tests.rings import each
from tests.worlds import sandbox_world

from recoup.db.connect import PLANS
from recoup.db.server import ServerAddress
from recoup.keys.store import merchant_keys
from recoup.merchants.store import merchants, switches
from recoup.onboarding.store import partner_merchants
from recoup.rescue.store import evidence, payer_sources
from recoup.rescue.store import transmissions as told
from recoup.terms.store import arms
from recoup.webhooks.store import endpoints, replays
from recoup.webhooks.store import replays as replaying

STATEMENTS = {
    "known": (evidence._statement(frozenset({"arm"})), {"payer_looks": "payer_id"}),
    "cards": (sql_of(evidence._of_cards), {"network_sends": "card_id", "card_blocks": "card_id"}),
    "others": (sql_of(evidence._open_orders), {"orders": "order_id"}),
    "events": (payer_sources._EVENTS, {"feed": "feed_no|subject_id"}),
    "transmitted": (payer_sources._TRANSMITTED, {"transmissions": "transmit_id"}),
    "payers": (payer_sources._PAYERS, {"order_payer": "order_id"}),
    "sources": (
        payer_sources._SOURCES,
        {
            "payer_looks": "payer_id",
            "order_payer": "payer_id",
            "orders": "order_id",
            "vault": "token_id",
            "attempts": "order_id",
            "transmissions": "payer_id",
            "order_refs": "external_id",
        },
    ),
    "merchant": (sql_of(merchants._load), {"arm_settings": "site_id"}),
    "arms": (sql_of(arms.arm_settings), {"arm_settings": "site_id"}),
    "touched": (sql_of(told._touched), {"transmissions": "transmit_id", "order_payer": "payer_id"}),
    "switched": (sql_of(switches.last_actors), {"switch_changes": "subject_id"}),
    "ended keys": (
        sql_of(merchant_keys.keys_ended),
        {"api_keys": "app_key", "tokenization_keys": "environment_key", "signing_keys": "key_id"},
    ),
    "replay": (sql_of(replays._replays_of_key), {"replays": "key"}),
    "replays": (sql_of(replays.newest_replays), {"replays": "endpoint_id"}),
    "busy": (sql_of(replaying.is_busy), {"replays": "endpoint_id"}),
    "answered": (
        payer_sources._ANSWERED,
        {
            "order_log": "seq > ",
            "attempts": "order_id|attempt_id",
            "orders": "order_id",
            "vault": "token_id",
        },
    ),
}


# Autovacuum may have looked at what an earlier test had in these tables.
_A_HUNDRED = f"""
DELETE FROM pg_statistic WHERE starelid >= 16384;
UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE relkind IN ('r', 'i') AND oid >= 16384;
INSERT INTO order_payer (merchant_id, order_id, payer_id, first_name, last_name, email, phone, ip)
SELECT '{"1" * 32}', gen_random_uuid(), gen_random_uuid(), '', '', '', '', ''
  FROM generate_series(1, 100);
ANALYZE order_payer
"""


def _values(statement: str) -> str:
    """Of any, but for ids that say which months are read."""
    if statement == payer_sources._TRANSMITTED:
        return f"'{UUID(int=0)}', '{UUID(int=0)}', '{UUID(int=2**128 - 1)}', 10"
    return ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", statement))))


def _plan(server: ServerAddress, statement: str) -> str:
    async def planned() -> str:
        async with sandbox_world(server) as (world, *_):
            connection = await asyncpg.connect(
                world.dsn, statement_cache_size=0, server_settings=PLANS
            )
            try:
                await connection.execute(_A_HUNDRED)
                await connection.execute(f"PREPARE one AS {statement}")
                rows = await connection.fetch(
                    f"EXPLAIN (COSTS OFF) EXECUTE one ({_values(statement)})"
                )
            finally:
                await connection.close()
        return "\n".join(row[0] for row in rows)

    return asyncio.run(planned())


def _plans_inside(server: ServerAddress, call: str) -> str:
    async def planned() -> str:
        async with sandbox_world(server) as (world, *_):
            connection = await asyncpg.connect(
                world.dsn, statement_cache_size=0, server_settings=PLANS
            )
            try:
                await connection.execute(_A_HUNDRED)
                return await plans_inside(connection, call)
            finally:
                await connection.close()

    return asyncio.run(planned())


@pytest.mark.parametrize(
    "statement", [sql_of(endpoints.list_endpoints), sql_of(partner_merchants.hooks_of)]
)
def test_endpoints_that_were_deleted_without_end_slow_nobody_down(
    server: ServerAddress, statement: str
) -> None:
    """Fifty stand at most, but each page looked through all that a merchant ever made."""
    plan = _plan(server, statement)
    assert "endpoints_of_merchant" in plan
    assert not re.search(
        r"Scan (using endpoints_pkey )?on endpoints \w+\n(?! +(Index|Recheck) Cond)", plan
    )


@each("name", STATEMENTS)
def test_each_row_is_found_by_its_whole_key(server: ServerAddress, name: str) -> None:
    statement, wanted = STATEMENTS[name]
    _found_by(_plan(server, statement), wanted)


def test_what_a_transmission_touches_is_found_by_whole_keys(server: ServerAddress) -> None:
    plans = _plans_inside(server, "SELECT add_transmissions('[]')")
    _found_by(plans, {"order_refs": "external_id", "order_payer": "payer_id"})


def _found_by(plan: str, wanted: dict[str, str]) -> None:
    assert "Seq Scan" not in plan
    looked_up: dict[str, list[str]] = {}
    for table, condition in re.findall(
        r"Scan (?:Backward )?(?:using \w+ )?on (\w+?)(?:_\d{4}_\d\d|_first|_default)?"
        r"(?: \w+)?\n +(?:Index|Recheck) Cond: (.*)",
        plan,
    ):
        looked_up.setdefault(table, []).append(condition)
    for table, column in wanted.items():
        assert looked_up.get(table), f"{table} is not read by an index:\n{plan}"
        missing = [one for one in looked_up[table] if not re.search(column, one)]
        assert not missing, f"{table}: {missing}"
