"""Unchanged Citus, of three nodes, takes every statement; a filled installation goes there and back
with its sums, and works there."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from scripts.citus import Node, join
from tests.db.test_citus_rules import AT_RUN_TIME
from tests.subjects import modules_of
from tests.worlds import Shop, make_shop

from recoup.db.connect import connect
from recoup.db.migrate import create_database, migrate
from recoup.db.operation.citus import gather, spread
from recoup.db.operation.partitions import read_days_left
from recoup.db.partitions import ensure_partitions
from recoup.db.roles import APP, READ
from recoup.db.server import ServerAddress
from recoup.db.statement import PEOPLE, SEARCH_PATH, STATEMENTS
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.main import probes
from recoup.main.databases import Databases, find_databases, prepare
from recoup.main.recover_verb import _recovered
from recoup.main.schema_verb import _lay_out
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import Running, open_sandbox
from recoup.outside.mail import mailbox
from recoup.processors.gateways.sandbox import book
from recoup.stablecoin.gateways import channel as mock_channel

Servers = list[ServerAddress]
pytestmark = pytest.mark.timeout(900)
every = list(modules_of("store"))
REFUSED = (
    asyncpg.FeatureNotSupportedError,
    asyncpg.InternalServerError,
    asyncpg.PostgresSyntaxError,
)
LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)
AN_ID = "01900000-0000-7000-8000-000000000001"
A_VALUE = {
    "uuid": f"'{AN_ID}'",
    "text": "'x'",
    "varchar": "'x'",
    "int2": "1",
    "int4": "1",
    "int8": "1",
    "bool": "true",
    "bytea": r"'\x00'",
    "timestamptz": "'2026-11-01'",
    "date": "'2026-11-01'",
    "interval": "'1 day'",
    "numeric": "1",
    "float4": "1",
    "float8": "1",
    "time": "'10:00'",
    "json": "'[]'",
    "jsonb": "'[]'",
}
_SUMS = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY($1::text[])
  AND c.relname !~ '_10[0-9]{4}$' ORDER BY 1
"""
_RIGHTS = """
SELECT c.oid::regclass::text, c.relacl::text[], array_agg(a.attname || a.attacl::text
  ORDER BY a.attname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname = ANY($1::text[])
  AND c.relname !~ '_10[0-9]{4}$' GROUP BY c.oid, c.relacl
"""
# Of a table of the directory the copy on the cell's node.
_SHARD = """
SELECT s.nodeport, s.shard_name FROM citus_shards s WHERE s.table_name = $1::regclass
  AND (s.citus_table_type <> 'reference' OR s.nodeport = (SELECT nodeport FROM citus_shards
    WHERE table_name = 'cell.cell_mark'::regclass))
"""
ANSWER_SECONDS = 120
QUARANTINE_SECONDS = 7  # a look every five, and what it takes
HOMES = ["cell", "hub", "directory", "chain"]


async def filled(servers: Servers, name: str) -> str:
    """A migrated world, before it knows of Citus."""
    with suppress(asyncpg.InsufficientPrivilegeError):  # an administrator made it
        await create_database(servers[0].dsn("postgres"), name)
    await migrate(dsn := servers[0].dsn(name), "world", world="sandbox")
    connection = await connect(dsn)
    await ensure_partitions(connection, datetime.now(UTC))
    for part in (book, mock_channel, mailbox):
        await part.install(connection)
    await connection.close()
    return dsn


async def steps(dsn: str, work: Callable[..., Any] = spread) -> list[str]:
    connection = await connect(dsn)
    try:
        return [step async for step in work(connection)]
    finally:
        await connection.close()


def literal(kind: str) -> str:
    if kind.endswith("[]"):
        return f"ARRAY[{A_VALUE.get(kind[:-2], 'NULL')}]::{kind}"
    return f"{A_VALUE.get(kind, 'NULL')}::{kind}"


async def refusal(connection: asyncpg.Connection, sql: str) -> str:
    """What Citus says against it; how it ends otherwise is PostgreSQL's."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        prepared = await connection.prepare(sql)
        given = [literal(parameter.name) for parameter in prepared.get_parameters()]
        if "jsonb_populate_record(" in sql:
            given = ["'{}'::jsonb" if value == "'[]'::jsonb" else value for value in given]
        await connection.execute(f"PREPARE one AS {sql}")
        values = ", ".join(given)
        await connection.execute(f"EXECUTE one({values})" if given else "EXECUTE one")
    except asyncpg.InsufficientPrivilegeError:
        return "denied"  # what is the owner's, or Citus locks as if it were
    except REFUSED as error:
        return str(error)
    except asyncpg.PostgresError as error:
        if isinstance(error, LOST):
            raise
    finally:
        if not connection.is_closed():
            await transaction.rollback()
            await connection.execute("DEALLOCATE ALL")
    return ""


async def refused(dsn: str) -> dict[str, str]:
    """What is refused to the application of the statements that are declared or put together at run
    time."""
    begin = partial(
        asyncpg.connect,
        dsn,
        statement_cache_size=0,
        server_settings={"search_path": SEARCH_PATH, "enable_seqscan": "off", "role": "recoup_app"},
    )
    connection, found = await begin(), dict[str, str]()
    declared = [(one.name, one.sql) for one in STATEMENTS if one.home is not PEOPLE]
    for number, (name, sql) in enumerate([*declared, *AT_RUN_TIME.items()]):  # several have a name
        if sql.lstrip().startswith("LOCK"):
            continue
        try:
            if said := await refusal(connection, sql):
                found[f"{number} {name}"] = said
        except LOST as error:
            found[f"{number} {name}"] = f"the node died: {error}"
            await asyncio.sleep(5)
            connection = await begin()
    await connection.close()
    return found


def test_what_postgresql_takes_citus_takes(servers: Servers) -> None:
    async def story() -> None:
        dsn = await filled(servers, "taken")
        alone = await refused(dsn)
        await join(servers, "taken")
        await steps(dsn)
        assert await refused(dsn) == alone, "at the coordinator"
        assert await refused(servers[1].dsn("taken")) == alone, "at a node"

    asyncio.run(story())


def test_what_is_missing_is_said_in_one_line(servers: Servers) -> None:
    async def said(dsn: str) -> str:
        with pytest.raises(Problem) as caught:
            await steps(dsn)
        return caught.value.message

    async def story() -> None:
        dsn = await filled(servers, "lacking")
        assert await said(dsn) == "Citus is not in this database."
        doors = await asyncpg.connect(dsn, server_settings={"application_name": "recoup-doors"})
        assert await said(dsn) == "recoup-doors is connected to this database."
        await doors.close()
        await join(servers, "lacking")
        node = await asyncpg.connect(servers[2].dsn("postgres"))
        try:
            await node.execute("ALTER ROLE recoup_read NOLOGIN")
            assert await said(dsn) == (
                f"Node 127.0.0.1:{servers[2].port}: recoup_read cannot log in."
            )
        finally:
            await node.execute("ALTER ROLE recoup_read LOGIN")
            await node.close()
        on = await asyncpg.connect(servers[1].dsn("lacking"))
        assert not await on.fetchval("SELECT citus_is_coordinator()")
        assert await said(servers[1].dsn("lacking")) == "This is not the coordinator."
        await on.close()

    asyncio.run(story())


def test_a_run_that_is_ended_goes_on(servers: Servers) -> None:
    async def story() -> None:
        dsn = await filled(servers, "ended")
        await join(servers, "ended")
        before = await rights(dsn)
        connection = await connect(dsn)
        async with aclosing(spread(connection)) as begun:
            async for step in begun:
                if step == "cell is on a node":
                    break
        await connection.close()
        assert "cell is on a node" not in await steps(dsn)
        assert await steps(dsn) == []
        for server in servers:
            assert await rights(server.dsn("ended")) == before

    asyncio.run(story())


def test_upkeep_and_upgrades_go_on_there_without_a_superuser(servers: Servers) -> None:
    async def story() -> None:
        for server in servers:
            admin = await asyncpg.connect(server.dsn("postgres"))
            await admin.execute("CREATE ROLE keeper LOGIN")
            await admin.execute("CREATE DATABASE upgraded OWNER keeper")
            for role in (APP, READ):
                if not await admin.fetch("SELECT FROM pg_roles WHERE rolname = $1", role):
                    await admin.execute(f"CREATE ROLE {role} LOGIN")
                await admin.execute(f"GRANT {role} TO keeper")
            await admin.close()
        keepers = [replace(server, user="keeper") for server in servers]
        dsn = await filled(keepers, "upgraded")
        await join(servers, "upgraded")
        await steps(dsn)
        connection = await connect(dsn)
        now = datetime.now(UTC)
        before = await read_days_left(connection, now)
        await ensure_partitions(connection, now + timedelta(days=40))
        left = await read_days_left(connection, now)
        assert all(left[table] > before[table] for table in before)
        await connection.execute("""
            CREATE TABLE later (merchant_id uuid, no int, PRIMARY KEY (merchant_id, no));
            CREATE TABLE directory.later_of_all (no int PRIMARY KEY);
            ALTER TABLE orders ADD COLUMN later int;
            CREATE FUNCTION later(merchant uuid) RETURNS int LANGUAGE plpgsql AS $$
            BEGIN RETURN 1; END $$
        """)
        await connection.execute("CREATE INDEX CONCURRENTLY orders_later ON orders (units)")
        await connection.close()
        assert await steps(dsn) == ["1 of 1 tables are on every node"]
        node = await connect(keepers[1].dsn("upgraded"))
        assert await node.fetchval("SELECT later(NULL)") == 1
        assert await node.fetchval("SELECT count(later) FROM orders, later, later_of_all") == 0
        await node.close()

    asyncio.run(story())


async def rights(dsn: str) -> dict[str, Any]:
    connection = await connect(dsn)
    try:
        rows = await connection.fetch(_RIGHTS, HOMES)
        return {table: (sorted(of_table or ()), of_columns) for table, of_table, of_columns in rows}
    finally:
        await connection.close()


async def sums(dsn: str) -> dict[str, tuple[int, str]]:
    """Of each table how many rows it has, and what they are."""
    connection = await connect(dsn)
    try:
        sql = "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {} t"
        tables = [table for (table,) in await connection.fetch(_SUMS, HOMES)]
        return {name: tuple(await connection.fetchrow(sql.format(name))) for name in tables}
    finally:
        await connection.close()


async def at_work(
    settings: Settings, databases: Databases, story: Callable[[Running], Awaitable[Any]]
) -> Any:
    async with open_sandbox(settings, databases) as running:
        done = await story(running)
        assert not (await verify(running.world)).differences
        return done


async def spread_anew(servers: Servers, folder: Path, name: str) -> tuple[Settings, Databases]:
    """An installation whose sandbox is laid out."""
    settings = load_settings(
        data_dir=folder / "data",
        people_database_url=servers[0].dsn(f"people_{name}"),
        sandbox_database_url=servers[0].dsn(name),
    )
    for database in (name, f"people_{name}"):
        await create_database(servers[0].dsn("postgres"), database)
    databases = find_databases(settings)
    await prepare(databases)
    await join(servers, name)
    await steps(databases.sandbox)
    return settings, databases


async def node_of(dsn: str, table: str) -> tuple[int, str]:
    """The port of the node that has the table, and its name there."""
    coordinator = await connect(dsn)
    try:
        port, shard = await coordinator.fetchrow(_SHARD, table)
        return port, shard
    finally:
        await coordinator.close()


def test_a_node_that_dies_costs_calls_and_no_order(
    machines: list[Node], servers: Servers, tmp_path: Path
) -> None:
    async def story() -> None:
        settings, databases = await spread_anew(servers, tmp_path, "dies")
        port, _ = await node_of(databases.sandbox, "cell.orders")
        (owner,) = (node for node in machines if node.address.port == port)
        async with open_sandbox(settings, databases) as running, AsyncExitStack() as kept:
            shop = await make_shop(running.world, running.orders, running.deliveries)
            routes = probes.probes([running], bool, kept)
            [ready] = [route.endpoint for route in routes if route.path == "/readyz"]
            requests = [await shop.declined(days=None) for _ in range(80)]
            at_once, failed = asyncio.Semaphore(8), 0

            async def answered(request: Any) -> UUID:
                nonlocal failed
                until = time.monotonic() + ANSWER_SECONDS
                async with at_once:
                    while True:
                        try:
                            done = await shop.evaluate.evaluate(shop.scope, request)
                        except (Problem, OSError, asyncpg.PostgresError):
                            failed += 1
                            assert time.monotonic() < until
                            await asyncio.sleep(0.2)
                        else:
                            return done.order_id

            calls = asyncio.gather(*map(answered, requests))
            await asyncio.sleep(0.3)
            owner.die()
            away = await ready(None)
            assert (away.status_code, b'"home cell"' in away.body) == (503, True), away.body
            owner.start()
            orders = await calls
            assert failed, "it died while they were under way"
            assert len(set(orders)) == len(requests)
            until = time.monotonic() + ANSWER_SECONDS
            while (await ready(None)).status_code != 200:  # noqa: PLR2004
                assert time.monotonic() < until
                await asyncio.sleep(0.2)
            await shop.advance(timedelta(days=1))
            again = await asyncio.gather(*map(answered, requests))
            assert again == orders
            assert not (await verify(running.world)).differences

    asyncio.run(story())


@pytest.mark.parametrize("table", ["cell.cell_mark", "hub.hub_mark", "directory.world"])
def test_a_node_that_is_put_back_is_quarantined(
    servers: Servers, tmp_path: Path, table: str
) -> None:
    """A row of one node as an older copy has it; of the directory the copy beside the cell."""
    name = f"back_of_{table.partition('.')[2]}"

    async def story() -> None:
        settings, databases = await spread_anew(servers, tmp_path, name)
        async with open_sandbox(settings, databases) as running:
            shop = await make_shop(running.world, running.orders, running.deliveries)
            await shop.admit()
            port, shard = await node_of(databases.sandbox, table)
            node = await asyncpg.connect(
                replace(servers[0], port=port).dsn(name),
                server_settings={"citus.enable_manual_changes_to_shards": "on"},
            )
            await node.execute(f"UPDATE {shard} SET beat = beat - 1")
            await node.close()
            began = time.monotonic()
            while not running.world.standing.is_quarantined:
                assert time.monotonic() - began < QUARANTINE_SECONDS
                await asyncio.sleep(0.1)
            assert "was restored or has lost data" in running.world.standing.reason
        if table == "directory.world":  # other rows are as old: all nodes have the coordinator's
            await steps(databases.sandbox, gather)
            await steps(databases.sandbox)
        (found,) = await _recovered(settings, databases, "ana")
        assert not found.quarantined

    asyncio.run(story())


def test_a_filled_installation_goes_there_and_back(servers: Servers, tmp_path: Path) -> None:
    sandbox = servers[0].dsn("there_and_back")
    settings = load_settings(
        data_dir=tmp_path / "data",
        people_database_url=servers[0].dsn("people_of_there_and_back"),
        sandbox_database_url=sandbox,
    )

    async def begun(running: Running) -> Shop:
        shop = await make_shop(running.world, running.orders, running.deliveries)
        await shop.admit_many(30)
        await shop.advance(timedelta(days=1))
        return shop

    async def gone_on(before: Shop, running: Running) -> int:
        connection = await asyncpg.connect(sandbox)
        assert await connection.fetchval("SELECT count(*) FROM citus_schemas") == len(HOMES) - 1
        await connection.close()
        async with running.world.db.connection() as own:
            assert await own.fetchval("SHOW plan_cache_mode") == "auto"
        shop = await make_shop(running.world, running.orders, running.deliveries)
        ids = await shop.admit_many(10)
        request = await shop.declined(days=None)
        same = await asyncio.gather(*(shop.evaluate.evaluate(shop.scope, request) for _ in "12345"))
        assert len({one.order_id for one in same}) == 1, "a racing repeat is the same order"
        await shop.advance(timedelta(days=22))
        count = "SELECT count(*) FROM order_states WHERE merchant_id = $1 AND stage = 'completed'"
        assert await shop.value(count, shop.merchant_id) >= len(ids)
        return int(await shop.value("SELECT count(*) FROM orders"))

    async def story() -> None:
        for name in ("there_and_back", "people_of_there_and_back"):
            await create_database(servers[0].dsn("postgres"), name)
        databases = find_databases(settings)
        await prepare(databases)
        shop = await at_work(settings, databases, begun)
        before = await rights(sandbox)
        counted = await sums(sandbox)
        await join(servers, "there_and_back")
        await _lay_out(databases, undo=False)
        assert await sums(sandbox) == counted
        assert await rights(sandbox) == before
        orders = await at_work(settings, databases, partial(gone_on, shop))
        counted = await sums(sandbox)
        await _lay_out(databases, undo=True)
        assert await sums(sandbox) == counted
        assert await rights(sandbox) == before
        assert counted["orders"][0] == orders
        assert await steps(sandbox, gather) == []

        async def looked_at(_: Running) -> None: ...

        await at_work(settings, databases, looked_at)

    asyncio.run(story())
