"""Locks between the processes that share one data folder. They are free again when their holder
dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from recoup.db.server.folder import open_lock


def try_lock(path: Path) -> IO[str] | None:
    """The held lock, or None when someone else holds it. Closing the file lets go. Raises:
    Problem(unavailable)."""
    handle = open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock within the block; yields False, at once, when someone else holds it."""
    handle = try_lock(path)
    try:
        yield handle is not None
    finally:
        if handle:
            handle.close()
