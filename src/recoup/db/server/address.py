"""Address where the server listens: a Unix socket in a folder that only its owner may enter."""

import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote

from recoup.kernel.frozen import frozen

PORT: Final = 5432  # only a part of the socket's file name: the server never listens on TCP
USER: Final = "recoup"
SOCKET_PATH_BYTES_MAX: Final = 107 if sys.platform == "linux" else 103
_RECORD: Final = "postgres.socket-folder"


@frozen
class ServerAddress:
    """Address where a client connects. `host` is the folder of the socket."""

    host: str
    port: int
    user: str

    def dsn(self, database: str) -> str:
        """A URL that asyncpg, psql and pgbench understand."""
        where = quote(self.host, safe="")
        return f"postgresql://{self.user}@/{quote(database, safe='')}?host={where}&port={self.port}"


def socket_folder(data_dir: Path) -> Path:
    """`<data-dir>/socket`, or a short private folder elsewhere when that path is too long for a
    socket.

    The short folder's name is kept in the data folder, so that a later start uses it again.
    """
    own = data_dir / "socket"
    if fits(own):
        own.mkdir(mode=0o700, exist_ok=True)
        own.chmod(0o700)
        return own
    record = data_dir / _RECORD
    recorded = Path(record.read_text().strip()) if record.exists() else None
    if recorded and fits(recorded) and _is_private(recorded):
        return recorded
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = runtime and fits(Path(runtime) / "recoup-12345678") and os.access(runtime, os.W_OK)
    parent = runtime if usable else "/tmp"  # noqa: S108 - made 0700
    short = Path(tempfile.mkdtemp(prefix="recoup-", dir=parent))
    record.write_text(f"{short}\n")
    return short


def same_folder(host: str, data_dir: Path) -> bool:
    """True when that is the folder of this data folder's socket."""
    record = data_dir / _RECORD
    own = Path(record.read_text().strip()) if record.exists() else data_dir / "socket"
    return own.exists() and Path(host).exists() and own.samefile(host)


def forget_socket_folder(data_dir: Path) -> None:
    """Remove the short folder, if there is one; only once the server is gone."""
    record = data_dir / _RECORD
    if record.exists():
        folder = Path(record.read_text().strip())
        if _is_private(folder):
            for left in folder.glob(".s.PGSQL.*"):  # by a killed server
                left.unlink()
            folder.rmdir()
        record.unlink()


def fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX


def _is_private(folder: Path) -> bool:
    """A real folder, not a link, that only we (or, for root, the server's user) may enter."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    ours = os.geteuid() in (0, status.st_uid)
    return stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700 and ours
