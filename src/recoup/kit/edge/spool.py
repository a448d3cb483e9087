"""A body that is a file: written down as it comes, never whole in memory, and gone when it has been
read."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from dataclasses import dataclass
from time import monotonic
from typing import Any, BinaryIO, Final, TypeVar

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.texts import parse_whole
from recoup.kit.edge.asgi import ClientGone, Receive, hangs_up
from recoup.kit.threads import run_stoppable
from recoup.kit.workbooks import FULL

FILES_EACH: Final = 2
BYTES_EACH: Final = 544 << 20  # the largest file, and a small one beside it
FILES_MAX: Final = 200
BYTES_MAX: Final = 4 << 30
FREE_MIN: Final = 1 << 30
FREE_SHARE: Final = 20  # of a small disk this part stays free
STEP: Final = (
    8 << 20
)  # what a file takes of all the room at a time: who only says much keeps nobody out


def free_space() -> tuple[int, int]:
    """(free, total) bytes where files are written down."""
    usage = shutil.disk_usage(tempfile.gettempdir())
    return usage.free, usage.total


@dataclass
class _Held:
    files: int = 0
    taken: int = 0  # bytes
    written: int = 0


class Room:
    """Room on the disk, taken before a file's first byte. One of a process for each world. `whose`:
    a merchant's id, or of who has none the user's. `disk`: what is on its way to it, of all
    worlds."""

    def __init__(
        self, free: Callable[[], tuple[int, int]] = free_space, disk: _Held | None = None
    ) -> None:
        self._free = free
        self._by: dict[str, _Held] = {}
        self._all, self._disk = _Held(), disk or _Held()

    @contextmanager
    def place(self, whose: str, declared: int | None, bytes_max: int) -> Iterator["Place"]:
        """Reserves a place for one file until it is closed. `declared`: its length, if announced.
        Raises: Problem(too_many_requests), Problem(unavailable), Problem(no_space);
        Problem(too_large)."""
        mine = self._by.get(whose, _Held())
        if mine.files >= FILES_EACH:
            raise _too_many(f"{FILES_EACH} files of yours are being received or read.")
        if self._all.files >= FILES_MAX:
            raise _busy()
        self._by[whose] = mine
        place = Place(self, mine, bytes_max, min(declared or 0, bytes_max))
        try:
            place.begin()
            yield place
        finally:
            place.end()
            if not mine.files:
                self._by.pop(whose, None)

    def _take(self, size: int, ahead: int) -> None:
        """`ahead`: so much more is to come."""
        if self._all.taken + size > BYTES_MAX:
            raise _busy()
        free, total = self._free()
        coming = self._disk.taken - self._disk.written
        if free - coming - max(size, ahead) < min(FREE_MIN, total // FREE_SHARE):
            raise copy(FULL)
        self._all.taken += size
        self._disk.taken += size


class Place:
    """Place of one file: its share of the room. `declared`: its announced length, 0 if none."""

    def __init__(self, room: Room, mine: _Held, bytes_max: int, declared: int) -> None:
        self._room, self._mine, self._bytes_max, self._declared = room, mine, bytes_max, declared
        self._own = self._taken = self._written = 0

    def begin(self) -> None:
        self._mine.files += 1
        self._room._all.files += 1
        self._grow_own(self._declared)
        self._grow()

    def write(self, size: int) -> None:
        """Counts the bytes received. Raises: as `Room.place`."""
        self._written += size
        self._room._disk.written += size
        if self._written > self._bytes_max:
            raise Problem(
                "too_large",
                f"The file is larger than {self._bytes_max >> 20} MB.",
                bytes_max=self._bytes_max,
                cure="Pack it with gzip, or split it.",
            )
        while self._written > self._taken:
            self._grow()

    def _grow(self) -> None:
        self._room._take(STEP, self._declared - self._written)
        self._taken += STEP
        if self._taken > self._own:
            self._grow_own(self._taken - self._own)

    def _grow_own(self, size: int) -> None:
        if self._mine.taken + size > BYTES_EACH:
            raise _too_many(
                f"Files of yours that are being received or read take more than {BYTES_EACH >> 20} "
                f"MB."
            )
        self._mine.taken += size
        self._own += size

    def end(self) -> None:
        self._mine.files -= 1
        self._room._all.files -= 1
        self._mine.taken -= self._own
        self._room._all.taken -= self._taken
        self._room._disk.taken -= self._taken
        self._room._disk.written -= self._written


def _too_many(message: str) -> Problem:
    return Problem(
        "too_many_requests",
        message,
        retry_after_seconds=5,
        cure="Send this one when they are answered; nothing of it was taken.",
    )


def _busy() -> Problem:
    return Problem(
        "unavailable",
        "As many files are being received as there is room for; nothing of this one was taken.",
        retry_after_seconds=30,
        cure="Send it again later.",
    )


class Rooms:
    """The rooms of a process, by the world's name."""

    def __init__(self, free: Callable[[], tuple[int, int]] = free_space) -> None:
        self._free, self._disk = free, _Held()
        self._of: dict[str, Room] = {}

    def of(self, world: str) -> Room:
        if world not in self._of:
            self._of[world] = Room(self._free, self._disk)
        return self._of[world]


PIECE_SECONDS_MAX: Final = 15.0
WHOLE_SECONDS_MAX: Final = 600.0
BLOCK: Final = 1 << 20
FIELDS_MAX: Final = 10
FIELD_BYTES_MAX: Final = 65_536
Done = TypeVar("Done")
ROOMS: Final = Rooms()


@frozen
class Sent:
    """`name`: as the sender calls it, empty where it has no name."""

    name: str
    content: BinaryIO


@asynccontextmanager
async def spooled(
    raw_headers: Sequence[tuple[bytes, bytes]],
    receive: Receive,
    bytes_max: int,
    world: str,
    whose: str,
) -> AsyncIterator[Sent]:
    """The body itself, or the one file of a multipart form. The file has no name on disk: whatever
    dies leaves none. Raises: Problem(malformed) for a body that stops coming or is no such form;
    ClientGone; and as `Room.place`."""
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
    with (
        ROOMS.of(world).place(whose, _length(headers), bytes_max) as place,
        tempfile.TemporaryFile() as content,
    ):
        try:
            await _write(content, _pieces(receive, place))
        except OSError:
            raise copy(FULL) from None
        yield Sent(_name_in(headers), content)


@asynccontextmanager
async def spooled_form(
    headers: Headers,
    receive: Receive,
    bytes_max: int,
    world: str,
    whose: str,
    fields_max: int = FIELDS_MAX,
) -> AsyncIterator[FormData]:
    """A multipart form of at most one file. Raises: as `spooled`, and MultiPartException."""
    with ROOMS.of(world).place(whose, _length(headers), bytes_max) as place:
        form = await _form(headers, _pieces(receive, place), fields_max)
        try:
            yield form
        finally:
            await form.close()


def _length(headers: Headers) -> int | None:
    return parse_whole(headers.get("content-length", ""), 18)


async def _form(headers: Headers, pieces: AsyncGenerator[bytes, None], fields_max: int) -> FormData:
    try:
        parser = MultiPartParser(
            headers, pieces, max_files=1, max_fields=fields_max, max_part_size=FIELD_BYTES_MAX
        )
        return await parser.parse()
    except OSError:
        raise copy(FULL) from None


def _file_in(form: FormData) -> Sent:
    file = next((part for part in form.values() if isinstance(part, UploadFile)), None)
    if file is None:
        raise Problem(
            "malformed", "The form has no file.", field="file", cure="Add a part with a file name."
        )
    return Sent(file.filename or "", file.file)


def _name_in(headers: Headers) -> str:
    """File name by `Content-Disposition`, where one says it."""
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
    """Runs the work and returns what comes of it. It is ended when the caller, whose body was read,
    hangs up. Raises: ClientGone."""
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
