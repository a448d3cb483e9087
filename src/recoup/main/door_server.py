"""The server under the doors: uvicorn with bounded connections, and an end that is announced before it comes."""

import asyncio
import socket
import sys
from functools import partial
from time import monotonic
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from recoup.doors.edge.asgi import App
from recoup.doors.edge.connections import Connections, Handshakes
from recoup.doors.edge.http import BoundedHttp


class DoorServer(uvicorn.Server):
    """`drain_seconds`: how long it still serves after the signal to end, with `is_draining` set."""

    def __init__(self, app: App, connections: Connections, *, drain_seconds: float = 0.0, **options: Any) -> None:
        chosen: dict[str, Any] = {
            "loop": "uvloop",
            "ws": "none",
            "access_log": False,
            "server_header": False,
            "backlog": 2048,
            "proxy_headers": False,  # see doors/edge/front
            "timeout_graceful_shutdown": 10,
            "timeout_keep_alive": round(connections.limits.idle_seconds),
            **options,
        }
        http: Any = partial(BoundedHttp, connections)
        asgi: Any = app
        super().__init__(uvicorn.Config(asgi, http=http, **chosen))
        self._connections, self._drain_seconds, self._ends_at = connections, drain_seconds, 0.0

    @property
    def is_draining(self) -> bool:
        return bool(self._ends_at)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain, a second one ends it."""
        if self._drain_seconds and not self._ends_at:
            self._captured_signals.append(sig)
            self._ends_at = monotonic() + self._drain_seconds
            return
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self._ends_at and monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.config.is_ssl or sockets is None:
            await super().startup(sockets=sockets)
            return
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        context = self.config.ssl
        if context is None:
            raise ValueError("TLS without a context")
        servers: list[Any] = [Handshakes(one, context, self._make, self._connections) for one in sockets]
        self.servers = servers
        self.started = True

    def _make(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )
        return made
