"""What `verify` found, and how far it came, in a file: a run that was stopped goes on, and one
after a whole run proves what is new."""

import fcntl
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from recoup.db.operation.damaged_pages import named
from recoup.db.pool import DAMAGED
from recoup.db.statement import Connection
from recoup.insight.store.proofs.reached import NOTHING, Reached
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.proofs.walk import Difference

FORMAT: Final = "recoup-verify-1"
EVERY_SECONDS: Final = 1.0
_WORLD: Final = "world"  # steps of no merchant


DIFFERENCES_MAX: Final = 100


@dataclass(slots=True)
class Verified:
    """`checked`: how much there is of each kind, in the order shown. `differences`: the first, and
    `more`: how many were found besides; of one statement's answer at most a thousand are counted.
    `decided`: by version of their decider, the decisions that were decided again and came out the
    same. `unread`: merchants of which something stands on a page that is damaged."""

    checked: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    issuer: bool = False
    more: int = 0
    damaged: set[tuple[str, int]] = field(default_factory=set)
    unread: set[UUID] = field(default_factory=set)
    decided: Counter[str] = field(default_factory=Counter)

    @property
    def difference(self) -> Difference | None:
        return self.differences[0] if self.differences else None

    def found(self, differences: Iterable[Difference]) -> None:
        for difference in differences:
            if len(self.differences) < DIFFERENCES_MAX:
                self.differences.append(difference)
            else:
                self.more += 1

    def add(self, other: "Verified") -> None:
        """Adds what was proved of another cell."""
        for name, number in other.checked.items():
            self.checked[name] += number
        self.found(other.differences)
        self.more += other.more
        self.decided += other.decided
        self.issuer = self.issuer and other.issuer

    @asynccontextmanager
    async def reading(
        self, connection: Connection, merchant_id: UUID | None = None
    ) -> AsyncIterator[None]:
        """What is read inside ends at a page that is damaged: it is a difference, once, and what
        follows is proved as ever."""
        try:
            async with connection.transaction():
                yield
        except DAMAGED as error:
            page = await named(connection, error)
            if page is None:
                raise
            self.unread |= {merchant_id} if merchant_id else set()
            if (page.file, page.block) not in self.damaged:
                self.damaged.add((page.file, page.block))
                found = f"{page.finding}. {page.cure}"
                self.found([Difference(merchant_id, None, page.of_table, "can be read", found)])


@dataclass
class _Kept:
    """`since`: where each merchant stood at its last proof without a difference; `ended`: where
    those stand that this run has proved; `at`: the last step of each kind of `merchant`; `gone`:
    its decisions, so far, of each decider that is no more."""

    world: str
    made_at: datetime
    only: UUID | None
    format: str = FORMAT
    finished: bool = False
    since: dict[UUID, Reached] = field(default_factory=dict)
    ended: dict[UUID, Reached] = field(default_factory=dict)
    merchant: str = ""
    reached: Reached = NOTHING
    at: dict[str, str] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    more: int = 0
    decided: dict[str, int] = field(default_factory=dict)
    damaged: set[tuple[str, int]] = field(default_factory=set)
    unread: set[UUID] = field(default_factory=set)


class Progress:
    """Without a path it is kept nowhere."""

    def __init__(self, path: Path | None = None) -> None:
        self._path, self._saved_at = path, 0.0
        self._lock: int | None = None
        self._done = Verified()
        self.kept = _Kept("", datetime.min.replace(tzinfo=UTC), None)

    def take(self, done: Verified, world: str, made_at: datetime, only: UUID | None) -> None:
        """Takes up what the file says, for this run alone until `close`. Raises: Problem(invalid)
        for one of something else, that cannot be written, or that another run has."""
        kept = fresh = _Kept(world, made_at, only)
        if self._path is not None and self._lock is None:
            self._lock = self._locked(self._lock_of(self._path))
        if self._path is not None and self._path.exists():
            kept = self._read(self._path)
            if (kept.world, kept.made_at) != (world, made_at):
                raise self._not_ours("{0} is of another world.")
            if kept.only != only:
                raise self._not_ours("{0} is of other merchants.")
            if kept.finished:
                fresh.since, kept = kept.since, fresh
        self._done, self.kept = done, kept
        done.differences, done.damaged, done.unread = kept.differences, kept.damaged, kept.unread
        done.more, done.decided = kept.more, Counter(kept.decided)
        self.save()

    def close(self) -> None:
        if self._path is not None and self._lock is not None:
            self._lock_of(self._path).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    @staticmethod
    def _lock_of(path: Path) -> Path:
        return path.with_name(path.name + ".lock")

    def _locked(self, path: Path) -> int:
        try:
            lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._not_ours("{0} cannot be written.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_ino == path.stat().st_ino:  # else it was just given up
                return lock
        except OSError:
            pass
        os.close(lock)
        cure = "Wait until it has ended, or name another file."
        raise self._not_ours("Another run goes on from {0}.", cure)

    def _read(self, path: Path) -> _Kept:
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except (msgspec.MsgspecError, ValueError, RecursionError, OSError) as error:
            raise self._not_ours("{0} is no progress of `recoup verify`.") from error
        if kept.format != FORMAT:
            raise self._not_ours("{0} was written by another release.")
        return kept

    def since(self, merchant_id: UUID) -> Reached:
        return self.kept.since.get(merchant_id, NOTHING)

    def has_ended(self, merchant_id: UUID) -> bool:
        return merchant_id in self.kept.ended

    def begin(self, merchant_id: UUID | None, reached: Reached = NOTHING) -> None:
        """Begins a merchant, or goes on with it: then what it had reached stands."""
        name = str(merchant_id or _WORLD)
        if self.kept.merchant != name:
            self.kept.merchant, self.kept.reached = name, reached
            self.kept.at, self.kept.gone = {}, {}

    def at(self, kind: str) -> str | None:
        """The last step of a kind that was done."""
        return self.kept.at.get(kind)

    def note(self, kind: str, step: str) -> None:
        self.kept.at[kind] = step
        if time.monotonic() >= self._saved_at + EVERY_SECONDS:
            self.save()

    def end(self, merchant_id: UUID) -> None:
        """What differs, or could not be read, is proved again by the next run."""
        kept = self.kept
        kept.ended[merchant_id] = kept.reached
        done = self._done
        differing = {each.merchant_id for each in done.differences}
        if done.more == 0 and merchant_id not in differing | done.unread:
            kept.since[merchant_id] = kept.reached

    def finish(self) -> None:
        self.kept.finished = True

    def save(self) -> None:
        if self._path is None or not self.kept.world:
            return
        self.kept.more, self.kept.decided = self._done.more, dict(self._done.decided)
        draft = self._path.with_name(self._path.name + ".part")
        try:
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(self.kept))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise self._not_ours("{0} cannot be written.") from error
        self._saved_at = time.monotonic()

    def _not_ours(self, says: str, cure: str | None = None) -> Problem:
        if cure is None:
            cure = "Name another file, or delete it to begin anew."
        return invalid(Sentence(says, self._path), "progress", cure)
