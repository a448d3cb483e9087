"""`recoup worker` without `recoup up`: what keeps an installation of several machines alive."""

import asyncio
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from tests.kills.installation import RECOUP

from recoup.db.partitions import partitions_of
from recoup.main import clock, worker
from recoup.main.alive import READY
from recoup.main.databases import find_databases, has_live, prepare
from recoup.main.settings import load_settings


async def _drop_ahead(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    for name in await partitions_of(connection, "api_calls"):
        if not name.endswith(("_first", "_default")):
            await connection.execute(f"DROP TABLE {name}")
    await connection.execute("UPDATE upkeep SET done_at = NULL")
    await connection.close()


async def _count(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return len(await partitions_of(connection, "api_calls"))
    finally:
        await connection.close()


def test_a_worker_one_of_whose_loops_no_longer_comes_round_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that is stopped: whoever started it replaces it."""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    monkeypatch.setenv(READY, str(writes))
    begun = dict[asyncio.Event | None, float]()
    monkeypatch.setattr(clock, "_begun", begun)

    def told() -> bytes:
        try:
            return os.read(reads, 64)
        except BlockingIOError:
            return b""

    async def story() -> None:
        telling = asyncio.create_task(worker._tell())
        begun[None] = begun[asyncio.Event()] = time.monotonic()
        await asyncio.sleep(1.2)
        assert told() == b"11"
        begun[asyncio.Event()] = time.monotonic() - clock.PASS_SECONDS_MAX - 1
        await asyncio.sleep(1.2)
        assert not told()
        telling.cancel()

    try:
        asyncio.run(story())
    finally:
        os.close(reads)
        os.close(writes)


@pytest.mark.prove("processes")
@pytest.mark.timeout(200)
def test_a_worker_makes_partitions_where_no_supervisor_runs(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data")
    databases = find_databases(settings)
    assert databases.server is not None
    try:
        asyncio.run(prepare(databases))
        asyncio.run(_drop_ahead(databases.sandbox))
        worker = subprocess.Popen(
            [*RECOUP, "worker", "--data-dir", str(settings.data_dir)], stderr=subprocess.PIPE
        )
        try:
            give_up = time.monotonic() + 90
            while asyncio.run(_count(databases.sandbox)) < 8:
                assert worker.poll() is None
                assert time.monotonic() < give_up, "nobody made partitions"
                time.sleep(0.2)
        finally:
            worker.terminate()
            worker.communicate(timeout=30)
    finally:
        databases.server.stop()


@pytest.mark.timeout(200)
def test_a_worker_that_starts_first_brings_the_schema_as_the_doors_do(tmp_path: Path) -> None:
    """Alone it ran on a schema that lacked migrations, and told of an error in each loop."""
    settings = load_settings(data_dir=tmp_path / "data")
    databases = find_databases(settings)
    assert databases.server is not None
    try:
        worker = subprocess.Popen(
            [*RECOUP, "worker", "--data-dir", str(settings.data_dir)], stderr=subprocess.PIPE
        )
        try:
            give_up = time.monotonic() + 90
            while not asyncio.run(has_live(replace(databases, live=databases.sandbox))):
                assert worker.poll() is None, worker.stderr.read() if worker.stderr else ""
                assert time.monotonic() < give_up, "nobody made the schema"
                time.sleep(0.2)
        finally:
            worker.terminate()
            worker.communicate(timeout=30)
    finally:
        databases.server.stop()
