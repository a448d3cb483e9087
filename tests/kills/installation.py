"""A real `recoup up` in a folder of its own, parts of which are killed, and the processes that
belong to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.answering import is_ready

from recoup.db.server import EmbeddedServer

RECOUP = [str(Path(sys.executable).with_name("recoup"))]
START_SECONDS_MAX = 90.0
PARTS = ("supervisor", "doors", "worker", "postgres")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_listening(port: int) -> None:
    give_up = time.monotonic() + START_SECONDS_MAX
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < give_up
        time.sleep(0.05)


@dataclass
class Installation:
    """`killed`: how often each part was."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    up: "subprocess.Popen[bytes] | None" = None
    killed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    starts: int = 0
    words: tuple[str, ...] = ()  # more for `recoup up`

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir.with_name("up.log")

    def ensure(self) -> None:
        """Starts the supervisor when it does not run, as whoever runs it would."""
        if self.up is not None and self.up.poll() is None:
            return
        with self.log.open("ab") as log:
            self.up = subprocess.Popen(
                [
                    *RECOUP,
                    "up",
                    "--port",
                    str(self.port),
                    "--data-dir",
                    str(self.data_dir),
                    *self.words,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.starts += 1

    def wait_ready(self) -> None:
        give_up = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up:
            self.ensure()
            if self.ready():
                return
            time.sleep(0.1)
        raise AssertionError(f"not ready: {self.log.read_text()[-2000:]}")

    def ready(self) -> bool:
        return is_ready(self.url + "/readyz", timeout=2)

    def part(self, name: str) -> int | None:
        """The process id of one part, None when it does not run just now."""
        assert self.up is not None
        if name == "supervisor":
            return self.up.pid if self.up.poll() is None else None
        return next(iter(self.parts(name)), None)

    def parts(self, name: str) -> list[int]:
        """Those of the supervisor's children."""
        assert self.up is not None
        word = {"doors": "serve", "worker": "worker", "postgres": "-D"}[name]
        return [pid for pid, words in children(self.up.pid) if word in words]

    def kill(self, name: str) -> bool:
        pid = self.part(name)
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[name] += 1
        if name == "supervisor":
            assert self.up is not None
            self.up.wait(10)
        return True

    def run(self, *words: str, seconds: float = 120.0) -> "subprocess.CompletedProcess[str]":
        """One verb of the command line, beside the running installation."""
        command = [*RECOUP, *words, "--data-dir", str(self.data_dir)]
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)

    def credentials(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "bootstrap.json").read_text())
        return found

    def dsn(self) -> str:
        """Of the sandbox's database, as the owner. Call from the main thread."""
        return EmbeddedServer(self.data_dir).start().dsn("recoup_sandbox")

    def left_behind(self) -> list[int]:
        """Parts that run although the supervisor that they belong to does not: they end with it,
        within moments."""
        mine = (
            {self.up.pid} | {pid for pid, _ in children(self.up.pid)}
            if self.up is not None
            else set()
        )
        ours = [
            pid for pid, words in _processes() if str(self.data_dir) in words and _is_part(words)
        ]
        return [pid for pid in ours if pid not in mine]

    def stop(self) -> None:
        if self.up is not None and self.up.poll() is None:
            self.up.send_signal(signal.SIGTERM)
            try:
                self.up.wait(60)
            except subprocess.TimeoutExpired:
                self.up.kill()
                self.up.wait(10)
        self.up = None
        for pid in self.left_behind():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _is_part(words: list[str]) -> bool:
    return "serve" in words or "worker" in words


def _processes() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                yield (
                    int(entry.name),
                    (entry / "cmdline").read_bytes().decode(errors="replace").split("\0"),
                )


def children(parent: int) -> Iterator[tuple[int, list[str]]]:
    for pid, words in _processes():
        with suppress(OSError, IndexError, ValueError):
            if int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == parent:
                yield pid, words


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    one = Installation(folder / "data")
    try:
        one.wait_ready()
        yield one
    finally:
        one.stop()
