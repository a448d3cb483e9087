"""User that the server runs as. PostgreSQL refuses root, so root steps down first."""

import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypedDict

from recoup.db.server.binaries import Binaries
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence

_NAMESPACE: Final = ("unshare", "-U", "--map-user=65534", "--map-group=65534", "--")
_PR_SET_PDEATHSIG: Final = 1


class Identity(TypedDict, total=False):
    """Keywords of `subprocess`; none for an ordinary user."""

    user: int
    group: int | None
    extra_groups: list[int]


@frozen
class Footing:
    """Prefix of the command, and the user to become; for an ordinary user neither."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def command(self, *parts: str | Path) -> list[str]:
        return [*self.prefix, *map(str, parts)]

    def identity(self) -> Identity:
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, folder: Path) -> None:
        """Make the server's user the owner of a folder."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)


def find_footing(binaries: Binaries, data_dir: Path, cluster: Path) -> Footing:
    """The first that works: ourselves, root in a user namespace, the user `postgres` or `nobody`.

    An existing cluster is run as the user who owns it.
    Raises: Problem when root has no way to step down.
    """
    if os.geteuid() != 0:
        return Footing()
    owner = cluster.stat().st_uid if cluster.exists() else 0
    if owner == 0 and shutil.which(_NAMESPACE[0]):
        namespace = Footing(prefix=_NAMESPACE)
        if _reaches(namespace, binaries, data_dir):
            return namespace
    mode = data_dir.stat().st_mode
    data_dir.chmod(
        mode | stat.S_IXOTH
    )  # to be passed through, not listed: what matters within has modes of its own
    for uid, gid in _users(owner):
        stepped_down = Footing(uid=uid, gid=gid)
        if _reaches(stepped_down, binaries, data_dir):
            return stepped_down
    data_dir.chmod(mode)
    raise Problem(
        "unavailable",
        Sentence(
            "PostgreSQL refuses to run as root, and no other user can reach both {0} and {1}",
            binaries.folder,
            data_dir,
        ),
        cure="Run Recoup as an ordinary user, allow user namespaces, or set RECOUP_DATABASE_URL.",
    )


def _users(owner: int) -> list[tuple[int, int]]:
    users = {user.pw_name: user for user in pwd.getpwall()}
    if owner:
        return [(user.pw_uid, user.pw_gid) for user in users.values() if user.pw_uid == owner][:1]
    return [
        (users[name].pw_uid, users[name].pw_gid) for name in ("postgres", "nobody") if name in users
    ]


def _reaches(footing: Footing, binaries: Binaries, data_dir: Path) -> bool:
    """True when this footing may run the programs and enter the data folder."""
    words = 'cd "$1" && exec "$2" --version'
    probe = footing.command("/bin/sh", "-c", words, "sh", data_dir, binaries.postgres)
    who = footing.identity()
    try:
        done = subprocess.run(probe, cwd="/", capture_output=True, timeout=20, check=False, **who)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def end_with_parent() -> Callable[[], None] | None:
    """The step of the child before it becomes the server: it asks to be shut down when Recoup ends.

    Linux only; elsewhere a later start adopts what a killed Recoup left behind.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:  # it ended before we could ask
            os._exit(1)

    return ask
