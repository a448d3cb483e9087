"""`recoup worker`: one process, without the doors' code."""

import asyncio
import contextlib
import signal
import socket
from contextlib import ExitStack

import uvloop

from recoup.kernel.problem import Problem
from recoup.kit.upkeep import beat
from recoup.main.alive import teller
from recoup.main.clock import stands_still, work
from recoup.main.databases import Databases
from recoup.main.heap import settle_heap
from recoup.main.logs import start_logs
from recoup.main.metrics import is_shared, serve_beside, watch_process
from recoup.main.output import guard_output
from recoup.main.settings import Settings
from recoup.main.up import metrics_socket
from recoup.main.worlds import WORKER, Running, open_worlds


def run_worker(settings: Settings, databases: Databases, metrics_fd: int | None = None) -> None:
    """Works until it is told to end; /metrics is at this socket, or at the setting's address.
    Raises: Problem(unavailable) for one that cannot be listened on."""
    guard_output()
    start_logs(settings.log_level)
    metrics_at = None if metrics_fd is None else socket.socket(fileno=metrics_fd)
    if metrics_fd is None and not is_shared():
        metrics_at = metrics_socket(settings, "worker_metrics_address")
    uvloop.run(_worker(settings, databases, metrics_at))


async def _worker(
    settings: Settings, databases: Databases, metrics_at: socket.socket | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with open_worlds(settings, databases, WORKER) as both:
        worlds = [cell for running in both if running is not None for cell in running.cells]
        settle_heap()
        with ExitStack() as stack:
            if metrics_at is not None:
                opened = [running.world for running in worlds]
                stack.callback(serve_beside(metrics_at, opened, settings.data_dir))
            task = asyncio.create_task(_work_all(worlds))
            waiter = asyncio.create_task(stop.wait())
            await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
            waiter.cancel()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _work_all(worlds: list[Running]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(watch_process("worker"))
        group.create_task(_tell())
        for world in worlds:
            group.create_task(_work_open(world))


async def _tell() -> None:
    """Each second, whoever started this process."""
    tell = teller("worker")
    while True:
        if not stands_still():
            tell()
        await asyncio.sleep(1.0)


async def _work_open(running: Running) -> None:
    """Live waits while a setting is wrong with which nothing may be sent. It says that it lives
    meanwhile."""
    while running.world.opening is not None and running.world.opening.stops_sending:
        with contextlib.suppress(Problem):
            await beat(running.world)
        await asyncio.sleep(1.0)
    await work(running.world, running.orders, running.deliveries)
