"""A failover as Patroni does one, behind HAProxy: it asks each server whether it is the primary, as
Patroni's REST answers, and cuts the sessions of one that is not any more."""

import asyncio
import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.kills.installation import free_port, wait_listening
from tests.standby import standby_of
from tests.worlds import make_shop

from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.db.server.cluster import binaries_for
from recoup.db.server.footing import end_with_parent, find_footing
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.main.databases import find_databases, prepare
from recoup.main.settings import load_settings
from recoup.main.worlds import open_sandbox
from recoup.merchants.flows.standing import EVERY_SECONDS

SECONDS_MAX = 40
ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    subprocess.run(["python3", "scripts/need.py", "haproxy"], check=True, cwd=ROOT)


class Patroni(ThreadingHTTPServer):
    """Its REST: GET /primary is 200 at the primary."""

    def __init__(self, server: ServerAddress) -> None:
        super().__init__(("127.0.0.1", 0), _Primary)
        self.server = server
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Primary(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = 503
        with contextlib.suppress(Exception):
            assert isinstance(self.server, Patroni)
            status = 503 if asyncio.run(_tell(self.server.server, _STANDBY)) else 200
        self.send_response(status)
        self.end_headers()

    do_OPTIONS = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None: ...


_STANDBY = "SELECT pg_is_in_recovery()"


async def _tell(server: ServerAddress, sql: str) -> Any:
    connection = await asyncpg.connect(server.dsn("postgres"), timeout=2)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@contextmanager
def proxied(folder: Path, own: EmbeddedServer, *servers: ServerAddress) -> Iterator[int]:
    """The port of HAProxy before them, as docs/operate.md writes it."""
    port, names = free_port(), []
    for number, server in enumerate(servers):
        rest = Patroni(server)
        names.append(
            f"  server pg{number} unix@{server.host}/.s.PGSQL.{server.port} check"
            f" addr 127.0.0.1 port {rest.server_address[1]}\n"
        )
    (file := folder / "haproxy.cfg").write_text(
        f"defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 30m\n  timeout server 30m\n"
        f"listen postgres\n  bind 127.0.0.1:{port}\n  option httpchk GET /primary\n"
        "  default-server inter 200ms fall 2 rise 1 on-marked-down shutdown-sessions\n"
        + "".join(names)
    )
    footing = find_footing(binaries_for(own.cluster), folder, own.cluster)
    process = subprocess.Popen(
        footing.command("/usr/sbin/haproxy", "-db", "-f", file),
        preexec_fn=end_with_parent(),
        **footing.identity(),
    )
    try:
        wait_listening(port)
        time.sleep(1)  # until it has asked both
        yield port
    finally:
        process.kill()
        process.wait(SECONDS_MAX)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose sockets HAProxy takes: their paths have at most 97 characters."""
    with tempfile.TemporaryDirectory(prefix="ha-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("loses", [False, True], ids=["whole", "with-losses"])
def test_a_failover_goes_on_by_itself_unless_it_lost_something(short: Path, loses: bool) -> None:
    settings = load_settings(data_dir=short / "data")
    databases = find_databases(settings)
    own = databases.server
    assert own is not None
    try:
        asyncio.run(prepare(databases))
        with (
            standby_of(own, short / "standby") as standby,
            proxied(short, own, own.start(), standby) as port,
        ):
            url = f"postgresql://{standby.user}@127.0.0.1:{port}/any"
            names = ("people", "sandbox")
            given = {f"{name}_database_url": url.replace("any", f"recoup_{name}") for name in names}
            behind = replace(settings, **given)

            async def story() -> None:
                async with open_sandbox(behind, find_databases(behind)) as running:
                    made: Any = (running.world, running.orders, running.deliveries)
                    shop = await make_shop(*made)
                    await shop.admit_many(5)
                    if loses:
                        await _tell(standby, "ALTER SYSTEM SET primary_conninfo = ''")
                        await _tell(standby, "SELECT pg_reload_conf()")
                    await asyncio.sleep(2 * EVERY_SECONDS)  # another mark
                    await shop.admit_many(5)
                    own.stop()
                    await _tell(standby, "SELECT pg_promote()")
                    said = list[str]()
                    give_up = time.monotonic() + SECONDS_MAX
                    while not said or said[-1] and "lost data" not in said[-1]:
                        assert time.monotonic() < give_up, said
                        said.append(await _admitted(shop))
                    if loses:
                        assert "" not in said, "nothing was taken by one that knows less"
                        return
                    sql = "SELECT count(*) FROM orders WHERE merchant_id = $1"
                    assert await shop.value(sql, shop.merchant_id) == 11  # noqa: PLR2004
                    assert not (await verify(running.world)).differences

            asyncio.run(story())
    finally:
        own.stop()


async def _admitted(shop: Any) -> str:
    """Why not; empty: it was."""
    try:
        await shop.admit()
    except Problem as problem:
        return problem.message
    return ""
