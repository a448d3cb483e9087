"""`recoup serve` and `recoup worker`: one process each."""

import asyncio
import contextlib
import signal
import socket

import uvicorn
import uvloop

from recoup.doors.clock.worker import work
from recoup.main.app import make_app
from recoup.main.databases import Databases
from recoup.main.logs import start_logs
from recoup.main.settings import Settings
from recoup.main.worlds import Running, open_worlds


def serve(settings: Settings, databases: Databases, fd: int | None = None) -> None:
    start_logs(settings.log_level)
    config = uvicorn.Config(
        make_app(settings, databases), host=settings.host, port=settings.port, loop="uvloop", http="httptools",
        ws="none", log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=10,
        timeout_keep_alive=30, backlog=2048, h11_max_incomplete_event_size=65536,
        ssl_certfile=settings.tls_cert or None, ssl_keyfile=settings.tls_key or None,
        proxy_headers=bool(settings.behind_proxy), forwarded_allow_ips=settings.behind_proxy or None,
    )  # fmt: skip
    # As a socket: a number uvicorn takes for a Unix socket, without TCP_NODELAY, and answers wait for delayed ACKs.
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)] if fd is not None else None)


def worker(settings: Settings, databases: Databases) -> None:
    start_logs(settings.log_level)
    uvloop.run(_worker(settings, databases))


async def _worker(settings: Settings, databases: Databases) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with open_worlds(settings, databases, "recoup-worker") as worlds:
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
