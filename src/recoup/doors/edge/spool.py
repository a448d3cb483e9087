"""A body that is a file: written down as it comes, never whole in memory, and gone when it has been read."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, BinaryIO, Final, TypeVar

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from recoup.doors.edge.asgi import Receive, hangs_up
from recoup.doors.edge.json_body import ClientGone
from recoup.flows.threads import run_stoppable
from recoup.kernel.problem import Problem

PIECE_SECONDS_MAX: Final = 15.0
WHOLE_SECONDS_MAX: Final = 600.0
BLOCK: Final = 1 << 20
FIELDS_MAX: Final = 10
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Sent:
    """`name`: as the sender calls it, empty where it has no name."""

    name: str
    content: BinaryIO


@asynccontextmanager
async def spooled(raw_headers: Sequence[tuple[bytes, bytes]], receive: Receive, bytes_max: int) -> AsyncIterator[Sent]:
    """The body itself, or the one file of a multipart form. The file has no name on disk: whatever dies leaves none.

    Raises: Problem(too_large); Problem(malformed) for a body that stops coming or is no such form; Problem(unavailable)
    when the disk is full; ClientGone.
    """
    headers = Headers(raw=list(raw_headers))
    if headers.get("content-type", "").lower().startswith("multipart/form-data"):
        form = await _form(headers, _pieces(receive, bytes_max))
        try:
            yield _file_in(form)
        finally:
            await form.close()
        return
    with tempfile.TemporaryFile() as content:
        try:
            await _write(content, _pieces(receive, bytes_max))
        except OSError:
            raise _full() from None
        yield Sent(_name_in(headers), content)


async def _form(headers: Headers, pieces: AsyncGenerator[bytes, None]) -> FormData:
    try:
        return await MultiPartParser(headers, pieces, max_files=1, max_fields=FIELDS_MAX).parse()
    except MultiPartException:
        raise Problem(
            "malformed",
            "The form could not be read: it ends early, or has more than one file.",
            cure="Send the file as the body itself, or as one part of a form.",
        ) from None
    except OSError:
        raise _full() from None


def _file_in(form: FormData) -> Sent:
    found = next((part for part in form.values() if isinstance(part, UploadFile)), None)
    if found is None:
        raise Problem("malformed", "The form has no file.", field="file", cure="Add a part with a file name.")
    return Sent(found.filename or "", found.file)


def _name_in(headers: Headers) -> str:
    """By `Content-Disposition`, where one says it."""
    _, options = parse_options_header(headers.get("content-disposition", ""))
    name: bytes = options.get(b"filename", b"")
    return name.decode("utf-8", "replace")


async def _pieces(receive: Receive, bytes_max: int) -> AsyncGenerator[bytes, None]:
    """Raises: Problem(too_large); Problem(malformed) for a body that stops coming; ClientGone."""
    read, until, more = 0, monotonic() + WHOLE_SECONDS_MAX, True
    while more:
        try:
            async with asyncio.timeout(min(PIECE_SECONDS_MAX, max(0.0, until - monotonic()))):
                message = await receive()
        except TimeoutError:
            raise Problem(
                "malformed",
                "The body did not arrive in time; nothing of it was taken.",
                cure="Send it at once, packed with gzip if the line is slow.",
            ) from None
        if message["type"] != "http.request":
            raise ClientGone
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        read += len(body)
        if read > bytes_max:
            raise Problem(
                "too_large",
                f"The file is larger than {bytes_max >> 20} MB.",
                bytes_max=bytes_max,
                cure="Pack it with gzip, or split it.",
            )
        if body:
            yield body


async def _write(content: BinaryIO, pieces: AsyncGenerator[bytes, None]) -> None:
    block = bytearray()
    async for piece in pieces:
        block += piece
        if len(block) >= BLOCK:
            await run_stoppable(content.write, bytes(block))
            block.clear()
    await run_stoppable(content.write, bytes(block))


async def while_there(receive: Receive, work: Coroutine[Any, Any, Done]) -> Done:
    """What comes of it. It is ended when the caller, whose body was read, hangs up. Raises: ClientGone."""
    working, gone = asyncio.create_task(work), asyncio.create_task(hangs_up(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        gone.cancel()
        working.cancel()
        await asyncio.wait((working,))


def _full() -> Problem:
    return Problem(
        "unavailable",
        "There is no room for the file now.",
        retry_after_seconds=60,
        cure="Send it again later, or split it.",
    )
