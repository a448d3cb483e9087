"""An installation that Barman copies: the program of `make barman`, its processes, and the loss of
a host."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.kills.installation import Installation
from tests.rings import ROOT

PROGRAM = ROOT / ".barman/bin/barman"
SEGMENT_BYTES = 16 * 1024**2


@dataclass
class Copied:
    """`home`: where the copies are, which outlives the host."""

    installation: Installation
    home: Path

    def recoup(self, *words: str, seconds: float = 600.0) -> str:
        """What the verb printed; it must succeed."""
        done = self.installation.run(*words, seconds=seconds)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def set_up(self, *words: str) -> str:
        if not PROGRAM.exists():
            raise AssertionError("Barman is not installed for the tests: make barman")
        init = ("backup", "init", "--to", str(self.home), "--barman", str(PROGRAM))
        said = self.recoup(*init, *(words or ("--unencrypted",)))
        self.receive()
        self.barman("backup", "--wait", "recoup")
        return said

    def receive(self) -> None:
        """Until it does: one that was killed a moment ago may still have its slot."""
        until = time.monotonic() + 60
        while not self.receivers() and time.monotonic() < until:
            self.barman("cron")
            time.sleep(0.5)

    def words(self, *words: str) -> list[str]:
        return [str(PROGRAM), "-c", str(self.home / "barman.conf"), *words]

    def barman(self, *words: str) -> str:
        done = subprocess.run(
            self.words(*words), capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def receivers(self) -> list[int]:
        return [
            pid
            for pid, words in _processes()
            if f"--directory={self.home}/recoup/streaming" in words
        ]

    def kill_all(self) -> None:
        """Receiver, server, doors, worker, Barman: at once, without a last word."""
        up = self.installation.up
        assert up is not None
        mine, everyone = {up.pid}, list(_parents())
        for _ in range(4):
            mine |= {pid for pid, parent in everyone if parent in mine}
        mine |= {
            pid for pid, words in _processes() if any(str(self.home) in word for word in words)
        }
        for pid in [*self.receivers(), *sorted(mine, reverse=True)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        up.wait(10)
        self.installation.up = None

    def forget_unsynced(self, flushed: int) -> None:
        """The host's memory is lost: of what was received stays what the receiver had synced."""
        for path in (self.home / "recoup/streaming").glob("*.partial"):
            name = path.name.partition(".")[0]
            start = int(name[8:16], 16) << 32 | int(name[16:24], 16) * SEGMENT_BYTES
            kept = min(max(flushed - start, 0), SEGMENT_BYTES)
            with path.open("r+b") as file:
                file.seek(kept)
                file.write(bytes(SEGMENT_BYTES - kept))


def _processes() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                yield (
                    int(entry.name),
                    (entry / "cmdline").read_bytes().decode(errors="replace").split("\0"),
                )


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                yield (
                    int(entry.name),
                    int((entry / "stat").read_text().rpartition(")")[2].split()[1]),
                )
