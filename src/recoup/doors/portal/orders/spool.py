"""What is read quickly and sent slowly: it waits in a file on the disk, so that a slow reader keeps no connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, Final

PIECE: Final = 256 * 1024


async def spooled(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, the first of them as soon as they are there; `parts` is read to its end however slowly this is.
    Raises what `parts` raises."""
    with TemporaryFile() as file:
        more = asyncio.Event()
        writing = asyncio.create_task(_write(parts, file, more))
        try:
            at = 0
            while True:
                over = writing.done()
                more.clear()
                piece = _read(file, at)
                if piece:
                    at += len(piece)
                    yield piece
                elif over:
                    break
                else:
                    await more.wait()
            await writing
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await writing


async def _write(parts: AsyncIterator[bytes], file: IO[bytes], more: asyncio.Event) -> None:
    try:
        async for part in parts:
            file.seek(0, 2)
            file.write(part)
            more.set()
    finally:
        more.set()


def _read(file: IO[bytes], at: int) -> bytes:
    file.seek(at)
    return file.read(PIECE)
