"""`recoup worker --processes`: what several processes of one machine share is done once, whoever
of them dies."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import UUID, uuid4

import asyncpg
import pytest
from tests.docs.running import clean_environment
from tests.kills.installation import children, free_port
from tests.kills.story import nothing_sent_twice
from tests.left_processes import second_process
from tests.main.test_second_machine import Machines, machines
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.main import up
from recoup.main.settings import Settings
from recoup.main.up import metrics_socket
from recoup.main.worlds import open_sandbox
from recoup.orders.flows import each
from recoup.webhooks.flows import publish

__all__ = ["machines"]
ORDERS = 60
CHANGED_SECONDS = 90.0
LEFT = """
SELECT (SELECT count(*) FROM due_work d JOIN merchants m USING (merchant_id)
    WHERE d.kind IN ('inquire', 'modification')
      OR (NOT d.wall AND d.due_at <= now() + m.offset_us * interval '1 microsecond'))
  + (SELECT count(*) FROM outbox_queue) + (SELECT count(*) FROM postings_queue)
"""


@contextmanager
def workers(machines: Machines, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    names = {
        "RECOUP_PEOPLE_DATABASE_URL": machines.databases.people,
        "RECOUP_SANDBOX_DATABASE_URL": machines.databases.sandbox,
        "RECOUP_WORKER_METRICS_ADDRESS": f"127.0.0.1:{port}",
    }
    parent = subprocess.Popen(
        [
            sys.executable,
            *("-m", "recoup.main", "worker", "--processes", "2"),
            *("--data-dir", str(machines.folder / "a")),
        ],
        env=clean_environment() | names,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield parent
    finally:
        parent.terminate()
        parent.wait(30)


def children_of(parent: "subprocess.Popen[bytes]") -> set[int]:
    return {pid for pid, words in children(parent.pid) if "worker" in words}


async def _due(machines: Machines) -> None:
    """Orders of two merchants whose attempts are all due."""
    async with open_sandbox(machines.settings("a"), machines.databases) as running:
        made = running.world, running.orders, running.deliveries
        for _ in range(2):
            shop: Any = await make_shop(*made)  # type: ignore[arg-type]
            await shop.admit_many(ORDERS // 2)
            await shop.run_due()
            await running.world.db.execute(
                "UPDATE merchants SET offset_us = $2 WHERE merchant_id = $1",
                shop.merchant_id,
                timedelta(days=12) // timedelta(microseconds=1),
            )


@pytest.mark.prove("processes")
@pytest.mark.timeout(240)
def test_two_workers_share_all_that_is_due_and_one_is_killed_meanwhile(machines: Machines) -> None:
    machines.up("a")
    asyncio.run(_due(machines))
    port = free_port()

    async def story(parent: "subprocess.Popen[bytes]") -> None:
        connection = await asyncpg.connect(machines.databases.sandbox)
        give_up = time.monotonic() + CHANGED_SECONDS

        async def until(sql: str) -> None:
            while not await connection.fetchval(sql):
                assert parent.poll() is None
                assert time.monotonic() < give_up, sql
                await asyncio.sleep(0.01)

        await until("SELECT count(*) > 9 FROM issuer.calls WHERE kind = 'charge'")
        before = children_of(parent)
        assert len(before) == 2  # noqa: PLR2004
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        while len(now := children_of(parent)) < 2 or killed in now:  # noqa: PLR2004
            assert time.monotonic() < give_up
            await asyncio.sleep(0.05)
        # of the dead one: nobody waits a minute here
        await connection.execute("UPDATE due_work SET lease_until = NULL")
        await until(f"SELECT ({LEFT}) = 0")
        assert await connection.fetchval("SELECT count(DISTINCT order_id) FROM attempts") == ORDERS
        await nothing_sent_twice(connection)
        await connection.close()

    with workers(machines, port) as parent:
        asyncio.run(story(parent))
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            measured = answer.read().decode()
        assert 'recoup_worker_alive_seconds{world="sandbox"}' in measured
        former, give_up = children_of(parent), time.monotonic() + CHANGED_SECONDS
        parent.send_signal(signal.SIGHUP)
        while former & (now := children_of(parent)) or len(now) != 2:  # noqa: PLR2004
            assert time.monotonic() < give_up
            time.sleep(0.1)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            assert b"recoup_worker_alive_seconds" in answer.read()
        parent.terminate()
        assert parent.wait(30) == 0
        assert not [pid for pid in now if Path(f"/proc/{pid}").exists()]


MERCHANTS = 10


def test_workers_that_begin_together_share_the_merchants(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of a list both would come to each merchant, the second for nothing."""
    visits, feed = list[tuple[str, UUID]](), publish.publish
    monkeypatch.setattr(each, "AT_ONCE", 2)

    async def story() -> None:
        async with sandbox_world(server) as made, second_process(made[0]) as other:
            shops = [await make_shop(*made) for _ in range(MERCHANTS)]
            for shop in shops:
                await shop.admit()

            async def noted(world: World, merchant_id: UUID) -> int:
                visits.append(("other" if world is other else "own", merchant_id))
                return await feed(world, merchant_id)

            monkeypatch.setattr(publish, "publish", noted)
            while any(
                await asyncio.gather(publish.publish_all(made[0]), publish.publish_all(other))
            ):
                pass
            assert {merchant_id for _, merchant_id in visits} == {s.merchant_id for s in shops}
            assert {process for process, _ in visits} == {"own", "other"}
            assert len(visits) < 2 * MERCHANTS
            for shop in shops:
                sql = "SELECT count(*) FROM outbox WHERE merchant_id = $1"
                events = await shop.value(sql, shop.merchant_id)
                sql = "SELECT array_agg(number ORDER BY number) FROM feed WHERE merchant_id = $1"
                assert await shop.value(sql, shop.merchant_id) == [*range(1, events + 1)]

    asyncio.run(story())


def test_no_merchant_waits_for_ever_behind_busy_ones() -> None:
    busy, begun = [uuid4() for _ in range(3 * each.AT_ONCE)], set[UUID]()

    async def work(merchant_id: UUID) -> int:
        begun.add(merchant_id)
        return 1

    async def story() -> None:
        for _ in range(60):
            assert await each.each(busy, work) == each.AT_ONCE

    asyncio.run(story())
    assert len(begun) == len(busy)


def test_an_address_of_metrics_that_is_taken_is_refused_before_any_worker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "_run", lambda *_: pytest.fail("it started"))
    taken = metrics_socket(Settings(metrics_address="127.0.0.1:0"))
    assert taken is not None
    at = f"127.0.0.1:{taken.getsockname()[1]}"
    with taken, pytest.raises(Problem, match="Cannot listen on") as told:
        up.work_by_several(
            Settings(data_dir=tmp_path, worker_metrics_address=at),
            None,
            2,  # type: ignore[arg-type]
        )
    assert told.value.field == "worker_metrics_address"
