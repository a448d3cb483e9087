"""Connections over TLS: a handshake under way is counted and has an end, like everything else of a stranger's."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final

from recoup.doors.edge.connections import Connections

PAUSE_SECONDS: Final = 0.1


class Handshakes:
    """Accepts on `listener` and hands over what has shaken hands. Beyond the limits the oldest handshake, of the same
    address first, gives way."""

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        connections: Connections,
    ) -> None:
        listener.setblocking(False)
        self._listener, self._context, self._make, self._all = listener, context, make, connections
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        self._accepting.cancel()
        for task in self._under_way:
            task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(self._accepting, *self._under_way, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, client = await loop.sock_accept(self._listener)
            except OSError:
                # No file handle is free, or the caller is gone already.
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            self._make_room(self._all.address_of(client[:2]))
            task = asyncio.create_task(self._shake(connection))
            self._under_way[task] = self._all.address_of(client[:2])
            task.add_done_callback(self._under_way.pop)

    def _make_room(self, address: str) -> None:
        limits = self._all.limits
        same = [task for task, whose in self._under_way.items() if address and whose == address]
        if len(same) >= limits.handshakes_per_address:
            same[0].cancel()
        elif len(self._under_way) >= limits.handshakes:
            next(iter(self._under_way)).cancel()

    async def _shake(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._make,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._all.limits.head_seconds,
                ssl_shutdown_timeout=self._all.limits.linger_seconds,
            )
        except (OSError, TimeoutError, asyncio.CancelledError):
            with contextlib.suppress(OSError):
                connection.close()
