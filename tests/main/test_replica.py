"""RECOUP_REPLICA_URL: what takes long is read from a real standby, never from a late or a wrong
one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from tests.log_lines import logged
from tests.reconciliation.flows.test_origin_reports import EVER, check
from tests.standby import standby_of
from tests.worlds import make_shop

from recoup.db.operation import replica
from recoup.db.operation.replica import Replica
from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.db.statement import Connection
from recoup.desk.flows.exports import ExportQuery, ask_for_file, fetch, make_export, one_export
from recoup.desk.store.order_filter import OrderFilter
from recoup.insight.flows.verify import verify
from recoup.kernel.measures import LONG_READS
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.main.backup.restore import _promoted
from recoup.main.databases import Databases, find_databases, prepare
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_sandbox
from recoup.orders.store.due_work import Due

NAME = "recoup_sandbox"
ORDERS = "SELECT count(*) FROM orders"
pytestmark = pytest.mark.timeout(200)


@dataclass
class Pair:
    """`done_by`: the servers that did the long reads."""

    settings: Settings
    databases: Databases
    standby: ServerAddress
    done_by: list[str]

    async def of_standby(self, sql: str) -> Any:
        connection = await asyncpg.connect(self.standby.dsn(NAME))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def of_primary(self, sql: str, database: str = NAME) -> None:
        server = self.databases.server
        assert server is not None
        connection = await asyncpg.connect(server.start().dsn(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def play(self, story: Callable[[World, Any], Awaitable[None]], late_seconds: int = 30) -> None:
        settings = replace(
            self.settings, replica_url=self.standby.dsn("any"), replica_late_seconds=late_seconds
        )

        async def inside() -> None:
            async with open_sandbox(settings, self.databases) as running:
                made: Any = (running.world, running.orders, running.deliveries)
                await story(running.world, await make_shop(*made))

        asyncio.run(inside())


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Databases, Any]]:
    folder = tmp_path_factory.mktemp("pair")
    settings = load_settings(data_dir=folder / "data")
    databases = find_databases(settings)
    server = databases.server
    assert server is not None
    try:
        asyncio.run(prepare(databases))
        with standby_of(server, folder / "standby") as standby:
            yield settings, databases, standby
    finally:
        server.stop()


@pytest.fixture
def pair(servers: Any, monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = Pair(*servers, [])
    monkeypatch.setattr(LONG_READS, "add", made.done_by.append)
    monkeypatch.setattr(replica, "AGAIN_SECONDS", 0.0)
    return made


async def orders(connection: Connection) -> int:
    found: int = await connection.fetchval(ORDERS)
    return found


def test_reports_and_exports_are_read_from_the_standby_with_all_that_was_committed(
    pair: Pair,
) -> None:
    async def story(world: World, shop: Any) -> None:
        order_id, user = await shop.admit(), UUID(int=7)
        await shop.advance(timedelta(days=20))
        totals = await check(world, shop.merchant_id, EVER)
        assert totals
        key, query = uuid4(), OrderFilter(shop.merchant_id)
        wanted = ExportQuery(query, "placed", True, ("order_id",), "Europe/Berlin")
        await ask_for_file(
            world, shop.scope, user, key, wanted, form="csv", labels=["all"], file_name="a.csv"
        )
        await make_export(world, Due(shop.merchant_id, "export", key, 1))
        row = await one_export(world, shop.merchant_id, user, key)
        content = b"".join([part async for part in await fetch(world, shop.scope, row)])
        assert str(order_id) in content.decode()
        assert {*pair.done_by} == {"replica"}

    pair.play(story)


def test_a_read_waits_for_what_was_committed_before_it_or_goes_to_the_primary(pair: Pair) -> None:
    async def waits(world: World, shop: Any) -> None:
        await pair.of_standby("SELECT pg_wal_replay_pause()")
        before = await pair.of_standby(ORDERS)
        await shop.admit()
        read = asyncio.create_task(world.read_long(orders))
        done, _ = await asyncio.wait({read}, timeout=0.3)
        assert not done
        await pair.of_standby("SELECT pg_wal_replay_resume()")
        assert await read == before + 1
        assert pair.done_by == ["replica"]

    async def is_late(world: World, shop: Any) -> None:
        await pair.of_standby("SELECT pg_wal_replay_pause()")
        before = await pair.of_standby(ORDERS)
        await shop.admit()
        with logged() as lines:
            assert await world.read_long(orders) == before + 1
        assert pair.done_by == ["replica", "primary"]
        assert [line["why"] for line in lines if line["event"] == "replica not read"] == [
            "It is late by more than 0 s."
        ]
        await pair.of_standby("SELECT pg_wal_replay_resume()")

    pair.play(waits)
    pair.play(is_late, late_seconds=0)


def test_a_read_that_replay_breaks_off_is_done_by_the_primary(pair: Pair) -> None:
    begun: list[bool] = []

    async def work(connection: Connection) -> int:
        begun.append(await connection.fetchval("SELECT pg_is_in_recovery()"))
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found: int = await connection.fetchval(ORDERS)
            if begun == [True]:
                await pair.of_primary("ALTER TABLE cell.orders SET (fillfactor = 99)")
                await connection.fetchval("SELECT pg_sleep(20)")
            return found

    async def story(world: World, shop: Any) -> None:
        await shop.admit()
        assert await world.read_long(work) > 0
        assert (begun, pair.done_by) == ([True, False], ["primary"])

    pair.play(story)


def test_neither_another_installation_nor_another_server_is_read(pair: Pair) -> None:
    assert pair.databases.server is not None
    primary = pair.databases.server.start()

    async def story() -> None:
        for change, why in (
            ("created_at = now()", "It is another installation's."),
            ("beat = beat + 100", "It follows another server."),
            ("beat = beat", "It is no standby."),
        ):
            await pair.of_primary(
                f"CREATE DATABASE other TEMPLATE {NAME} STRATEGY file_copy", "postgres"
            )
            await pair.of_primary(f"UPDATE directory.world SET {change}", "other")
            there = (primary if "standby" in why else pair.standby).dsn(NAME)
            own = await Database(primary.dsn("other")).open()
            other = await Database(there, is_replica=True).open()
            with logged() as lines:
                await Replica(own, other, 30).read(orders)
            assert [line["why"] for line in lines] == [why]
            await own.close()
            await other.close()
            await pair.of_primary("DROP DATABASE other WITH (FORCE)", "postgres")
        assert {*pair.done_by} == {"primary"}

    asyncio.run(story())


def test_verify_reads_from_the_standby_and_finds_there_what_differs(pair: Pair) -> None:
    async def story(world: World, shop: Any) -> None:
        order_id = await shop.admit()
        await shop.advance(timedelta(days=20))
        await shop.close_pages()
        assert not (await verify(world)).differences
        wrong = "UPDATE order_heads SET refunded_units = refunded_units {} 7 WHERE order_id = '{}'"
        await pair.of_primary(wrong.format("+", order_id))
        assert order_id in {each.order_id for each in (await verify(world)).differences}
        await pair.of_primary(wrong.format("-", order_id))
        assert {*pair.done_by} == {"replica"}

    pair.play(story)


def test_a_standby_as_primary_is_refused_in_one_line(pair: Pair, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, database_url=pair.standby.dsn("any"))
    with pytest.raises(Problem, match="is a replica's") as told:
        asyncio.run(prepare(find_databases(settings)))
    assert "RECOUP_REPLICA_URL" in told.value.sentence()
    assert "\n" not in told.value.sentence()


def test_a_standby_that_is_away_is_said_and_left_out(pair: Pair) -> None:
    async def story() -> None:
        own = await Database(pair.databases.sandbox).open()
        other = await Database("postgresql://nobody@127.0.0.1:1/any", is_replica=True).open()
        with logged() as lines:
            assert await Replica(own, other, 30).read(orders) >= 0
        assert "replica not read" in [line["event"] for line in lines]
        assert pair.done_by == ["primary"]
        await own.close()
        await other.close()

    asyncio.run(story())


def test_a_restored_server_is_waited_for_while_it_answers_as_a_replica(
    pair: Pair, tmp_path: Path
) -> None:
    async def story(beside: ServerAddress) -> None:
        connection = await asyncpg.connect(beside.dsn("postgres"))
        await connection.execute("ALTER SYSTEM SET restore_command = 'false'")
        waiting = asyncio.create_task(_promoted(beside))
        assert not (await asyncio.wait({waiting}, timeout=0.5))[0]
        await connection.execute("SELECT pg_promote()")
        await asyncio.wait_for(waiting, 20)
        left = "SELECT count(*) FROM pg_file_settings WHERE name = 'restore_command'"
        assert await connection.fetchval(left) == 0
        await connection.close()

    server = pair.databases.server
    assert server is not None
    with standby_of(server, tmp_path / "beside") as beside:
        asyncio.run(story(beside))
    with pytest.raises(Problem, match="ended before"):
        asyncio.run(_promoted(beside))
