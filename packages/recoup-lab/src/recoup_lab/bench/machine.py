"""Costs of processes, read from /proc: CPU seconds and memory. Linux only; elsewhere there are no
such figures."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

KNOWN = sys.platform == "linux"


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes so far, and of their children that have ended: a
    database connection that is closed meanwhile keeps counting. 0 for a process that is gone."""
    ticks = 0
    for pid in pids:
        fields = _stat(pid)
        ticks += sum(int(field) for field in fields[11:15]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def family(pid: int) -> list[int]:
    """The process and all that came from it and live."""
    parents = {int(entry): parent(int(entry)) for entry in os.listdir("/proc") if entry.isdigit()}
    found = [pid]
    for one in found:
        found += [child for child, its in parents.items() if its == one]
    return found


def pss_mb(pids: Iterable[int]) -> float:
    """Memory in use, what is shared counted once among those who share it."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def _stat(pid: int) -> list[str]:
    """Fields behind the command's name: state, parent, …; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
