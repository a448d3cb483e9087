"""The worker has a back-test made by a process of its own: the same figures. Whatever is killed, it
is made again, or ends without figures, and is kept once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.backtest.flows.test_kept import with_orders
from tests.databases import drop, empty
from tests.kills.installation import RECOUP
from tests.rings import drawn
from tests.worlds import Shop, make_shop

from recoup.backtest.flows import kept
from recoup.backtest.flows.kept import ask, read_backtest
from recoup.backtest.flows.make import FAILED, TRIES_MAX
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.db.server import ServerAddress
from recoup.main.databases import Databases, prepare
from recoup.main.own_process import MEMORY_BYTES_MAX
from recoup.main.settings import Settings
from recoup.main.worlds import open_worlds

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(400),
]
PATIENCE_SECONDS = 90
SPAWNED_MAX = 12


class Place:
    """An installation of its own, with a merchant that has some orders."""

    def __init__(self, databases: Databases, folder: Path, shop: Shop) -> None:
        self.databases, self.folder, self.shop = databases, folder, shop
        self.settings = Settings(data_dir=folder, training="off")

    @contextmanager
    def worker(self) -> "Iterator[subprocess.Popen[bytes]]":
        environment = os.environ | {
            "RECOUP_DATA_DIR": str(self.folder),
            "RECOUP_PEOPLE_DATABASE_URL": self.databases.people,
            "RECOUP_SANDBOX_DATABASE_URL": self.databases.sandbox,
            "RECOUP_TRAINING": "off",
        }
        process = subprocess.Popen(
            [*RECOUP, "worker", "--prepared"], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)

    async def new(self, days: int) -> UUID:
        request = BacktestRequest("retry-2", days=days)
        question = await question_for(self.shop.world, self.shop.merchant_id, request)
        return (await ask(self.shop.world, self.shop.scope, question)).backtest_id

    async def ended(self, backtest_id: UUID) -> Any:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while (
            row := await read_backtest(self.shop.world, self.shop.merchant_id, backtest_id)
        ).made_at is None:
            assert time.monotonic() < give_up, "it hangs"
            await asyncio.sleep(0.1)
        return row

    async def due(self) -> list[Any]:
        return await self.shop.world.db.fetch(
            "SELECT tries, lease_until FROM due_work WHERE kind = 'backtest'"
        )


def child_of(worker: "subprocess.Popen[bytes]") -> int | None:
    """The process that makes a back-test, if there is one now."""
    for one in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split():
        if "recoup.main.own_process" in command_of(int(one)):
            return int(one)
    return None


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


async def next_child(worker: "subprocess.Popen[bytes]", seconds: float = PATIENCE_SECONDS) -> int:
    give_up = time.monotonic() + seconds
    while (found := child_of(worker)) is None:
        assert time.monotonic() < give_up, "no process was started"
        await asyncio.sleep(0.02)
    return found


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def installed(
    server: ServerAddress, folder: Path, story: Callable[[Place], Awaitable[None]]
) -> None:
    mark = uuid.uuid4().hex[:10]
    names = {"people": f"people_{mark}", "world": f"sandbox_{mark}"}
    urls = {kind: asyncio.run(empty(server, kind, name)) for kind, name in names.items()}
    databases = Databases(urls["people"], urls["world"], None, None)

    async def inside() -> None:
        await prepare(databases)
        async with open_worlds(Settings(data_dir=folder, training="off"), databases) as (opened, _):
            shop = await make_shop(
                opened.world,
                opened.orders,
                opened.deliveries,
            )  # type: ignore[arg-type]
            await story(Place(databases, folder, shop))

    try:
        asyncio.run(inside())
    finally:
        for name in names.values():
            asyncio.run(drop(server, name))


def test_its_own_process_makes_the_same_figures(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(place: Place) -> None:
        await with_orders(place.shop, 6)
        here = await place.ended(await place.new(90))
        assert here.report["orders"] == 6
        monkeypatch.setattr(kept, "AT_ONCE", -1)
        monkeypatch.setattr(kept, "FRESH", timedelta(0))
        backtest_id = await place.new(90)
        assert backtest_id != here.backtest_id
        with place.worker() as worker:
            pid = await next_child(worker)
            command = [one for one in command_of(pid) if one]
            assert command[-3:] == ["backtest", str(place.shop.merchant_id), str(backtest_id)], (
                "and no address"
            )
            assert "://" not in " ".join(command)
            there = await place.ended(backtest_id)
        assert there.report == here.report
        assert there.payment_count == 6
        assert await place.due() == []

    installed(server, tmp_path, story)


def test_it_may_have_so_much_memory_and_gives_way(server: ServerAddress, tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        with place.worker() as worker:
            for days in range(20, 20 + SPAWNED_MAX):
                await _unmade(place, days)
                pid, limits = await next_child(worker), ""
                with_limits = time.monotonic() + 10
                while (
                    str(MEMORY_BYTES_MAX) not in limits
                    and not is_gone(pid)
                    and time.monotonic() < with_limits
                ):
                    limits = (
                        Path(f"/proc/{pid}/limits")
                        .read_text()
                        .partition("Max address space")[2]
                        .splitlines()[0]
                    )
                    await asyncio.sleep(0.01)
                if str(MEMORY_BYTES_MAX) in limits:
                    nice = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16]
                    assert int(nice) > 0
                    return
        raise AssertionError("no process had a limit")

    installed(server, tmp_path, story)


@drawn("processes", "delay", [0.0, 0.6, 1.0, 1.4, 1.8, 2.4], 1)
def test_a_killed_process_is_followed_by_another_and_figures_are_kept_once(
    server: ServerAddress, tmp_path: Path, delay: float
) -> None:
    async def story(place: Place) -> None:
        await with_orders(place.shop, 3)
        backtest_id = await _unmade(place, 60)
        with place.worker() as worker:
            pid = await next_child(worker)
            await asyncio.sleep(delay)
            if not is_gone(pid):
                os.kill(pid, signal.SIGKILL)
            row = await place.ended(backtest_id)
            assert row.report is not None, row.failed
            made_at, give_up = row.made_at, time.monotonic() + 20
            while await place.due():
                assert time.monotonic() < give_up, "its work stays"
                await asyncio.sleep(0.1)
        again = await read_backtest(place.shop.world, place.shop.merchant_id, backtest_id)
        assert again.made_at == made_at
        sql = "SELECT jsonb_array_length(payments) AS count FROM backtest_payments"
        assert [row["count"] for row in await place.shop.world.db.fetch(sql)] == [3]

    installed(server, tmp_path, story)


@pytest.mark.prove("processes")
def test_a_process_that_is_always_killed_leaves_a_back_test_without_figures(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(place: Place) -> None:
        backtest_id = await _unmade(place, 60)
        with place.worker() as worker:
            for _ in range(TRIES_MAX):
                os.kill(await next_child(worker), signal.SIGKILL)
                await asyncio.sleep(0.3)
            row = await place.ended(backtest_id)
            assert (row.report, row.failed) == (None, FAILED)
        assert await place.due() == []

    installed(server, tmp_path, story)


@pytest.mark.prove("processes")
def test_a_killed_worker_takes_its_process_along_and_the_next_makes_it(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(place: Place) -> None:
        backtest_id = await _unmade(place, 60)
        for _ in range(TRIES_MAX):  # each ends the worker that makes it
            with place.worker() as worker:
                pid = await next_child(worker)
                worker.kill()
                give_up = time.monotonic() + 20
                while not is_gone(pid):
                    assert time.monotonic() < give_up, "it goes on alone"
                    await asyncio.sleep(0.02)
            if not (found := await place.due()):  # it was made before the kill came
                assert (await place.ended(backtest_id)).report is not None
                return
            (due,) = found
            assert due["lease_until"] is not None
            assert due["lease_until"] < place.shop.world.clocks.wall() + timedelta(minutes=1), (
                "the next begins it soon"
            )
            await _lease_over(place)
        with place.worker() as worker:
            row = await place.ended(backtest_id)
            assert child_of(worker) is None
        assert (row.report, row.failed) == (None, FAILED), (
            "what ends every worker is not begun for ever"
        )

    installed(server, tmp_path, story)


@pytest.mark.prove("processes")
def test_a_worker_that_shall_end_does_not_wait_for_it(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(place: Place) -> None:
        backtest_id = await _unmade(place, 60)
        with place.worker() as worker:
            pid = await next_child(worker)
        assert is_gone(pid)
        with place.worker():
            assert (await place.ended(backtest_id)).report is not None

    installed(server, tmp_path, story)


async def _unmade(place: Place, days: int) -> UUID:
    patch = pytest.MonkeyPatch()
    with patch.context() as inside:
        inside.setattr(kept, "AT_ONCE", -1)
        return await place.new(days)


async def _lease_over(place: Place) -> None:
    connection = await asyncpg.connect(place.databases.sandbox)
    await connection.execute("UPDATE due_work SET lease_until = NULL WHERE kind = 'backtest'")
    await connection.close()
