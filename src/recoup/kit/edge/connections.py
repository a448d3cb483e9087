"""Connections: how many there may be, from whom, and how long each may keep the door waiting.

A stranger needs no account to open them, so each limit holds before a byte was understood. Beyond a
limit a connection is still answered, from a small spare room in which the oldest gives way to the
newest: monitoring of the process gets in there while the rest is used up.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final, Protocol

from recoup.kernel.frozen import frozen
from recoup.kit.edge.asgi import App
from recoup.kit.edge.proxies import Proxies
from recoup.kit.edge.rate import client_address

SWEEP_SECONDS: Final = 1.0
NOTICE_SECONDS: Final = 60.0
_LOG: Final = logging.getLogger("recoup.connections")


@frozen
class Limits:
    """`spare`: connections beyond the others, for health checks. `body_bytes_per_second`: each such
    number of bytes that came gives a body one second more, `write_bytes_per_second` the same for
    what was read of an answer. `held_bytes`: of calls that have not come whole and answers that are
    not read, together; beyond it the address that holds most gives way. `*_pressed_seconds`: while
    three quarters of the room are taken."""

    total: int = 1000
    per_address: int = 256
    spare: int = 32
    handshakes: int = 128
    handshakes_per_address: int = 32
    head_bytes: int = 65536
    headers: int = 200
    pipelined: int = 32
    head_seconds: float = 10.0
    head_pressed_seconds: float = 2.0
    body_seconds: float = 20.0
    body_bytes_per_second: int = 1000
    idle_seconds: float = 75.0
    idle_pressed_seconds: float = 5.0
    write_seconds: float = 30.0
    write_bytes_per_second: int = 4096
    held_bytes: int = 128 << 20
    linger_seconds: float = 2.0


class Connection(Protocol):
    def look(self, now: float, *, pressed: bool) -> None:
        """Ends what is overdue."""

    @property
    def is_unfinished(self) -> bool:
        """Its caller is still sending, or has not read."""

    def is_beginning(self, now: float) -> bool:
        """A call is on its way: its head has not come whole, or the connection was made, or used,
        so lately that one may come, and hear that it is the last."""

    def cut(self) -> None:
        """Cuts the connection at once."""


class Connections:
    """Connections of one process. `crowded`: what answers in the spare room, by the limit that was
    met."""

    def __init__(
        self,
        limits: Limits,
        crowded: Mapping[str, App],
        proxies: Proxies,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.limits, self.crowded, self.clock = limits, crowded, clock
        self._proxies = proxies
        self._open: dict[Connection, str] = {}
        self._spare: dict[Connection, None] = {}
        self._by_address: dict[str, int] = {}
        self._held: dict[Connection, int] = {}
        self._held_bytes = 0
        self._sweeping: asyncio.TimerHandle | None = None
        self._last_notice_at = 0.0
        self.refused = 0
        self.is_ending = False  # each answer is its connection's last

    def __len__(self) -> int:
        return len(self._open) + len(self._spare)

    @property
    def are_awaited(self) -> bool:
        """True when a call is still on its way."""
        now = self.clock()
        return any(connection.is_beginning(now) for connection in (*self._open, *self._spare))

    def admit(self, connection: Connection, client: tuple[str, int] | None) -> str:
        """Empty, or the limit that was met: `address` or `total`."""
        address = self.address_of(client)
        why = ""
        if len(self._open) >= self.limits.total:
            why = "total"
        elif address and self._by_address.get(address, 0) >= self.limits.per_address:
            why = "address"
        if why:
            self._squeeze_in(connection, why, address)
        else:
            self._open[connection] = address
            if address:
                self._by_address[address] = self._by_address.get(address, 0) + 1
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)
        return why

    def release(self, connection: Connection) -> None:
        self._spare.pop(connection, None)
        self.drop(connection)
        address = self._open.pop(connection, "")
        if address:
            left = self._by_address[address] - 1
            if left:
                self._by_address[address] = left
            else:
                del self._by_address[address]

    def hold(self, connection: Connection, size: int) -> None:
        """`size`: more bytes, or fewer."""
        self._held[connection] = self._held.get(connection, 0) + size
        self._held_bytes += size
        while self._held_bytes > self.limits.held_bytes:
            largest = self._largest_of_the_greediest() or connection
            self.drop(largest)
            largest.cut()
            if largest is connection:
                return

    def _largest_of_the_greediest(self) -> Connection | None:
        """The largest unfinished body of the address that holds most in sum: many half bodies of
        one stranger do not cut another's whole one. Whose address is not known is taken by each
        connection."""
        sums: dict[Any, int] = {}
        largest: dict[Any, Connection] = {}
        for connection, held in self._held.items():
            if connection.is_unfinished:
                who = self._open.get(connection) or connection
                sums[who] = sums.get(who, 0) + held
                if who not in largest or self._held[largest[who]] < held:
                    largest[who] = connection
        return largest[max(sums, key=lambda who: sums[who])] if sums else None

    def drop(self, connection: Connection) -> None:
        self._held_bytes -= self._held.pop(connection, 0)

    def address_of(self, client: tuple[str, int] | None) -> str:
        """Empty for those who are not counted by address: a named proxy brings everybody's
        calls."""
        if client is None or client[0] in self._proxies:
            return ""
        return client_address({"client": client}) or ""

    def _squeeze_in(self, connection: Connection, why: str, address: str) -> None:
        self.refused += 1
        self._spare[connection] = None
        if len(self._spare) > self.limits.spare:
            oldest = next(iter(self._spare))
            del self._spare[oldest]
            oldest.cut()
        now = self.clock()
        if not self._last_notice_at or now - self._last_notice_at > NOTICE_SECONDS:
            self._last_notice_at = now
            setting = "http_connections_per_address" if why == "address" else "http_connections"
            _LOG.warning(
                "Connections are at their limit (%s%s); further ones are refused.",
                setting,
                f", {address}" if why == "address" else "",
            )

    def _sweep(self) -> None:
        now, pressed = self.clock(), len(self._open) * 4 > self.limits.total * 3
        for connection in [*self._open, *self._spare]:
            connection.look(now, pressed=pressed)
        self._sweeping = None
        if self._open or self._spare:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)


PAUSE_SECONDS: Final = 0.1


class Handshakes:
    """Accepts on `listener` and hands over what has shaken hands. Beyond the limits the oldest
    handshake, of the same address first, gives way."""

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
        self._loop = asyncio.get_running_loop()
        self._is_open = True

    async def start_serving(self) -> None:
        self._watch()

    @property
    def is_busy(self) -> bool:
        return bool(self._under_way)

    def close(self) -> None:
        """Accepts no more; handshakes under way go on."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _watch(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Accepts a connection, at once under way: a task that waited for it could be cancelled
        with what it was given."""
        try:
            connection, client = self._listener.accept()
        except BlockingIOError:  # another door took it
            return
        except OSError:
            # No file handle is free, or the caller is gone already.
            self._loop.remove_reader(self._listener)
            self._loop.call_later(PAUSE_SECONDS, self._watch)
            return
        connection.setblocking(False)
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
