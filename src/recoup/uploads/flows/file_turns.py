"""Order in which files are read. Small files have places of their own, and the owner of the most
reading time lately waits longest: nobody's files keep out everybody's.

Of each world in this process. The sent size says little of a packed file: what it unpacks to
decides, and how many rows that can be.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import SEEK_END
from time import monotonic
from typing import BinaryIO, Final, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from recoup.db.pool import Database
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, figure, invalid, too_large
from recoup.kit.files.source import ZIP, unpacked
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.uploads.rules.card_data import is_number
from recoup.uploads.store import held_rows

SMALL_BYTES: Final = 4 << 20  # unpacked
SMALL_ZIP_BYTES: Final = 256 << 10
SMALL_MARKS: Final = 40_000  # objects and lines: there are about as many rows at most
LINE_ENDS: Final = (b"\n", b"\r")
SMALL_SECONDS_MAX: Final = 60
LARGE_SECONDS_MAX: Final = 300  # the largest takes a minute or two
AT_ONCE: Final = (
    2  # of the small ones, and of the large ones; more are no faster, a process reads on one core
)
WAITING_MAX: Final = 20  # of each
WAIT_SECONDS_MAX: Final = 60
HALF_LIFE: Final = 1_800.0  # seconds after which reading counts half
READERS_MAX: Final = 1_000
WAITING_ROWS_MAX: Final = 4_000_000  # of one merchant
NAME_MAX: Final = 200
Done = TypeVar("Done")


class ReadingTime:
    """Seconds that merchants' files were read lately, of those with the most."""

    def __init__(self) -> None:
        self._noted: dict[UUID, tuple[float, float]] = {}  # seconds, and when they were so many

    def of(self, merchant_id: UUID) -> float:
        seconds, at = self._noted.get(merchant_id, (0.0, 0.0))
        return seconds * math.pow(0.5, (monotonic() - at) / HALF_LIFE)

    def add(self, merchant_id: UUID, seconds: float) -> None:
        self._noted[merchant_id] = (self.of(merchant_id) + seconds, monotonic())
        if len(self._noted) > READERS_MAX:
            del self._noted[min(self._noted, key=self.of)]


@frozen
class _Waiting:
    merchant_id: UUID
    place: asyncio.Future[None]


class Line:
    """Bounded places, and who waits for one: the next is whose files were read least, of equals who
    came first."""

    def __init__(self, read: ReadingTime, retry_after_seconds: int) -> None:
        self._read, self._retry_after_seconds = read, retry_after_seconds
        self._free = AT_ONCE
        self._waiting: list[_Waiting] = []

    @asynccontextmanager
    async def place(self, merchant_id: UUID, seconds_max: float) -> AsyncIterator[None]:
        """Raises: Problem(unavailable) when none comes free; TimeoutError when it was held for too
        long."""
        await self._enter(merchant_id)
        began = monotonic()
        try:
            async with asyncio.timeout(seconds_max):
                yield
        finally:
            self._read.add(merchant_id, monotonic() - began)
            self._leave()

    async def _enter(self, merchant_id: UUID) -> None:
        if self._free:
            self._free -= 1
            return
        mine = _Waiting(merchant_id, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if len(self._waiting) > WAITING_MAX:
            self._turn_away()
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await mine.place
        except TimeoutError:
            self._give_back(mine)
            raise self._busy() from None
        except BaseException:
            self._give_back(mine)
            raise

    def _give_back(self, mine: _Waiting) -> None:
        """Gives back the place of a caller that waits no longer; a place that was just given goes
        on to the next."""
        if mine in self._waiting:
            self._waiting.remove(mine)
        elif not mine.place.cancelled() and mine.place.exception() is None:
            self._leave()

    def _turn_away(self) -> None:
        """Turns away the caller whose files were read most; of equals who came last."""
        last = max(reversed(self._waiting), key=lambda waiter: self._read.of(waiter.merchant_id))
        self._waiting.remove(last)
        if not last.place.done():
            last.place.set_exception(self._busy())

    def _leave(self) -> None:
        there = [waiter for waiter in self._waiting if not waiter.place.done()]
        if not there:
            self._free += 1
            return
        following = min(there, key=lambda waiter: self._read.of(waiter.merchant_id))
        self._waiting.remove(following)
        following.place.set_result(None)

    def _busy(self) -> Problem:
        return Problem(
            "unavailable",
            "As many files of other merchants are being read as can be read at once; nothing of "
            "this one was taken.",
            retry_after_seconds=self._retry_after_seconds,
            cure="Send the same file again later.",
        )


@dataclass
class _Turns:
    """`reading`: merchants with a file that is read or waits."""

    read: ReadingTime = field(default_factory=ReadingTime)
    reading: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.small, self.large = Line(self.read, 5), Line(self.read, 60)


_turns: Final[WeakKeyDictionary[Database, _Turns]] = WeakKeyDictionary()


async def in_turn(
    world: World, merchant_id: UUID, content: BinaryIO, work: Callable[[], Awaitable[Done]]
) -> Done:
    """Runs `work`, which reads the file, in its turn and returns its result.

    Raises: Problem(unavailable) while another of the merchant's files is read, or too many of
    others; Problem(too_large) for one that takes too long; Problem(too_many_requests),
    Problem(no_space) for a merchant who has as many rows here as it may.
    """
    await _check_held(world, merchant_id)
    turns = _turns.setdefault(world.db, _Turns())
    if merchant_id in turns.reading:
        raise Problem(
            "unavailable",
            "Another file of yours is being read, and they are read one by one.",
            retry_after_seconds=5,
            cure="Send the same file again in a few seconds.",
        )
    turns.reading.add(merchant_id)
    seconds_max = LARGE_SECONDS_MAX
    try:
        line = turns.large
        if await run_stoppable(is_small, content):
            line, seconds_max = turns.small, SMALL_SECONDS_MAX
        async with line.place(merchant_id, seconds_max):
            return await work()
    except TimeoutError:
        raise too_large(
            Sentence(
                "The file takes more than {0} seconds to read; nothing of it was taken.",
                seconds_max,
            )
        ) from None
    finally:
        turns.reading.discard(merchant_id)


async def _check_held(world: World, merchant_id: UUID) -> None:
    """Raises: Problem(too_many_requests); Problem(no_space)."""
    held = await held_rows(world.db, merchant_id)
    if held.waiting >= WAITING_ROWS_MAX:
        raise Problem(
            "too_many_requests",
            Sentence("{0} rows of your files wait to be worked on.", figure(held.waiting)),
            retry_after_seconds=60,
            cure="Send this file when they are done, or stop one of them.",
        )
    if held.kept >= world.policy.file_rows_max:
        raise Problem(
            "no_space",
            Sentence(
                "{0} rows of your files are stored here, which is the limit.", figure(held.kept)
            ),
            cure="Ask the operator to raise it.",
        )


def check_name(name: str) -> str:
    """Returns the name without a path. Raises: Problem(invalid) for one that holds a card
    number."""
    plain = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())[
        -NAME_MAX:
    ]
    if is_number(plain):
        raise invalid("The file's name looks like a card number.", "filename", "Rename it.")
    return plain


def is_small(content: BinaryIO) -> bool:
    """Reads and unpacks no more of it than that takes; a workbook is not opened yet, and small by
    its own size. Raises: Problem(too_large) for what is packed too oddly."""
    size = content.seek(0, SEEK_END)
    content.seek(0)
    if content.read(len(ZIP)) == ZIP:
        return size <= SMALL_ZIP_BYTES
    if size > SMALL_BYTES:
        return False
    made = marks = 0
    for piece in unpacked(content):
        made += len(piece)
        marks += piece.count(b"{") + max(map(piece.count, LINE_ENDS))
        if made > SMALL_BYTES or marks > SMALL_MARKS:
            return False
    return True
