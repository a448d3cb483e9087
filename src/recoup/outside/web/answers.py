"""Bounds on the answers that a connection takes in: a receiver that floods is cut before its bytes
are parsed.

aiohttp parses whatever arrives, queues every head and counts nothing until somebody reads a body.
Here each piece is counted first: few interim heads, one answer to a request, and only so many bytes
of heads, of body and of chunk framing. What follows an answer ends the connection.
"""

import asyncio
import functools
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

# What is read and thrown away to keep a connection; a longer body costs the connection.
DRAINED_BYTES_MAX: Final = 65536
HEADS_BYTES_MAX: Final = 65536  # of an answer and of the interim ones before it
INTERIM_MAX: Final = 8
# Sizes of chunks, their extensions, trailers. A body of 64 KiB in chunks of 32 bytes has about 12
# KiB of them.
FRAMING_BYTES_MAX: Final = 16384
PIECE_BYTES: Final = (
    2048  # is parsed at once, then counted: the most that a flood costs beyond the limits
)
SWITCHING: Final = 101  # ends a request although it is a 1xx


class TooMuchFraming(aiohttp.ClientPayloadError):
    """A body of which too little is content."""


class BoundedConnector(aiohttp.TCPConnector):
    """Connections that take in answers as `BoundedAnswers` do."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = functools.partial(_connection, self._loop)


class BoundedAnswers(ResponseHandler):
    """Connection with bounded answers, request after request."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._answer_due = False  # an answer is due, or under way
        self._ended = False
        self._full = False
        self._body: StreamReader | None = None
        self._heads_bytes = self._body_bytes = self._interim = 0

    def set_response_params(self, **params: Any) -> None:
        """Resets the bounds before each request."""
        self._answer_due, self._full, self._body = True, False, None
        self._heads_bytes = self._body_bytes = self._interim = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not data:  # a parser that was paused goes on with what it has
            super().data_received(data)
            return
        for start in range(0, len(data), PIECE_BYTES):
            if self._ended or self._full or self._exception:
                return
            self._take(data[start : start + PIECE_BYTES])

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Called by the parser for each head."""
        message, body = data
        if self._ended:
            return
        if message.code < 200 and message.code != SWITCHING and self._body is None:
            self._interim += 1
            if self._interim > INTERIM_MAX:
                self._refuse("Too many interim answers")
        elif self._body:
            self._refuse_surplus()
        else:
            self._body = body
            super().feed_data(data, size)

    def _take(self, piece: bytes) -> None:
        body = self._body
        if not self._answer_due or (body and body.is_eof()):
            # Some receivers end their bodies with a line break that they did not count: their
            # answer stands.
            if self._answer_due and piece.strip(b"\r\n"):
                self._refuse_surplus()
            else:
                self._end()
        elif body is None:
            self._heads_bytes += len(piece)
            super().data_received(piece)
            if self._body is None and self._heads_bytes > HEADS_BYTES_MAX:
                self._refuse("Got more than heads may have")
        else:
            self._body_bytes += len(piece)
            super().data_received(piece)
        if self._body and not self._ended:
            self._check_body(self._body)

    def _check_body(self, body: StreamReader) -> None:
        if self._body_bytes - body.total_bytes > FRAMING_BYTES_MAX:
            body.set_exception(TooMuchFraming("Too many bytes between those of the body"))
            self._end()
        elif body.total_bytes > DRAINED_BYTES_MAX and self.transport:
            self._full = True
            self.transport.pause_reading()  # the body's reader sees that it is too long, and closes

    def _refuse_surplus(self) -> None:
        """Refuses what follows an answer; what was said first counts if it was read before anything
        followed it."""
        if self._buffer:
            self._refuse("An answer that nobody asked for")
        else:
            self._end()

    def _refuse(self, why: str) -> None:
        self._buffer.clear()
        self.set_exception(HttpProcessingError(message=why))
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._payload = None  # so that the end of the connection does not hide why it was ended
        self.force_close()
        if self.transport:
            self.transport.abort()


def _connection(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return BoundedAnswers(loop)
