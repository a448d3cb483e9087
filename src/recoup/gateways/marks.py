"""How far databases were seen to be, in the data folder: a database that is restored does not take it back with it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from recoup.kernel.problem import Problem
from recoup.rules.standing import Mark, Reached, newest

FOLDER: Final = "standing"


class KeptMark(msgspec.Struct, frozen=True):
    """Of one world: its database's highest mark, and the highest that the people's database had of itself."""

    epoch: int
    beat: int
    at: datetime | None = None
    people_epoch: int = 0
    people_noted: int = 0

    @property
    def reached(self) -> Reached:
        return Reached(Mark(self.epoch, self.beat), self.at)

    @property
    def people(self) -> Mark:
        return Mark(self.people_epoch, self.people_noted)


class MarkFile:
    """One a world and machine. All processes of the machine write it, one at a time; the highest is kept."""

    def __init__(self, data_dir: Path, world: str) -> None:
        self._folder, self._path = data_dir / FOLDER, data_dir / FOLDER / f"{world}.json"

    def read(self) -> KeptMark | None:
        """None where nothing was seen yet. Raises: Problem(unavailable) for a file that cannot be read: what was seen
        is not known then, and nothing may be taken for whole."""
        try:
            return _decode(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            message = f"How far the database was seen to be cannot be read from {self._path}."
            cure = "Check its owner and mode. A file that is broken: move it away, run `recoup recover`."
            raise Problem("unavailable", message, cure=cure) from None

    def keep(self, reached: Reached, people: Mark) -> None:
        """Raises: Problem(unavailable)."""
        with self._locked():
            had = self.read()
            most = newest(reached, had.reached if had is not None else None)
            assert most is not None
            own = max(people, had.people) if had is not None else people
            kept = KeptMark(most.mark.epoch, most.mark.beat, most.at, own.epoch, own.beat)
            if kept != had:
                self._write(msgspec.json.encode(kept) + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, content: bytes) -> None:
        """Whole or not at all, also when the machine stops."""
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_decode: Final = msgspec.json.Decoder(KeptMark).decode
