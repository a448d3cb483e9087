"""A call and its answer on a connection, as uvicorn's but leaner: a body that has come whole is
there at once, and the head of an answer goes out with the beginning of its body, in one write."""

import asyncio
import re
from collections.abc import Callable
from typing import Final, Protocol

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from recoup.kit.edge.asgi import App, Headers, Message, Scope

_NO_NAME: Final = re.compile(b'[\x00-\x1f\x7f()<>@,;:\\[\\]={} \t\\\\"]')
_NO_VALUE: Final = re.compile(b"[\x00-\x08\x0a-\x1f\x7f]")
_NO_BODY: Final = (204, 304)
_GONE: Final[Message] = {"type": "http.disconnect"}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAILED: Final = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"21"),
    (b"connection", b"close"),
]


class Logger(Protocol):
    def error(self, msg: str, *args: object, exc_info: BaseException | None = None) -> None: ...


class Cycle:
    """Cycle of one call. `ended` is called once the answer is out."""

    def __init__(
        self,
        scope: Scope,
        transport: asyncio.Transport,
        flow: FlowControl,
        logger: Logger,
        ended: Callable[[], None],
        *,
        expects: bool,
        keep_alive: bool,
    ) -> None:
        self.scope, self.transport, self.flow = scope, transport, flow
        self._logger, self._ended, self._expects = logger, ended, expects
        self.keep_alive = keep_alive
        self.disconnected = self.response_started = self.response_complete = False
        self.more_body = True
        self._pieces: list[bytes] = []
        self._size = 0
        self._has_news = False
        self._news: asyncio.Event | None = None  # once somebody waits
        self._head = b""
        self._left: int | None = None  # bytes of the answer's body; None: in chunks
        self._is_head = False

    async def run(self, app: App) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 - nobody above would log it
            self._fail("Exception in ASGI application", error)
        else:
            if not self.response_complete and not self.disconnected:
                self._fail("The application has not answered", None)
        finally:
            self._ended = _nothing

    def _fail(self, what: str, error: BaseException | None) -> None:
        self._logger.error("%s\n", what, exc_info=error)
        if self.response_started or self.disconnected:
            self.transport.close()
            return
        self._start(500, _FAILED)
        self._write(b"Internal Server Error", more=False)

    # What comes

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.tell()

    def tell(self) -> None:
        """Wakes who waits: there are bytes, the body's end, or nobody to answer any more."""
        self._has_news = True
        if self._news is not None:
            self._news.set()

    def whole(self) -> bytes | None:
        """The body, where all of it has come and nobody has taken any: without waiting."""
        if (
            self.more_body
            or self._expects
            or self.disconnected
            or self.response_complete
            or not self._has_news
        ):
            return None
        self.flow.resume_reading()
        return self._take()

    def _take(self) -> bytes:
        pieces, self._pieces, self._size, self._has_news = self._pieces, [], 0, False
        return b"".join(pieces)

    async def receive(self) -> Message:
        if self._expects and not self.transport.is_closing():
            self.transport.write(_CONTINUE)
            self._expects = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            if not self._has_news:
                self._news = self._news or asyncio.Event()
                self._news.clear()
                await self._news.wait()
        if self.disconnected or self.response_complete:
            return _GONE
        return {"type": "http.request", "body": self._take(), "more_body": self.more_body}

    # What is answered

    @property
    def is_held(self) -> bool:
        """True when its caller has not read what was answered before, or this answer has begun."""
        return self.flow.write_paused or self.response_started

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Sends a whole answer at once."""
        if not self.disconnected:
            self._start(status, headers)
            self._write(body, more=False)

    async def send(self, message: Message) -> None:
        """Raises: RuntimeError for what is no answer."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self._start(message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self.response_started and not self.response_complete:
            self._write(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind!r} does not come now.")

    def _start(self, status: int, headers: Headers) -> None:
        self.response_started, self._expects = True, False
        parts, closes, length, chunked = [STATUS_LINE[status]], False, -1, False
        if _NO_NAME.search(b"".join([name for name, _ in headers])):
            raise RuntimeError("Invalid HTTP header name.")
        if _NO_VALUE.search(b"".join([value for _, value in headers])):
            raise RuntimeError("Invalid HTTP header value.")
        for name, value in headers:
            if name == b"content-length" and length < 0 and not chunked:
                length = int(value)
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                chunked = True
            elif name == b"connection" and b"close" in [
                token.strip() for token in value.lower().split(b",")
            ]:
                self.keep_alive, closes = False, True
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive and not closes:
            parts.append(b"connection: close\r\n")
        self._is_head = self.scope["method"] == "HEAD"
        if length < 0 and not chunked and not self._is_head and status not in _NO_BODY:
            chunked = True
            parts.append(b"transfer-encoding: chunked\r\n")
        parts.append(b"\r\n")
        self._head, self._left = b"".join(parts), None if chunked else max(0, length)

    def _write(self, body: bytes, *, more: bool) -> None:
        if self._is_head:
            self._left, body = 0, b""
        elif self._left is None:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body += b"" if more else b"0\r\n\r\n"
        elif len(body) > self._left:
            raise RuntimeError("Response content longer than Content-Length")
        else:
            self._left -= len(body)
        if self._head or body:
            self.transport.write(self._head + body)
            self._head = b""
        if more:
            return
        if self._left:
            raise RuntimeError("Response content shorter than Content-Length")
        self.response_complete = True
        self.tell()
        if not self.keep_alive:
            self.transport.close()
        self._ended()


def _nothing() -> None:
    """Does nothing, after the answer."""
