"""Answers that break on their way back."""

import logging
from typing import Final

from aiohttp import web

QUIET: Final = logging.getLogger(
    "recoup_lab.processors"
)  # what breaks on demand is no error of the stand-in
QUIET.disabled = True


def cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError


async def streamed(request: web.Request, body: str, *, endless: bool) -> web.StreamResponse:
    """Half of it, then nothing; or much more than anybody reads."""
    response = web.StreamResponse(
        headers={"content-type": "application/json", "content-length": str(1 << 40)}
    )
    await response.prepare(request)
    if not endless:
        await response.write(body[: len(body) // 2].encode())
        cut(request)
    while True:
        await response.write(b" " * 65_536)
