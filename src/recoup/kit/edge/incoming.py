"""The body of a call as it comes: counted, and no more of it than the call may bring."""

import asyncio
from typing import Final

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import Message, Receive
from recoup.kit.edge.json_body import read_body

BODY_BYTES_MAX: Final = 1 << 20
# Read and thrown away before the answer, so that a client still writing hears 413 and not a broken
# pipe.
DRAINED_BYTES_MAX: Final = 8 << 20
DRAIN_SECONDS_MAX: Final = 2.0


class Incoming:
    """Receiver of a door: each message by a call, or the body by `read_body`."""

    __slots__ = ("_first", "_read", "_receive", "_whole", "bytes_max")

    def __init__(self, receive: Receive) -> None:
        self._receive, self._whole = (
            receive,
            getattr(getattr(receive, "__self__", None), "whole", None),
        )
        self._first: bytes | None = None  # the body, where it was read before the door asks
        self._read, self.bytes_max = 0, BODY_BYTES_MAX

    async def __call__(self) -> Message:
        """Raises: Problem(too_large)."""
        if (first := self.whole()) is not None:
            return {"type": "http.request", "body": first, "more_body": False}
        message = await self._receive()
        self._count(message.get("body", b""))
        return message

    def whole(self) -> bytes | None:
        """The body, where it can be had without waiting. Raises: Problem(too_large)."""
        first, self._first = self._first, None
        if first is not None or self._whole is None:
            return first
        whole: bytes | None = self._whole()
        if whole is not None:
            self._count(whole)
        return whole

    async def read_ahead(self) -> bytes:
        """The body, which the door reads once more. Raises: Problem(too_large); as `read_body`."""
        self._first = await read_body(self)
        return self._first

    def _count(self, piece: bytes) -> None:
        self._read += len(piece)
        if self._read > self.bytes_max:
            raise self.too_large()

    def too_large(self) -> Problem:
        message = f"The body is larger than {self.bytes_max} bytes."
        return Problem(
            "too_large", message, cure="Send less in one call.", bytes_max=self.bytes_max
        )

    async def drain(self) -> None:
        read = 0
        try:
            async with asyncio.timeout(DRAIN_SECONDS_MAX):
                while read < DRAINED_BYTES_MAX:
                    message = await self._receive()
                    read += len(message.get("body", b""))
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        return
        except TimeoutError:
            return
