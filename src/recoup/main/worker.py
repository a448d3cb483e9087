"""`recoup worker`: one process, without the doors' code."""

import asyncio
import contextlib
import signal

import uvloop

from recoup.doors.clock.worker import work
from recoup.main.databases import Databases
from recoup.main.heap import settle_heap
from recoup.main.logs import start_logs
from recoup.main.settings import Settings
from recoup.main.worlds import Running, open_worlds


def run_worker(settings: Settings, databases: Databases) -> None:
    start_logs(settings.log_level)
    uvloop.run(_worker(settings, databases))


async def _worker(settings: Settings, databases: Databases) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with open_worlds(settings, databases, "recoup-worker") as worlds:
        settle_heap()
        task = asyncio.create_task(_work_all([one for one in worlds if one is not None]))
        waiter = asyncio.create_task(stop.wait())
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _work_all(worlds: list[Running]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in worlds:
            group.create_task(work(one.world, one.orders, one.deliveries))
