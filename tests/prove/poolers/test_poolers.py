"""PgBouncer in transaction mode, from its own program: PGBOUNCER names one, else it is that of the
machine. Everything works as without it; what would break a transaction is refused in one line."""

import asyncio
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner
from tests.kills.installation import free_port, wait_listening
from tests.worlds import make_shop

from recoup.db.migrate import schema_of
from recoup.db.server.cluster import binaries_for
from recoup.db.server.footing import end_with_parent, find_footing
from recoup.db.versions import Schema, others
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.main.cli import cli
from recoup.main.databases import Databases, find_databases, prepare
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_sandbox

POOL = 3
SECONDS_MAX = 30
pytestmark = pytest.mark.timeout(300)


@dataclass
class Site:
    settings: Settings
    databases: Databases
    folder: Path

    async def tell(self, *statements: str) -> Any:
        connection = await asyncpg.connect(self.databases.sandbox)
        try:
            return [await connection.fetch(sql) for sql in statements][-1]
        finally:
            await connection.close()

    @contextmanager
    def pooled(
        self, mode: str = "transaction", prepared: int = 200, port: int = 0
    ) -> Iterator[Any]:
        """The settings of who uses it."""
        server = self.databases.server
        assert server is not None
        address, port = server.start(), port or free_port()
        (self.folder / "users").write_text('"recoup_app" ""\n"recoup_read" ""\n')
        (file := self.folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={address.host} port={address.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {self.folder / 'users'}\npool_mode = {mode}\n"
            f"default_pool_size = {POOL}\nmax_prepared_statements = {prepared}\n"
            "server_login_retry = 0\n"
        )
        footing = find_footing(binaries_for(server.cluster), self.folder, server.cluster)
        process = subprocess.Popen(
            footing.command(program(), file),
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent(),
            **footing.identity(),
        )
        try:
            wait_listening(port)
            url = f"postgresql://any@127.0.0.1:{port}/any"
            yield replace(self.settings, pooler_url=url), process
        finally:
            process.kill()  # told to end, it waits for its clients
            process.wait(SECONDS_MAX)

    def refused(self, settings: Settings) -> str:
        async def start() -> None:
            async with open_sandbox(settings, self.databases):
                pass

        with pytest.raises(Problem) as told:
            asyncio.run(start())
        assert "\n" not in told.value.sentence()
        return told.value.sentence()


def program() -> str:
    found = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    said = (
        subprocess.run([found, "--version"], capture_output=True, text=True).stdout if found else ""
    )
    version = re.search(r"PgBouncer (\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < (1, 21):
        pytest.fail("PgBouncer 1.21 or newer is not here: name one by PGBOUNCER.", pytrace=False)
    assert found
    return found


@pytest.fixture(scope="module")
def unready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One whose roles cannot log in yet."""
    program()
    folder = tmp_path_factory.mktemp("site")
    settings = load_settings(data_dir=folder / "data")
    databases = find_databases(settings)
    assert databases.server is not None
    try:
        asyncio.run(prepare(databases))
        yield Site(settings, databases, folder)
    finally:
        databases.server.stop()


@pytest.fixture
def site(unready: Site) -> Site:
    printed = CliRunner().invoke(cli, ["schema", "sql", "--pooled"]).output
    own = [line for line in printed.splitlines() if line.startswith("ALTER ROLE")]
    asyncio.run(unready.tell(*own))
    return unready


def test_a_role_without_the_settings_of_a_session_is_refused(unready: Site) -> None:
    with unready.pooled() as (settings, _):
        assert "recoup_app" in unready.refused(settings)
        roles = ("recoup_app", "recoup_read")
        asyncio.run(unready.tell(*(f"ALTER ROLE {role} LOGIN" for role in roles)))
        said = unready.refused(settings)
    assert "does not have" in said
    assert "recoup schema sql --pooled" in said


def test_a_pooler_in_statement_mode_or_without_prepared_statements_is_refused(site: Site) -> None:
    with site.pooled("statement") as (settings, _):
        assert "statement mode" in site.refused(settings)
    with site.pooled(prepared=0) as (settings, _):
        assert "does not keep prepared statements" in site.refused(settings)
    with site.pooled("session") as (settings, _):
        assert "in transaction mode" in site.refused(settings)


def test_days_of_orders_go_by_a_few_pooled_sessions(site: Site) -> None:
    async def story(settings: Settings) -> None:
        async with open_sandbox(settings, site.databases) as running:
            world: Any = running.world
            made: Any = (world, running.orders, running.deliveries)
            shops = [await make_shop(*made) for _ in range(2)]
            for shop in shops:
                await shop.admit_many(40)
            await asyncio.gather(*(shop.advance(timedelta(days=12)) for shop in shops))
            assert await shops[0].value("SELECT count(*) FROM attempts") >= 80  # noqa: PLR2004
            sessions = await site.tell(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'recoup_app'"
                " AND datname = 'recoup_sandbox'"
            )
            assert 0 < sessions[0][0] <= POOL
            verified = await verify(world)
            assert not verified.differences
            [own] = [await asyncpg.connect(site.databases.sandbox)]
            told = await others(own, Schema(frozenset(), schema_of("world").mark + 1))
            await own.close()
            assert len(told) == 1, "a migration sees this process, by its own session"

    with site.pooled() as (settings, _):
        asyncio.run(story(settings))


def test_a_pooler_that_is_killed_and_a_lost_own_session_cost_a_call(site: Site) -> None:
    async def story() -> None:
        with site.pooled() as (settings, process):
            async with open_sandbox(settings, site.databases) as running:
                made: Any = (running.world, running.orders, running.deliveries)
                shop = await make_shop(*made)
                await shop.admit()
                ended = await site.tell(
                    "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a"
                    " USING (pid) WHERE l.locktype = 'advisory' AND a.datname = 'recoup_sandbox'"
                    " AND usename <> 'recoup_app'"
                )
                assert len(ended) == 1
                await asyncio.sleep(0.1)
                await shop.admit()
                told = await site.tell("SELECT FROM pg_locks WHERE locktype = 'advisory'")
                assert told, "it is said anew before anything is written"
                process.kill()
                process.wait(SECONDS_MAX)
                with pytest.raises(Problem, match="not reachable"):
                    await shop.admit()
                port = int(settings.pooler_url.rpartition(":")[2].partition("/")[0])
                with site.pooled(port=port):
                    give_up = time.monotonic() + SECONDS_MAX
                    while not await _admitted(shop):
                        assert time.monotonic() < give_up
                        await asyncio.sleep(0.1)
                    assert not (await verify(running.world)).differences

    asyncio.run(story())


async def _admitted(shop: Any) -> bool:
    try:
        await shop.admit()
    except Problem:
        return False
    return True
