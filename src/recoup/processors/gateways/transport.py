"""Transport of a call to a processor over HTTP, and the one rule of what proves that nothing left:
a connection that was not made, or a clock that ran out before the first byte. Whatever happens
after that byte proves nothing."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

import aiohttp

from recoup.kernel.cause import traceparent
from recoup.kernel.frozen import frozen
from recoup.kernel.time import Clocks

CONNECTIONS_MAX: Final = 256


class NotSentError(Exception):
    """Raised when nothing was written. Its text says why."""


class NoAnswerError(Exception):
    """Raised when no answer came: the message may have arrived."""


@frozen
class Reply:
    """`body`: None where it is longer than is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class _TooLate(Exception):
    """Raised when the clock ran out before anything was written."""


_too_late: ContextVar[Callable[[], bool]] = ContextVar("too_late", default=bool)


class _InTime(aiohttp.ClientRequest):
    """Looks at the clock when a connection is there, right before the first byte: a process that
    was paused meanwhile sends nothing late."""

    async def send(self, conn: Any) -> Any:
        if _too_late.get()():
            raise _TooLate
        return await super().send(conn)


class Transport:
    """Make it inside a running loop, close it there. No redirect is followed, nothing unpacked, no
    cookie kept."""

    def __init__(self, clocks: Clocks, answer_bytes_max: int) -> None:
        self._clocks, self._most = clocks, answer_bytes_max
        connector = aiohttp.TCPConnector(
            limit=CONNECTIONS_MAX, limit_per_host=CONNECTIONS_MAX, keepalive_timeout=4.0
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            request_class=_InTime,
            auto_decompress=False,
            headers={"accept-encoding": "identity"},  # a small answer may unpack to a large one
        )

    async def close(self) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_seconds: float,
        send_before: float | None = None,
    ) -> Reply:
        """`send_before`: on the monotonic clock, None for what may always be sent. Raises:
        NotSentError, NoAnswerError."""
        _too_late.set(lambda: send_before is not None and self._clocks.monotonic() >= send_before)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchange(method, url, headers, body)
        except _TooLate:
            raise NotSentError("too late to send") from None
        except aiohttp.ClientConnectorError:
            raise NotSentError("no connection") from None
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise NoAnswerError("no answer in time") from None

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        call = self._session.request(
            method,
            url,
            data=body or None,
            allow_redirects=False,
            headers={**headers, **traceparent()},
        )
        async with call as response:
            text = await response.content.read(self._most + 1)
            while not response.content.at_eof() and len(text) <= self._most:
                text += await response.content.read(self._most + 1 - len(text))
            whole = text if len(text) <= self._most else None
            return Reply(
                response.status,
                {name.lower(): value for name, value in response.headers.items()},
                whole,
            )
