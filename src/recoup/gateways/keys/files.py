"""Where the keys lie: one file of mode 0600 in a folder of mode 0700."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from recoup.gateways.keys.material import Material, fresh, from_text, to_text
from recoup.kernel.problem import Problem

FILE_NAME: Final = "keyring.json"


def load_or_create(folder: Path) -> Material:
    """The folder's keys; made when there are none yet. Of several processes that start at once one makes
    them.

    Raises: Problem(internal) when the file is open to others or unreadable.
    """
    if not (folder / FILE_NAME).exists():
        with _locked(folder):
            if not (folder / FILE_NAME).exists():
                _write(folder, fresh())
    return load(folder)


def load(folder: Path) -> Material:
    path = folder / FILE_NAME
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Problem("internal", f"The keys in {path} cannot be read.", cure="Check owner and mode.") from None
    if mode & 0o077:
        raise Problem("internal", f"The keys in {path} are open to others.", cure=f"Run: chmod 600 {path}")
    return from_text(text, str(path))


def change(folder: Path, how: Callable[[Material], Material]) -> Material:
    """Reads, changes and replaces the file while other processes wait. Returns the new keys."""
    with _locked(folder):
        material = how(load(folder))
        _write(folder, material)
    return material


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(folder: Path, material: Material) -> None:
    """All or nothing, also when the machine stops: a lost key is a lost vault."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(to_text(material))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(folder / FILE_NAME)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
