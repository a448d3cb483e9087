"""For monitoring: is the process there, should it get calls, and what does it do."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from recoup.doors.edge.asgi import Receive, Refuse, Scope, Send, send_refusal
from recoup.doors.edge.connections import Connections, Limits
from recoup.doors.edge.crowded import crowded
from recoup.doors.edge.proxies import Proxies
from recoup.kernel.problem import Problem
from recoup.main.door_server import DoorServer
from recoup.main.metrics import scrape
from recoup.main.worlds import Running
from recoup.store.operation.partitions import read_days_left
from recoup.store.operation.upkeep import is_writable

_RETRY: Final = {"retry-after": "2"}
_NOT_HERE: Final = Problem(
    "forbidden",
    "Metrics are told to callers on this machine only.",
    cure="Set metrics_address (RECOUP_METRICS_ADDRESS) to an address of their own, like 10.0.0.5:9400.",
)


def probes(opened: Sequence[Running], is_draining: Callable[[], bool]) -> list[Route]:
    """`opened` fills when the worlds open."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if is_draining():
            return JSONResponse({"ready": False, "why": "closing"}, 503, {"connection": "close"})
        days_left = []
        try:
            for one in opened:
                async with asyncio.timeout(2), one.world.db.connection() as connection:
                    if not await is_writable(connection):
                        return JSONResponse({"ready": False, "why": "read-only"}, 503, _RETRY)
                    left = await read_days_left(connection, one.world.clocks.wall())
                    days_left.append(int(min(left.values())))
        except (Problem, TimeoutError):
            return JSONResponse({"ready": False, "why": "database"}, 503, _RETRY)
        return JSONResponse({"ready": True, "partition_days_left": min(days_left, default=None)})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _metrics(opened: Sequence[Running]) -> Route:
    async def metrics(request: Request) -> Response:
        try:
            text, kind = await scrape([one.world for one in opened])
        except Problem as problem:
            return PlainTextResponse(problem.message + "\n", 503, _RETRY)
        return Response(text, media_type=kind)

    return Route("/metrics", metrics)


def local_metrics(opened: Sequence[Running], refuse: Refuse) -> Route:
    """At the doors, which may be open to the world: metrics are for this machine only."""
    inner = _metrics(opened).app

    async def metrics(scope: Scope, receive: Receive, send: Send) -> None:
        if _is_local(scope):
            await inner(scope, receive, send)
        else:
            await send_refusal(send, refuse(scope, _NOT_HERE))

    return Route("/metrics", _App(metrics))


class _App:
    """What a route takes for an application and not for a function of a request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is None or ip_address(client[0]).is_loopback
    except ValueError:
        return False


class _Beside(DoorServer):
    """Signals are the doors' own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def metrics_door(at: socket.socket, opened: Sequence[Running], refuse: Refuse) -> AsyncIterator[None]:
    """/metrics alone, at an address of its own."""
    app: Any = Starlette(routes=[_metrics(opened)])
    connections = Connections(Limits(total=32, per_address=32, spare=4), crowded(app, refuse), Proxies(""))
    server = _Beside(app, connections, log_level="warning", lifespan="off")
    serving = asyncio.create_task(server.serve(sockets=[at]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
