"""The server under the doors: uvicorn with bounded connections, and an end that is announced before
it comes."""

import asyncio
import select
import socket
import sys
from collections.abc import Callable
from functools import partial
from time import monotonic
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from recoup.kit.edge.asgi import App
from recoup.kit.edge.connections import Connections, Handshakes
from recoup.kit.edge.http import BoundedHttp
from recoup.main.alive import teller
from recoup.main.certificate import Certificate
from recoup.main.up import refuse_new

ENDING_SECONDS_MAX: Final = 8.0  # of waiting for calls that are on their way
LAST_CALL_SECONDS: Final = 0.2  # in which connections that have begun are made
RENEW_TICKS: Final = 100  # of a tenth of a second


class DoorServer(uvicorn.Server):
    """`drain_seconds`: how long it still serves after the signal to end, with `is_draining` set.
    `alone`: nobody else accepts at its sockets."""

    def __init__(
        self,
        app: App,
        connections: Connections,
        *,
        drain_seconds: float = 0.0,
        certificate: Certificate | None = None,
        each_second: Callable[[], None] | None = None,
        alone: bool = False,
        **options: Any,
    ) -> None:
        chosen: dict[str, Any] = {
            "loop": "uvloop",
            "ws": "none",
            "access_log": False,
            "server_header": False,
            "backlog": 2048,
            "proxy_headers": False,  # see kit/edge/entry
            "timeout_graceful_shutdown": 10,
            "timeout_keep_alive": round(connections.limits.idle_seconds),
            **options,
        }
        http: Any = partial(BoundedHttp, connections)
        asgi: Any = app
        super().__init__(uvicorn.Config(asgi, http=http, **chosen))
        self._connections, self._drain_seconds, self._ends_at = connections, drain_seconds, 0.0
        self._certificate, self._each_second, self._is_alone = certificate, each_second, alone
        self._tell = teller("doors")

    @property
    def is_draining(self) -> bool:
        return self._connections.is_ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain, a second one ends it."""
        self._connections.is_ending = True
        if self._drain_seconds and not self._ends_at:
            self._captured_signals.append(sig)
            self._ends_at = monotonic() + self._drain_seconds
            return
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self._ends_at and monotonic() >= self._ends_at:
            self.should_exit = True
        if (
            self._certificate is not None
            and self.config.ssl is not None
            and counter % RENEW_TICKS == 0
        ):
            self._certificate.renew(self.config.ssl)
        if counter % 10 == 0:
            self._tell()
            if self._each_second is not None:
                self._each_second()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers first whoever has connected. The kernel takes connections that nobody has
        accepted yet: closed with the socket, they would be cut."""
        self._connections.is_ending = True
        until = monotonic() + ENDING_SECONDS_MAX
        if self._is_alone:
            for listening in sockets or ():
                refuse_new(listening)
        await asyncio.sleep(LAST_CALL_SECONDS)
        # asked of the kernel, again and again
        while monotonic() < until and any(map(_has_waiting, sockets or ())):  # noqa: ASYNC110
            await asyncio.sleep(0)
        for server in (*self.servers, *(sockets or ())):
            server.close()
        while monotonic() < until and not self.force_exit and self._is_awaited():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    def _is_awaited(self) -> bool:
        return self._connections.are_awaited or any(
            isinstance(server, Handshakes) and server.is_busy for server in self.servers
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves at `sockets` alone. Tells that it serves once it can, yet before it accepts: who
        has not told is killed, and would cut a call."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        servers: list[Any] = [await self._opened(socket) for socket in sockets or ()]
        self._tell()
        for server in servers:
            await server.start_serving()
        self.servers = servers
        self.started = True

    async def _opened(self, sock: socket.socket) -> "asyncio.Server | Handshakes":
        if self.config.ssl is not None:
            return Handshakes(sock, self.config.ssl, self._make, self._connections)
        loop, backlog = asyncio.get_running_loop(), self.config.backlog
        return await loop.create_server(self._make, sock=sock, backlog=backlog, start_serving=False)

    def _make(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )
        return made


def _has_waiting(listener: socket.socket) -> bool:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
