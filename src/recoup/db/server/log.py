"""The server's log: one file with a cap, and the reason it gives when it does not start."""

import re
from pathlib import Path
from typing import IO, Final

_BYTES_MAX: Final = 10_000_000
_TAIL_BYTES: Final = 65_536
_TELLING: Final = ("No space left on device", "FATAL:", "PANIC:", "error:", "could not")
_STAMP: Final = re.compile(r"^\d{4}-\d\d-\d\d .*?\] +")


def open_log(path: Path) -> IO[bytes]:
    """The log, to append to. A file beyond its cap is set aside as `.1`, in place of the one
    before."""
    if path.exists() and path.stat().st_size > _BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    path.touch(mode=0o600)
    return path.open("ab")


def reason_since(path: Path, offset: int) -> str:
    """The line that best says why the server ended, among those written after `offset`."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, 2)
            log.seek(max(offset, end - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError as error:
        return f"its log {path} cannot be read: {error.strerror}"
    return telling(lines)


def telling(lines: list[str]) -> str:
    """The line that best names a cause, without its time stamp."""
    for mark in _TELLING:
        for line in reversed(lines):
            if mark in line:
                return _STAMP.sub("", line).strip()
    return _STAMP.sub("", lines[-1]).strip() if lines else "it gave no reason"
