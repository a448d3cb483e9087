"""`recoup serve` as a process of its own, with few file handles, and a crowd that only holds
connections."""

import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import urlopen

import asyncpg
import pytest
from tests import answering
from tests.databases import empty
from tests.docs.running import clean_environment
from tests.kills.installation import free_port
from tests.worlds import owner, sandbox_world

from recoup.db.operation import upkeep
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.main import probes
from recoup.main.metrics import scrape
from recoup.main.serve import limits_of, raise_file_handles
from recoup.main.settings import Settings

HANDLES = 300
START_SECONDS = 60.0


@pytest.fixture
def databases(server: ServerAddress) -> dict[str, str]:
    name = uuid.uuid4().hex[:12]
    return {
        "RECOUP_PEOPLE_DATABASE_URL": asyncio.run(empty(server, "people", f"sp_{name}")),
        "RECOUP_SANDBOX_DATABASE_URL": asyncio.run(empty(server, "world", f"sw_{name}")),
    }


@contextmanager
def serve(
    folder: Path, environment: dict[str, str], handles: int = 1024
) -> "Iterator[tuple[int, subprocess.Popen[bytes]]]":
    """The port of it, and the process."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "recoup.main",
            "serve",
            "--port",
            str(port),
            "--data-dir",
            str(folder),
        ],
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(handles, 100), handles)),
    )
    try:
        give_up = time.monotonic() + START_SECONDS
        while not is_ready(port):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait(30)


def is_ready(port: int, path: str = "/readyz") -> bool:
    return status(port, path) == 200


def test_with_few_file_handles_idle_connections_are_no_outage(
    tmp_path: Path, databases: dict[str, str]
) -> None:
    with serve(tmp_path, databases | {"RECOUP_HTTP_CONNECTIONS_PER_ADDRESS": "10000"}, HANDLES) as (
        port,
        _,
    ):
        held = [
            socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(HANDLES - 10)
        ]
        held += [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(100)]
        for _ in range(3):
            assert is_ready(port, "/healthz")
            assert is_ready(port)
        for one in held:
            one.close()


def status(port: int, path: str, headers: dict[str, str] | None = None) -> int | None:
    return answering.status(f"http://127.0.0.1:{port}{path}", headers, timeout=10)


def test_what_the_doors_answer_to_whom(tmp_path: Path, databases: dict[str, str]) -> None:
    metrics = free_port()
    told = databases | {
        "RECOUP_METRICS_ADDRESS": f"127.0.0.1:{metrics}",
        "RECOUP_ALLOWED_HOSTS": "shop.example",
    }
    with serve(tmp_path, told) as (port, _):
        assert status(metrics, "/metrics") == 200
        with urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=10) as answer:
            assert b'recoup_http_connections{kind="open"} 0.0' in answer.read(), (
                "its own are not the doors'"
            )
        assert status(metrics, "/orders") == 404
        assert status(port, "/metrics") == 404, "at its own address only"
        assert status(port, "/docs") == 200
        assert status(port, "/docs", {"Host": "shop.example"}) == 200
        assert status(port, "/docs", {"Host": "evil.example"}) == 403
        assert status(port, "/docs", {"X-Forwarded-For": "203.0.113.1"}) == 403
    with serve(tmp_path, databases | {"RECOUP_BEHIND_PROXY": "127.0.0.1"}) as (port, _):
        assert status(port, "/metrics") == 200
        assert status(port, "/metrics", {"X-Forwarded-For": "203.0.113.1"}) == 403, (
            "for this machine only"
        )
        assert status(port, "/docs", {"X-Forwarded-For": "203.0.113.1"}) == 200


def test_readyz_says_no_on_a_server_that_takes_no_writes_and_before_the_doors_close(
    tmp_path: Path, databases: dict[str, str], server: ServerAddress
) -> None:
    name = databases["RECOUP_SANDBOX_DATABASE_URL"].rpartition("/")[2].partition("?")[0]
    with serve(tmp_path, databases | {"RECOUP_DRAIN_SECONDS": "4"}) as (port, process):
        asyncio.run(
            _read_only(server.dsn("postgres"), name, "SET default_transaction_read_only = on")
        )
        assert status(port, "/readyz") == 503
        assert status(port, "/healthz") == 200
        asyncio.run(_read_only(server.dsn("postgres"), name, "RESET default_transaction_read_only"))
        assert status(port, "/readyz") == 200
        process.terminate()
        give_up = time.monotonic() + 10
        while (found := status(port, "/readyz")) == 200 and time.monotonic() < give_up:
            time.sleep(0.05)
        assert found == 503
        assert status(port, "/docs") == 200, "calls that come meanwhile are answered"
        process.wait(30)


def test_a_full_disk_is_found_by_writing(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), world.db.connection() as connection:
            assert await upkeep.has_room(connection)
            async with connection.transaction():
                await connection.execute("SET LOCAL work_mem = '64kB'")
                plan = json.loads(
                    await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {upkeep._FILL}")
                )
            assert plan[0]["Plan"]["Temp Written Blocks"] * 8192 > upkeep.ROOM
            monkeypatch.setattr(upkeep, "_FILL", "DO $$ BEGIN RAISE SQLSTATE '53100'; END $$")
            assert not await upkeep.has_room(connection)
            monkeypatch.setattr(upkeep, "_FILL", "SELECT 1")
            assert await upkeep.has_room(connection), "the connection goes on"

    asyncio.run(story())


async def _read_only(dsn: str, name: str, change: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'ALTER DATABASE "{name}" {change}')
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()


def test_limits_follow_the_file_handles_and_leave_some_for_databases() -> None:
    handles = raise_file_handles()
    limits = limits_of(Settings())
    assert limits.total + 2 * limits.spare + 4 * Settings().connections < handles
    assert limits_of(Settings(http_connections=50)).total == 50
    assert limits_of(Settings(http_connections=50)).per_address == 50
    assert limits_of(Settings(http_connections=10**9)).total == limits.total


def test_many_probes_write_once(monkeypatch: pytest.MonkeyPatch, server: ServerAddress) -> None:
    tries: list[object] = []

    async def tried(connection: object) -> bool:
        tries.append(connection)
        return False

    monkeypatch.setattr(probes, "has_room", tried)

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), AsyncExitStack() as kept:
            opened: Any = [SimpleNamespace(world=world)]
            [ready] = [
                one.endpoint for one in probes.probes(opened, bool, kept) if one.path == "/readyz"
            ]
            answers = [await ready(None) for _ in range(5)]
            assert [(one.status_code, b"no room" in one.body) for one in answers] == [
                (503, True)
            ] * 5

    asyncio.run(story())
    assert len(tries) == 1


def test_a_home_that_is_away_is_named(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), AsyncExitStack() as kept:
            opened: Any = [SimpleNamespace(world=world)]
            [ready] = [
                one.endpoint for one in probes.probes(opened, bool, kept) if one.path == "/readyz"
            ]
            assert (await ready(None)).status_code == 200
            async with owner(world) as away:
                await away.execute("REVOKE SELECT ON hub_mark FROM recoup_app")
                answer = await ready(None)
                await away.execute("GRANT SELECT ON hub_mark TO recoup_app")
            assert (answer.status_code, b'"home hub"' in answer.body) == (503, True)
            assert (await ready(None)).status_code == 200

    asyncio.run(story())


def test_a_lock_on_tables_and_a_pool_that_is_lent_out_take_no_door_out_of_a_balancer(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), AsyncExitStack() as kept:
            opened: Any = [SimpleNamespace(world=world)]
            [ready] = [
                one.endpoint for one in probes.probes(opened, bool, kept) if one.path == "/readyz"
            ]
            assert (await ready(None)).status_code == 200
            async with AsyncExitStack() as held, owner(world) as locks, locks.transaction():
                await locks.execute(
                    "LOCK TABLE orders, order_heads, due_work, upkeep IN ACCESS EXCLUSIVE MODE"
                )
                with suppress(Problem, TimeoutError):
                    async with asyncio.timeout(2):
                        while True:
                            await held.enter_async_context(world.db.connection())
                answer = await ready(None)
                assert (answer.status_code, b'"partition_days_left":' in answer.body) == (200, True)
                began = time.monotonic()
                text, _ = await scrape([world], Path("/"))
                assert time.monotonic() - began < 4, (
                    "two seconds on a machine that does nothing else"
                )
                assert b"recoup_database_up" in text

    asyncio.run(story())


def test_whoever_asks_and_however_often_a_probe_has_one_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[object] = []
    answers: list[object] = []

    @asynccontextmanager
    async def apart() -> AsyncIterator[Any]:
        one = SimpleNamespace(is_closed=lambda: False)
        held.append(one)
        assert len(held) == 1, "the one before is ended first"
        try:
            yield one
        finally:
            held.remove(one)

    async def asked(connection: object) -> bool:
        answers.append(connection)
        await asyncio.sleep(0.01)
        if len(answers) % 3:
            raise asyncpg.PostgresConnectionError
        return True

    async def nothing(*_: object) -> dict[str, float]:
        return {"orders": 7.0}

    for name, instead in (("is_writable", asked), ("has_room", asked), ("read_days_left", nothing)):
        monkeypatch.setattr(probes, name, instead)
    world = SimpleNamespace(
        name="sandbox",
        known_as="sandbox",
        db=SimpleNamespace(apart=apart),
        clocks=SimpleNamespace(wall=lambda: None),
        standing=SimpleNamespace(is_quarantined=False, refuses_all=False),
    )

    async def story() -> None:
        async with AsyncExitStack() as kept:
            opened: Any = [SimpleNamespace(world=world)]
            [ready] = [
                one.endpoint for one in probes.probes(opened, bool, kept) if one.path == "/readyz"
            ]
            for _ in range(20):
                await ready(None)
            before = len(answers)
            found = {
                one.status_code for one in await asyncio.gather(*(ready(None) for _ in range(500)))
            }
            assert found <= {200, 503}
            assert len(answers) - before <= 8, "those who come together are answered together"
        assert held == []

    asyncio.run(story())
