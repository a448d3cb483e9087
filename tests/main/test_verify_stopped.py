"""`recoup verify --progress` that is ended by a signal, and goes on."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import asyncpg
import pytest
from tests.kills.installation import RECOUP
from tests.worlds import HARD_CARD, make_shop

from recoup.main.databases import Databases, find_databases, prepare
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_sandbox

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'uploads'::regclass"


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[tuple[Settings, Databases]]:
    settings = load_settings(data_dir=tmp_path / "data")
    databases = find_databases(settings)
    assert databases.server is not None
    try:
        asyncio.run(prepare(databases))
        yield settings, databases
    finally:
        databases.server.stop()


def test_a_run_that_is_killed_goes_on(installed: Any, tmp_path: Path) -> None:
    settings, databases = installed
    path = tmp_path / "verify.json"
    words = [*RECOUP, "verify", "--data-dir", str(settings.data_dir), "--progress", str(path)]

    async def story() -> None:
        async with open_sandbox(settings, databases) as running:
            made: Any = (running.world, running.orders, running.deliveries)
            shop = await make_shop(*made)
            order_id = await shop.admit(pan=HARD_CARD)
        connection = await asyncpg.connect(databases.server.start().dsn("recoup_sandbox"))
        await connection.execute("SET search_path = cell")
        await connection.execute(
            "UPDATE order_heads SET attempts = attempts + 1 WHERE order_id = $1", order_id
        )
        async with connection.transaction():
            await connection.execute("LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE")
            for sent in (signal.SIGTERM, signal.SIGKILL):
                before = await connection.fetchval(WAITING)  # the server's part of who was killed
                run = await asyncio.create_subprocess_exec(*words, stdout=DEVNULL, stderr=DEVNULL)
                async with asyncio.timeout(20):
                    while await connection.fetchval(WAITING) <= before:
                        assert run.returncode is None
                        await asyncio.sleep(0.05)
                if sent is signal.SIGKILL:
                    other = await asyncio.to_thread(subprocess.run, words, capture_output=True)
                    assert b"Another run goes on from" in other.stderr
                run.send_signal(sent)
                await asyncio.wait_for(run.wait(), 20)
            assert json.loads(path.read_text())["finished"] is False
        await connection.close()
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout.count(str(order_id)) == 1, done.stdout
        assert json.loads(path.read_text())["finished"] is True

    asyncio.run(story())
