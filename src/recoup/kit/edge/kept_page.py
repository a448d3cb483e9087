"""A large answer that is the same for many callers: made and packed once, known by its ETag, sent a
piece at a time."""

import gzip
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PIECE: Final = 1 << 16  # what waits for a caller that does not read is one of these, not the whole
WORTH_PACKING: Final = 1_024
_LEVEL: Final = 6


class KeptPage:
    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        self.body, self._type = body, media_type
        self._packed = gzip.compress(body, _LEVEL, mtime=0) if len(body) > WORTH_PACKING else None
        self._tag = sha256(body).hexdigest()[:24]
        self._headers = {**headers, "cache-control": "no-cache", "vary": "accept-encoding"}

    def answer(self, request: Request) -> Response:
        """304 for who has it already, packed for who can unpack it."""
        packed = self._packed if self._packed is not None and takes_gzip(request) else None
        tag = f'"{self._tag}{"-gzip" if packed is not None else ""}"'
        headers = {**self._headers, "etag": tag}
        known = {
            part.strip().removeprefix("W/")
            for part in request.headers.get("if-none-match", "")[:1000].split(",")
        }
        if tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        if packed is not None:
            headers["content-encoding"] = "gzip"
        return Pieces(
            self.body if packed is None else packed, headers=headers, media_type=self._type
        )


class Pieces(Response):
    """Each piece waits until those before it are on their way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        body = bytes(self.body)
        for begin in range(0, len(body), PIECE):
            await send(
                {
                    "type": "http.response.body",
                    "body": body[begin : begin + PIECE],
                    "more_body": True,
                }
            )
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def takes_gzip(request: Request) -> bool:
    """Source: RFC 9110 §12.5.3."""
    for part in request.headers.get("accept-encoding", "")[:1000].split(","):
        name, _, quality = part.partition(";")
        if name.strip().lower() in ("gzip", "x-gzip", "*"):
            return quality.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
