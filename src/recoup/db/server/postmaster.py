"""The running server, as its lock file and the process table know it."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from recoup.kernel.frozen import frozen

_FILE: Final = "postmaster.pid"


@frozen
class Postmaster:
    """Process of one server that lives and belongs to the given cluster."""

    pid: int
    port: int
    socket: str
    status: str  # starting, ready, stopping, standby


def find_postmaster(cluster: Path) -> Postmaster | None:
    """The living server of this cluster. A stale lock file, or one with another program's pid, is
    none."""
    try:
        lines = (cluster / _FILE).read_text().splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    if not serves(pid, cluster):
        return None
    lines += [""] * 8
    port = int(lines[3]) if lines[3].isdigit() else 0
    return Postmaster(pid, port, lines[4].strip(), lines[7].strip() or "starting")


def serves(pid: int, cluster: Path) -> bool:
    """True when this process lives and is a server of this cluster."""
    command = _command(pid)
    if not command or "postgres" not in command:
        return False
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", cluster)
    except OSError:
        return str(cluster) in command  # no /proc here, or it is not ours to read


def clear_stale_locks(cluster: Path, socket: Path) -> None:
    """Remove lock files whose pid belongs to an unrelated program, which PostgreSQL would take for
    a server.

    Call only after `find_postmaster` found none and with the starter's lock held. A lock of a dead
    pid stays: PostgreSQL itself clears it, after it has looked for survivors of the dead server.
    """
    for lock in (cluster / _FILE, *socket.glob(".s.PGSQL.*.lock")):
        try:
            pid = abs(int(lock.read_text().split("\n", 1)[0]))
            os.kill(pid, 0)
        except PermissionError:
            pass
        except (OSError, ValueError):
            continue
        if not serves(pid, cluster):
            lock.unlink(missing_ok=True)


def wait_for_survivors(cluster: Path, seconds_max: float) -> None:
    """A killed server's children need a moment to notice; a new one must not start beside them."""
    until = time.monotonic() + seconds_max
    while _workers(cluster) and time.monotonic() < until:
        time.sleep(0.02)


def end(pid: int, cluster: Path, *, seconds_max: float) -> None:
    """Fast shutdown; without an answer in time, the immediate one; at last kill. Returns when it is
    gone."""
    for how, patience in (
        (signal.SIGINT, seconds_max),
        (signal.SIGQUIT, 10.0),
        (signal.SIGKILL, 10.0),
    ):
        if not serves(pid, cluster):
            return
        try:
            os.kill(pid, how)
            os.kill(pid, signal.SIGCONT)  # one that was stopped hears nothing else
        except ProcessLookupError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not serves(pid, cluster):
                return
            time.sleep(0.02)


def _workers(cluster: Path) -> bool:
    if not os.path.isdir("/proc/self"):
        return False
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            here = os.path.samefile(f"/proc/{name}/cwd", cluster)
            if here and "postgres" in _command(int(name)):
                return True
        except OSError:
            continue
    return False


def _command(pid: int) -> str:
    """The command line of a living process; empty for a dead one."""
    if os.path.isdir("/proc/self"):
        try:
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
        except OSError:
            return ""
    listed = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(
        listed, capture_output=True, text=True, timeout=10, check=False
    ).stdout.strip()
