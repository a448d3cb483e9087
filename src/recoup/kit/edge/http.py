"""HTTP/1.1 on one connection, with an end to everything that a caller sends or waits with.

The server's parser takes heads, trailers and pipelined calls of any size and waits for them for
ever. Here a head is at most 64 KiB and comes within seconds, a body keeps coming, an answer is
read, and pipelined requests are bounded.
"""

import asyncio
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from recoup.kit.edge.asgi import Scope
from recoup.kit.edge.connections import Connections
from recoup.kit.edge.cycle import Cycle

# Thrown away after a refusal, so that a caller still writing reads the answer and not a reset
# connection.
DISCARDED_BYTES_MAX: Final = 1 << 20
HELD_EACH_MAX: Final = 2 << 20
# Pieces of a chunked body: so many, and one more for each 32 bytes.
PIECES_FREE: Final = 20_000
PIECE_BYTES_MIN: Final = 32

NEXT_SECONDS: Final = 1.0

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}
_BETWEEN, _HEAD, _BODY, _REFUSED = range(4)
_MALFORMED: Final = (400, "This is no HTTP request.")
_LATE: Final = (408, "The request line and headers did not arrive in time. Send them at once.")
_HEAD_TOO_LARGE: Final = (
    431,
    "The URL and headers are larger than 64 KiB, or more than 200. Send fewer.",
)
_TRAILERS_TOO_LARGE: Final = (431, "The trailers or chunk extensions are too large. Send none.")
_TOO_MANY_PIECES: Final = (400, "The body comes in too many small chunks. Send larger ones.")
_TOO_MANY_AHEAD: Final = (
    429,
    "Too many calls were sent before their answers were read. Wait for the answers.",
)


class _Refused(Exception):
    """Ends the parsing; `_why` says what for."""


class BoundedHttp(HttpToolsProtocol):
    cycle: Any  # the call that came last, as a `Cycle`

    def __init__(self, connections: Connections, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._all, self._limits = connections, connections.limits
        self._now = connections.clock
        self._state, self._why = _BETWEEN, _MALFORMED
        self._is_spare = self._is_fresh = self._is_mid_read = False
        self._since = self._blocked_at = self._closing_at = 0.0
        self._read = self._head_most = self._head_least = 0
        self._body_bytes = self._pieces = self._bodiless = 0
        self._discarded = self._held = self._unread_most = 0
        self._running: Cycle | None = None  # of calls asked ahead the one that is being answered
        self._waiting: tuple[Cycle, Any] | None = None  # a call, while answers before it are unread

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since, self._is_fresh = self._now(), True
        why = self._all.admit(self, self.client)
        if why:
            self.app, self._is_spare = self._all.crowded[why], True

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.release(self)
        self._waiting = None
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.tell()
        self.connections.discard(self)
        if self._is_busy:
            self.cycle.disconnected = True
        if self.cycle is not None:
            self.cycle.tell()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]

    def pause_writing(self) -> None:
        self._blocked_at = self._now()
        self._unread_most = self.transport.get_write_buffer_size()
        self._held += self._unread_most
        self._all.hold(self, self._unread_most)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._blocked_at = 0.0
        self._let_go()
        super().resume_writing()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._start_asgi_task(*waiting)

    def data_received(self, data: bytes) -> None:
        size = self._read = len(data)
        self._is_mid_read = self._state != _BETWEEN
        if self._state == _HEAD:
            self._head_most += size
            self._head_least += size
        elif self._state == _BODY:
            self._bodiless += size
        elif self._state == _REFUSED:
            self._discarded += size
            if self._discarded > DISCARDED_BYTES_MAX:
                self.transport.abort()
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # The call is answered as it is; nothing here is upgraded to. What came with it was not
            # read as a call.
            if upgrade.args[0] < size:
                self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._refuse()
            return
        # Of a read in which other things stand too not all is counted: what is endless goes over
        # its bound by one read.
        if self._state == _HEAD and self._head_least > self._limits.head_bytes:
            self._why = _HEAD_TOO_LARGE
            self._refuse()
        elif self._state == _BODY and self._bodiless > self._limits.head_bytes + size:
            self._why = _TRAILERS_TOO_LARGE
            self._refuse()
        elif self._state == _HEAD or self._state == _BODY and self._is_busy:
            # Most calls come whole, in one read: only what is waited for is counted.
            self._hold(size)

    # What the parser finds

    def on_message_begin(self) -> None:
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._state, self._since, self._is_fresh = _HEAD, self._now(), False
        self._head_most, self._head_least = self._read, 0 if self._is_mid_read else self._read
        self._is_mid_read = True

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._limits.headers or (
            self._head_most > self._limits.head_bytes
            and self._head_size() > self._limits.head_bytes
        ):
            self._why = _HEAD_TOO_LARGE
            raise _Refused
        if len(self.pipeline) >= self._limits.pipelined:
            self._why = _TOO_MANY_AHEAD
            raise _Refused
        before, self.cycle = self.cycle, self._cycle()
        # What comes as headers after the body belongs to nobody.
        self.headers = []
        self._state = _BODY
        self._body_bytes = self._pieces = self._bodiless = 0
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _cycle(self) -> Any:
        version, url = self.parser.get_http_version(), httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope: Scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": self.parser.get_method().decode("ascii"),
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }
        lasts = (
            version != "1.0"
            and self.parser.should_keep_alive()
            and not (self._is_spare or self._all.is_ending)
        )
        expects = self.expect_100_continue
        return Cycle(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.on_response_complete,
            expects=expects,
            keep_alive=lasts,
        )

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._pieces += 1
        self._bodiless = 0
        if self._pieces > PIECES_FREE + self._body_bytes // PIECE_BYTES_MIN:
            self._why = _TOO_MANY_PIECES
            raise _Refused
        if self._is_busy:
            self.cycle.add(body)

    def on_message_complete(self) -> None:
        self._state = _BETWEEN
        if self._is_busy:
            self.cycle.more_body = False
            self.cycle.tell()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._since = self._now()
        if not self._blocked_at:
            self._let_go()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self.pipeline:
            # Reading goes on when all pipelined requests are answered.
            self.flow.pause_reading()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Starts the call, but makes nothing for a caller that does not read what was made
        before."""
        if self.flow.write_paused:
            self._waiting = cycle, app
            self.flow.pause_reading()
            return
        self._running = cycle
        task = self.loop.create_task(cycle.run(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    # Its ends

    @property
    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def look(self, now: float, *, pressed: bool) -> None:
        if self.transport.is_closing():
            # Closed by us while an answer waits for a caller that does not read it.
            self._closing_at = self._closing_at or now
            if self._is_read_too_slowly(now - self._closing_at):
                self.transport.abort()
        elif self._blocked_at and self._is_read_too_slowly(now - self._blocked_at):
            self.transport.abort()
        elif self._is_busy:
            self._look_at_body(now)
        elif now - self._since > self._patience(pressed):
            if self._state == _HEAD:
                self._why = _LATE
                self._refuse()
            else:
                self.transport.close()

    def _is_read_too_slowly(self, seconds: float) -> bool:
        """True when the caller reads too slowly. Who reads on gets more time by what was read; so
        an answer's size bounds it."""
        unread = self.transport.get_write_buffer_size()
        self._unread_most = max(self._unread_most, unread)
        read = self._unread_most - unread
        return seconds > self._limits.write_seconds + read / self._limits.write_bytes_per_second

    def _look_at_body(self, now: float) -> None:
        if self._state != _BODY:
            return
        if self.flow.read_paused:
            # The door is slow here, not the caller.
            self._since = max(self._since, now - self._limits.body_seconds / 2)
        elif (
            now - self._since
            > self._limits.body_seconds + self._body_bytes / self._limits.body_bytes_per_second
        ):
            self.transport.close()

    def _patience(self, pressed: bool) -> float:
        """Seconds, while there is nothing to answer."""
        limits = self._limits
        if self._state in (_REFUSED, _BODY):
            return limits.linger_seconds
        if self._state == _HEAD or self._is_fresh:
            return limits.head_pressed_seconds if pressed or self._is_spare else limits.head_seconds
        return limits.idle_pressed_seconds if pressed else limits.idle_seconds

    @property
    def is_unfinished(self) -> bool:
        return self._state in (_HEAD, _BODY) or self._blocked_at > 0

    def is_beginning(self, now: float) -> bool:
        return (
            self._state == _HEAD
            or now - self._since < NEXT_SECONDS
            and not self.transport.is_closing()
        )

    def cut(self) -> None:
        self.transport.abort()

    def _hold(self, size: int) -> None:
        """Up to the largest body that a door keeps; what is larger goes through it to a file."""
        size = min(size, HELD_EACH_MAX - self._held)
        if size > 0:
            self._held += size
            self._all.hold(self, size)

    def _let_go(self) -> None:
        if self._held:
            self._held = 0
            self._all.drop(self)

    def _head_size(self) -> int:
        """Bytes of the URL and of `name: value` lines."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self) -> None:
        was_busy = self._is_busy
        self._state, self._since = _REFUSED, self._now()
        if was_busy or self.transport.is_closing():
            self.transport.close()
            return
        status, text = self._why
        body = text.encode() + b"\n"
        self.transport.write(
            b"".join(
                (
                    STATUS_LINE[status],
                    b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n",
                    b"content-length: %d\r\n\r\n" % len(body),
                    body,
                )
            )
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()
