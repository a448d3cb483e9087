"""Two releases beside each other: while a migration only adds, the former one takes every call, and
may start again."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from tests.answering import is_ready
from tests.kills.installation import RECOUP, Installation, free_port, installed
from tests.kills.load import Load
from tests.prove.upgrade.second_release import second_release

CALLERS = 6
REST_SECONDS = 6.0
TABLES = """
SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
  AND relnamespace = ANY('{cell,hub,directory,chain}'::regnamespace[]) ORDER BY 1
"""


def test_what_only_adds_costs_no_caller_of_the_former_release_a_call(tmp_path: Path) -> None:
    with installed(tmp_path) as former:
        asyncio.run(_story(former, tmp_path))


async def _story(former: Installation, folder: Path) -> None:
    tables = await _tables(former.dsn())
    assert len(tables) > 100
    (folder / "next").mkdir()
    columns = "".join(f"ALTER TABLE {table} ADD added_next text;\n" for table in tables)
    program = second_release(
        folder / "next",
        {
            "8001_columns.sql": f"-- beside\n{columns}CREATE TABLE added_next (merchant_id uuid "
            f"PRIMARY KEY);\n",
            "8002_index.sql": "-- beside\n-- concurrently\nDROP INDEX CONCURRENTLY IF EXISTS "
            "added_units;\n"
            "CREATE INDEX CONCURRENTLY added_units ON orders (merchant_id, units);\n",
        },
    )
    load = Load(former, 7)
    callers = [asyncio.create_task(load.work()) for _ in range(CALLERS)]
    await asyncio.sleep(REST_SECONDS)
    before = load.told.calls
    applied = await _verb(program, former, "schema", "apply")
    assert "Nothing stops. The way back is the former release." in applied
    during = load.told.calls - before
    await asyncio.sleep(REST_SECONDS)
    with _serving(program, former) as port:
        url = f"http://127.0.0.1:{port}/readyz"
        for _ in range(600):
            if await asyncio.to_thread(is_ready, url):
                break
            await asyncio.sleep(0.1)
        assert await asyncio.to_thread(is_ready, url)
        await asyncio.sleep(REST_SECONDS)
    # the former release starts its doors again
    former.up.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    await asyncio.sleep(2 * REST_SECONDS)
    assert "ok" in await _verb(RECOUP[0], former, "schema", "check")
    load.stopping = True
    await asyncio.gather(*callers)
    await load.close()
    told = load.told
    print(
        f"{told.calls} calls of the former release, {during} while it was migrated; failed: "
        f"{told.repeats}"
    )
    assert (told.strange, told.repeats) == ([], 0)
    assert during
    assert "ok" in await _verb(program, former, "verify")


async def _tables(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(TABLES)]
    finally:
        await connection.close()


async def _verb(program: str, former: Installation, *words: str) -> str:
    command = [program, *words, "--data-dir", str(former.data_dir)]
    ran = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@contextmanager
def _serving(program: str, former: Installation) -> Iterator[int]:
    """A door of the next release, on the same databases."""
    port = free_port()
    command = [
        program,
        "serve",
        "--port",
        str(port),
        "--data-dir",
        str(former.data_dir),
        "--doors",
        "1",
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ))
    try:
        yield port
    finally:
        running.terminate()
        running.wait(60)
