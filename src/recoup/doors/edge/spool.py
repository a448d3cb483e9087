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
from recoup.doors.edge.room import FULL, Place, Rooms
from recoup.flows.threads import run_stoppable
from recoup.kernel.problem import Problem

PIECE_SECONDS_MAX: Final = 15.0
WHOLE_SECONDS_MAX: Final = 600.0
BLOCK: Final = 1 << 20
FIELDS_MAX: Final = 10
FIELD_BYTES_MAX: Final = 65_536
Done = TypeVar("Done")
ROOMS: Final = Rooms()


@dataclass(frozen=True, slots=True)
class Sent:
    """`name`: as the sender calls it, empty where it has no name."""

    name: str
    content: BinaryIO


@asynccontextmanager
async def spooled(
    raw_headers: Sequence[tuple[bytes, bytes]], receive: Receive, bytes_max: int, world: str, whose: str
) -> AsyncIterator[Sent]:
    """The body itself, or the one file of a multipart form. The file has no name on disk: whatever dies leaves none.

    Raises: Problem(malformed) for a body that stops coming or is no such form; ClientGone; and as `Room.place`.
    """
    headers = Headers(raw=list(raw_headers))
    if headers.get("content-type", "").lower().startswith("multipart/form-data"):
        try:
            async with spooled_form(headers, receive, bytes_max, world, whose) as form:
                yield _file_in(form)
        except MultiPartException:
            raise Problem(
                "malformed",
                "The form could not be read: it ends early, or has more than one file.",
                cure="Send the file as the body itself, or as one part of a form.",
            ) from None
        return
    with ROOMS.of(world).place(whose, _length(headers), bytes_max) as place, tempfile.TemporaryFile() as content:
        try:
            await _write(content, _pieces(receive, place))
        except OSError:
            raise FULL from None
        yield Sent(_name_in(headers), content)


@asynccontextmanager
async def spooled_form(
    headers: Headers, receive: Receive, bytes_max: int, world: str, whose: str, fields_max: int = FIELDS_MAX
) -> AsyncIterator[FormData]:
    """A multipart form of at most one file. Raises: as `spooled`, and MultiPartException."""
    with ROOMS.of(world).place(whose, _length(headers), bytes_max) as place:
        form = await _form(headers, _pieces(receive, place), fields_max)
        try:
            yield form
        finally:
            await form.close()


def _length(headers: Headers) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004 - digits


async def _form(headers: Headers, pieces: AsyncGenerator[bytes, None], fields_max: int) -> FormData:
    try:
        parser = MultiPartParser(headers, pieces, max_files=1, max_fields=fields_max, max_part_size=FIELD_BYTES_MAX)
        return await parser.parse()
    except OSError:
        raise FULL from None


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


async def _pieces(receive: Receive, place: Place) -> AsyncGenerator[bytes, None]:
    """Raises: Problem(malformed) for a body that stops coming; ClientGone; and as `Room.place`."""
    until, more = monotonic() + WHOLE_SECONDS_MAX, True
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
        place.write(len(body))
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
