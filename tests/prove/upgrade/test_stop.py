"""How long Recoup stands still for an upgrade that stops it, at a million orders."""

import asyncio
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import asyncpg
from tests.answering import is_ready
from tests.kills.installation import RECOUP, free_port
from tests.prove.many_orders import fill
from tests.prove.upgrade.second_release import second_release

from recoup.db.server import EmbeddedServer, ServerAddress

ORDERS = 1_000_000
STOP_SECONDS_MAX = 20.0  # of processor time, which other work on the machine does not stretch
READY_SECONDS_MAX = 300.0
# The largest table is read once for the check; no row is written again.
STOPS = (
    "ALTER TABLE order_heads ADD added_next bigint NOT NULL DEFAULT 0 CHECK (added_next >= 0);\n"
)


def test_an_upgrade_stops_a_million_orders_for_seconds(tmp_path: Path) -> None:
    data_dir, port = tmp_path / "data", free_port()
    server = EmbeddedServer(data_dir)
    try:
        asyncio.run(_filled(server.start()))
    finally:
        server.stop()
    (tmp_path / "next").mkdir()
    program = second_release(tmp_path / "next", {"8001_stops.sql": STOPS})
    former = _up(RECOUP[0], data_dir, port)
    _until_ready(former, port)
    asyncio.run(_largest(data_dir))
    began, before = time.monotonic(), _processor_seconds() + _of(former.pid)
    former.send_signal(signal.SIGTERM)
    assert former.wait(60) == 0
    ended = time.monotonic()
    applied = subprocess.run(
        [program, "schema", "apply", "--data-dir", data_dir],
        capture_output=True,
        text=True,
        check=False,
    )
    assert applied.returncode == 0, applied.stderr
    said = time.monotonic()
    after = _up(program, data_dir, port)
    try:
        _until_ready(after, port)
        took, worked = time.monotonic() - began, _processor_seconds() + _of(after.pid) - before
        print(applied.stdout)
        parts = (
            f"ended {ended - began:.1f}, applied {said - ended:.1f}, started "
            f"{took - (said - began):.1f}"
        )
        print(f"stopped {took:.1f} s: {parts}; {worked:.1f} s of processor time")
        assert worked <= STOP_SECONDS_MAX
    finally:
        after.send_signal(signal.SIGTERM)
        after.wait(60)


async def _filled(server: ServerAddress) -> None:
    """As if nobody had begun yet: the first start makes keys and a merchant."""
    await fill(server, "recoup_sandbox", [ORDERS], print)
    connection = await asyncpg.connect(server.dsn("recoup_sandbox"))
    await connection.execute(
        "SET session_replication_role = replica; DELETE FROM merchants; DELETE FROM sites"
    )
    await connection.close()


def _up(program: str, data_dir: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [program, "up", "--port", str(port), "--data-dir", str(data_dir)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ))


def _until_ready(up: "subprocess.Popen[bytes]", port: int) -> None:
    give_up = time.monotonic() + READY_SECONDS_MAX
    while True:
        assert up.poll() is None
        if is_ready(f"http://127.0.0.1:{port}/readyz"):
            return
        assert time.monotonic() < give_up
        time.sleep(0.05)


async def _largest(data_dir: Path) -> None:
    connection = await asyncpg.connect(EmbeddedServer(data_dir).start().dsn("recoup_sandbox"))
    sql = "SELECT count(*), pg_size_pretty(pg_total_relation_size('order_heads')) FROM order_heads"
    count, size = await connection.fetchrow(sql)
    await connection.close()
    assert count >= ORDERS
    print(f"order_heads: {count:,} rows, {size}")


def _processor_seconds() -> float:
    """Of children that ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _of(pid: int) -> float:
    """Of a process that runs and all below it, those that ended included."""
    try:
        spent = sum(
            map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])
        )
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return spent / os.sysconf("SC_CLK_TCK") + sum(_of(int(one)) for one in below)
