"""The data folder is its owner's alone, also one that was there before; what locks it is nobody
else's to hold."""

import os
import stat
from pathlib import Path
from typing import IO, Final

from recoup.kernel.private_files import write_whole
from recoup.kernel.problem import Problem

# Root passes the database's user through (see `footing`): that one may enter, and neither list nor
# write.
_OTHERS: Final = 0o077
_OTHERS_OF_ROOT: Final = 0o066


def close_folder(folder: Path) -> None:
    """Makes the folder, or takes away what others may do there, with settings and other files that
    have secrets.

    Raises: Problem(unavailable) for one that is somebody else's, that stays open, or that anybody
    could write to.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise _refused(
            f"The data folder {folder} cannot be made: {error.strerror}.",
            "Choose another --data-dir.",
        ) from None
    mode, others = stat.S_IMODE(status.st_mode), _OTHERS if os.geteuid() else _OTHERS_OF_ROOT
    if os.geteuid() not in (0, status.st_uid):
        raise _refused(
            f"The data folder {folder} belongs to another user (uid {status.st_uid}).",
            "Run Recoup as that user, or choose another --data-dir.",
        )
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX and any(folder.iterdir()):
        raise _refused(
            f"Anybody could write to the data folder {folder}: "
            "what lies there may not be Recoup's.",
            f"Choose another --data-dir; or look through it, then run: chmod 700 {folder}",
        )
    if mode & others:
        try:
            folder.chmod(mode & ~others)
        except OSError:
            pass  # as it is seen below
        if stat.S_IMODE(folder.stat().st_mode) & others:
            raise _refused(
                f"The data folder {folder} is open to others (mode {mode:04o}) and cannot be "
                f"closed.",
                f"Run: chmod 700 {folder}; or put it on a file system that keeps modes.",
            )
    for file in (
        folder / "recoup.toml",
        *folder.glob("*.json"),
    ):  # they have secrets, and may come from elsewhere
        if file.is_file() and file.stat().st_uid == status.st_uid:
            file.chmod(0o600)


def open_lock(path: Path) -> IO[str]:
    """A file to lock, for the owner alone: any process that may open it could hold it for ever.

    Raises: Problem(unavailable) for what is no plain file, or somebody else's.
    """
    try:
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise _refused(
            f"The file {path} cannot be opened: {error.strerror}.",
            "Run Recoup as its owner; or remove it, if none runs on this folder.",
        ) from None
    handle = os.fdopen(descriptor, "a")
    if stat.S_IMODE(os.fstat(descriptor).st_mode) & _OTHERS:
        os.fchmod(descriptor, 0o600)
    return handle


def _refused(message: str, cure: str) -> Problem:
    return Problem("unavailable", message, cure=cure)


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, for the owner's eyes."""
    close_folder(path.parent)
    write_whole(path, text.encode())
