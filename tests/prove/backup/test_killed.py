"""Server and host are killed at twenty moments under load; what was answered before is in the copy.

Again: `pytest -n 0 tests/prove/backup/test_killed.py --timeout=0 -s`
"""

import asyncio
import os
import random
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
from tests.kills.installation import installed
from tests.kills.load import Load, Promise
from tests.prove.backup.barman import Copied

from recoup.db.server import EmbeddedServer
from recoup.main.backup.configuration import ROLE

MOMENTS = int(os.environ.get("PROVE_KILLS", "20"))
LOST_SECONDS_MAX = 1.0
CALLERS = 4
_FLUSHED = (
    "SELECT (flush_lsn - '0/0')::bigint FROM pg_stat_replication WHERE application_name = "
    "'barman_receive_wal'"
)
_KNOWN = "SELECT order_id::text FROM orders WHERE order_id = ANY($1::uuid[])"


class Timed(Load):
    """When each order was answered first."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.at: dict[str, float] = {}

    async def repeat(self, promise: Promise) -> None:
        await super().repeat(promise)
        if promise.order_id:
            self.at.setdefault(promise.order_id, time.time())


async def under_load(
    copied: Copied, dsn: str, seed: int, seconds: float
) -> tuple[dict[str, float], float, int, str]:
    """Kills all after some seconds of load: when each order was answered, the moment, and what was
    synced by then."""
    load = Timed(copied.installation, seed)
    watch = await asyncpg.connect(dsn, timeout=10)
    callers = [asyncio.create_task(load.work()) for _ in range(CALLERS)]
    until, flushed = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        flushed = await watch.fetchval(_FLUSHED) or flushed
        await asyncio.sleep(0.02)
    copied.kill_all()
    killed = time.time()
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    watch.terminate()
    await load.close()
    return load.at, killed, flushed, "; ".join(load.told.strange)


async def known(dsn: str, orders: list[str]) -> set[str]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return {row[0] for row in await connection.fetch(_KNOWN, orders)}
    finally:
        await connection.close()


def test_at_most_a_second_of_commits_is_lost_with_the_host(tmp_path: Path) -> None:
    dice, promised = random.Random(39), dict[str, float]()
    lost_seconds, back_seconds, lost_orders = [], [], 0
    with installed(tmp_path) as installation:
        copied = Copied(installation, tmp_path / "copies")
        copied.set_up()
        for moment in range(MOMENTS):
            dsn = EmbeddedServer(installation.data_dir).start().dsn("recoup_sandbox")
            copying = None
            if moment % 4 == 3:  # a copy is being made
                quiet = subprocess.DEVNULL
                copying = subprocess.Popen(
                    copied.words("backup", "recoup"), stdout=quiet, stderr=quiet
                )
            at, killed, flushed, strange = asyncio.run(
                under_load(copied, dsn, moment, dice.uniform(1, 6))
            )
            if copying is not None:
                with suppress(subprocess.TimeoutExpired):
                    copying.wait(10)
            assert not strange
            assert at
            assert flushed
            promised |= at
            copied.forget_unsynced(flushed)
            begun = time.monotonic()
            beside = tmp_path / f"restored{moment}"
            said = copied.recoup("restore", "--to", "latest", "--beside", str(beside))
            assert "verify sandbox: ok" in said
            back_seconds.append(time.monotonic() - begun)
            server = EmbeddedServer(beside)
            found = asyncio.run(known(server.start().dsn("recoup_sandbox"), list(promised)))
            server.stop()
            gone = [promised[one] for one in promised if one not in found]
            lost_seconds.append(max((killed - one for one in gone), default=0.0))
            lost_orders += len(gone)
            print(
                f"moment {moment + 1}: {len(at)} orders, {len(gone)} lost, {lost_seconds[-1]:.2f} "
                f"s, restored and"
                f" verified in {back_seconds[-1]:.1f} s",
                flush=True,
            )
            shutil.rmtree(beside)
            installation.wait_ready()  # its disk lives on: the next moment begins from it
            copied.receive()
        assert f"{ROLE}" not in copied.recoup("verify")
    print(
        f"{MOMENTS} moments, {len(promised)} orders, {lost_orders} lost, at most "
        f"{max(lost_seconds):.2f} s;"
        f" restored and verified in {max(back_seconds):.1f} s at most"
    )
    assert max(lost_seconds) <= LOST_SECONDS_MAX
