"""Standing of a world's database, whether it knows all that this installation knew before: a copy
that was restored, or a replica that took over with losses, does not.

Every few seconds a process counts the database's beat on and keeps it outside: in its memory, in
the data folder, and in the people's database, whose own count the data folder keeps. A database
with a lower (epoch, beat) than any of them is quarantined until `recoup recover` begins an epoch. A
new connection is compared, too: a server that was swapped cuts those that there are, so nothing is
read from it that was not compared.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from recoup.db.operation.standing import (
    HOMES,
    HomeMark,
    Noted,
    WorldMark,
    count_on,
    home_mark,
    mark_homes,
    note_mark,
    noted_mark,
    reached_by_cell,
    world_mark,
)
from recoup.db.pool import Database
from recoup.db.statement import FIRST_CELL, MERCHANT, Home, Read
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.standing import Mark, Reached, knows_less, newest
from recoup.kernel.time import Clocks, WallTime
from recoup.kit.beside import beside
from recoup.merchants.store.merchants import highest_feed
from recoup.merchants.store.partners import highest_partners_feed
from recoup.outside.marks import ErasedPerson, MarkFile, is_elsewhere

EVERY_SECONDS: Final = 5.0
QUARANTINED_EVERY_SECONDS: Final = 1.0  # to see a recovery end
RETRY_SECONDS: Final = 60
TRIES: Final = 3
PAUSE_SECONDS: Final = 0.1
UNMARKED_SECONDS: Final = 60.0
RECOVER: Final = "Send it again later; the operator runs `recoup recover`."
log = structlog.get_logger()


@dataclass(slots=True)
class FixedStanding:
    """A standing that is given, not measured. `cure`: what the operator does."""

    reason: str = ""
    cure: str = RECOVER
    refuses_all: bool = False
    lost_from: datetime | None = None
    lost_to: datetime | None = None
    asks_first_until: datetime | None = None

    @property
    def is_quarantined(self) -> bool:
        return bool(self.reason)

    def check(self) -> None:
        """Raises: Problem(unavailable) while it is quarantined."""
        if self.reason:
            raise Problem(
                "unavailable", self.reason, cure=self.cure, retry_after_seconds=RETRY_SECONDS
            )

    async def note_erased(self, merchant_id: UUID, payer_id: UUID) -> None: ...


@frozen
class Marks:
    """Marks of one world's database at a moment: what it has, and the highest that was seen.
    `people`: what the people's database notes, `people_seen`: how far that was seen to be itself.
    `is_copy`: the data folder, with its databases, was last used elsewhere. `homes`: those that
    were ever marked; `behind`: those that know less than others."""

    has: WorldMark
    seen: Reached | None
    people: Noted | None
    people_seen: Mark
    is_copy: bool = False
    homes: Mapping[Home, HomeMark] = field(default_factory=dict)
    behind: Mapping[Home, Reached] = field(default_factory=dict)

    @property
    def least(self) -> Reached:
        """How far everything got."""
        return min((self.has.reached, *self.behind.values()), key=lambda reached: reached.mark)

    @property
    def most(self) -> Reached:
        """How far something got."""
        return newest(self.seen, self.has.reached) or self.has.reached

    @property
    def knows_less(self) -> bool:
        """True when it is the world's database that knows less."""
        return knows_less(self.has.reached.mark, self.seen)

    @property
    def reason(self) -> str:
        """Empty for databases that know all."""
        if self.knows_less:
            assert self.seen is not None
            return Sentence(
                "The database was restored or has lost data: it ends at {0}, and {1} was seen.",
                _at(self.has.reached),
                _at(self.seen),
            )
        for home, reached in self.behind.items():
            return Sentence(
                "The home {0} was restored or has lost data: it ends at {1}, and {2} was seen.",
                home.value,
                _at(reached),
                _at(self.most),
            )
        if self.people is not None and self.people.own < self.people_seen:
            return Sentence("The database of people was restored or has lost data.")
        if self.is_copy:
            return Sentence(
                "This data folder was copied or moved here, and another Recoup may go on with its "
                "orders."
            )
        return ""

    @property
    def cure(self) -> str:
        copied = self.is_copy and not self.knows_less and not self.behind
        return "Stop the other one for good, then run `recoup recover` here." if copied else RECOVER


def _at(reached: Reached) -> str:
    at = "an unknown time" if reached.at is None else f"{reached.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{at} ({reached.mark.epoch}.{reached.mark.beat})"


class _PutBackError(Exception):
    """A home that was just compared was put back since."""


class Watch(FixedStanding):
    """Compares a world's database with what was seen of it, in one process. It knows nothing before
    its first look."""

    __slots__ = (
        "_cell",
        "_clocks",
        "_counted_at",
        "_db",
        "_file",
        "_people",
        "_people_seen",
        "_seen",
        "_unmarked",
        "_world",
    )

    def __init__(
        self,
        world: str,
        db: Database,
        people: Database,
        file: MarkFile,
        clocks: Clocks,
        cell: int = FIRST_CELL,
    ) -> None:
        super().__init__()
        self._cell = cell
        self._world, self._db, self._people, self._file, self._clocks = (
            world,
            db,
            people,
            file,
            clocks,
        )
        self._seen: Reached | None = None
        self._people_seen = Mark(0, 0)
        self._counted_at: datetime | None = None  # by a process of this machine
        self._unmarked: float | None = None  # since when no mark can be kept

    async def marks(self) -> Marks:
        """Reads homes after what they have to reach, and the world last: others count on
        meanwhile. Raises: Problem(unavailable)."""
        try:
            kept = self._file.read()
        except Problem as problem:
            raise self._not_marked(problem) from None
        noted = await noted_mark(self._people, self._world)
        self._seen = newest(
            self._seen, *(mark.reached for mark in (kept, noted) if mark is not None)
        )
        if kept is not None:
            self._counted_at = kept.at
            self._people_seen = max(self._people_seen, kept.people)
        seen, people_seen = self._seen, self._people_seen
        is_copy = kept is not None and is_elsewhere(kept.place, self._file.place)
        homes, behind = await self._homes(seen)
        has = await world_mark(self._db)
        seen = newest(seen, *(mark.reached for mark in homes.values()))
        return Marks(has, seen, noted, people_seen, is_copy, homes, behind)

    async def _homes(
        self, seen: Reached | None
    ) -> tuple[dict[Home, HomeMark], dict[Home, Reached]]:
        """Marks of homes, and of those that know less. A commit of several servers may show at one
        a moment before the other."""
        for left in range(TRIES, -1, -1):
            of_world = newest(seen, (await world_mark(self._db)).reached)
            of_cell = newest(seen, await reached_by_cell(self._db, self._cell))
            homes = {
                home: mark
                for home in HOMES
                if (mark := await home_mark(self._db, home)) is not None
            }
            behind = {
                home: mark.least
                for home, mark in homes.items()
                if knows_less(mark.least.mark, of_cell if home is MERCHANT else of_world)
            }
            if not behind or not left or self.reason:
                return homes, behind
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError

    async def look(self) -> None:
        """Compares, and counts on where the databases know all; of the processes of a machine the
        first to look does it. Raises: Problem(unavailable)."""
        marks = await self.marks()
        if marks.reason or self._unmarked is None:
            self._set(marks.reason, marks.has, marks.cure)
        now, mark = self._clocks.wall(), marks.has.reached.mark
        ago = None if self._counted_at is None else now - WallTime(self._counted_at)
        if marks.reason:
            return
        if ago is not None and timedelta(0) <= ago < timedelta(seconds=EVERY_SECONDS * 0.8):
            self._unmarked = None
            return
        beat: int | None = None
        with suppress(_PutBackError):
            async with self._db.connection() as own, own.transaction():
                counted = await count_on(own, *mark, now)
                if counted is not None and not await mark_homes(own, now, marks.homes, self._cell):
                    raise _PutBackError
                beat = counted
        if beat is not None:  # else another server since; the next look says so
            feed = max(await highest_feed(self._db), await highest_partners_feed(self._db))
            await self._keep(Reached(Mark(mark.epoch, beat), now, feed))

    async def _keep(self, reached: Reached, *, anew: bool = False) -> None:
        """Notes outside what the database has committed. `anew`: also where the people's database
        knows less."""
        self._seen = newest(self._seen, reached)
        known = self._people_seen
        condition = Mark(0, 0) if anew else known
        values = (*reached.mark, reached.at or self._clocks.wall(), reached.feed)
        noted = await note_mark(self._people.alone, self._world, *values, *condition)
        if noted is not None:
            self._people_seen = max(known, noted.own)
        try:
            await asyncio.to_thread(self._file.keep, reached, self._people_seen)
        except Problem as problem:
            raise self._not_marked(problem) from None
        self._unmarked = None

    def _not_marked(self, problem: Problem) -> Problem:
        """A database that is restored later could not be told from one that knows all: after a
        minute nothing more is taken or sent."""
        self._unmarked = self._unmarked or monotonic()
        if monotonic() - self._unmarked >= UNMARKED_SECONDS:
            if not self.refuses_all:
                log.error(
                    "mark not kept", world=self._world, why=problem.message, cure=problem.cure
                )
            self.reason, self.cure, self.refuses_all = problem.message, problem.cure or "", True
        return problem

    async def begin(self, epoch: int) -> None:
        """Takes the databases for whole once an epoch was begun."""
        reached = (await world_mark(self._db)).reached
        if reached.mark.epoch >= epoch:
            await self._keep(reached, anew=True)
        await self.look()

    async def note_erased(self, merchant_id: UUID, payer_id: UUID) -> None:
        await asyncio.to_thread(self._file.note_erased, merchant_id, payer_id, self._clocks.wall())

    def erased_since(self, since: datetime) -> list[ErasedPerson]:
        """Persons whose data was erased by this machine."""
        return self._file.erased_since(since)

    async def greet(self, connection: Read) -> None:
        """Compares a new connection's database. Raises: Problem(unavailable) when it is the first
        that knows less; those after it are answered as in any quarantine."""
        seen = self._seen
        if seen is None or self.reason:
            return
        marks = Marks(await world_mark(connection), seen, None, Mark(0, 0))
        if marks.reason:
            self._set(marks.reason, marks.has, marks.cure)
            self.check()

    def _set(self, reason: str, has: WorldMark, cure: str) -> None:
        if reason and not self.reason:
            log.error("quarantine", world=self._world, why=reason, cure=cure)
        elif self.reason and not reason:
            log.warning("quarantine over", world=self._world)
        self.reason, self.cure, self.refuses_all = reason, cure, False
        self.lost_from, self.lost_to, self.asks_first_until = (
            has.lost_from,
            has.lost_to,
            has.asks_first_until,
        )

    @asynccontextmanager
    async def running(self, *, at_once: bool = True) -> AsyncIterator[None]:
        """Looks once, then every few seconds until the block ends. Not `at_once`: where the first
        look fails, all is refused until one does not. Raises: Problem(unavailable)."""
        try:
            await self.look()
        except Problem as problem:
            if at_once:
                raise
            self.reason, self.cure, self.refuses_all = problem.message, problem.cure or "", True
        self._db.greeted = self.greet
        async with beside(self._run()):
            yield

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(QUARANTINED_EVERY_SECONDS if self.reason else EVERY_SECONDS)
            try:
                await self.look()
            except (Problem, asyncpg.PostgresError, OSError) as error:
                log.debug("marks not compared", world=self._world, error=in_words(error))
