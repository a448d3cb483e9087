"""`recoup up`: the database, the doors and the worker, each its own process under one supervisor.

A part that dies is started again; when the supervisor dies, however it dies, its parts end too.
"""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO

from recoup.core.kit.feature import features
from recoup.kernel.problem import Problem
from recoup.main.databases import Databases
from recoup.main.settings import Settings, settings_file
from recoup.store.server.folder import close_folder, open_lock
from recoup.store.server.footing import end_with_parent

STOP_SECONDS = 15.0
BACK_OFF_SECONDS_MAX = 5.0
FREED_SECONDS = 5.0
BASE = (sys.executable, "-m", "recoup.main")


@dataclass
class Part:
    """One child process and how it has fared."""

    name: str
    command: list[str]
    fds: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    not_before: float = 0.0
    back_off: float = field(default=0.0)
    started: float = 0.0

    def ensure(self, environment: dict[str, str]) -> None:
        """Starts it when it does not run, more and more slowly when it keeps dying."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            print(f"{self.name} ended ({self.process.returncode}); restarting it.", file=sys.stderr, flush=True)
            self.back_off = 0.2 if now - self.started > 30 else min(BACK_OFF_SECONDS_MAX, self.back_off * 2 or 0.2)
            self.not_before, self.process = now + self.back_off, None
        if now >= self.not_before:
            self.start(environment)

    def start(self, environment: dict[str, str]) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, env=environment, pass_fds=self.fds, preexec_fn=end_with_parent(), stdin=subprocess.DEVNULL
        )

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        if self.process is not None:
            try:
                self.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.process.kill()


def only_one(data_dir: Path) -> IO[str]:
    """Held while this `up` lives. Raises: Problem(conflict) when another one runs on the same folder;
    Problem(unavailable) for a folder that is not its own."""
    close_folder(data_dir)
    lock = open_lock(data_dir / "up.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        message = f"Recoup is already running on {data_dir}."
        raise Problem("conflict", message, cure="Stop it, or use another --data-dir.") from None
    return lock


def listen_on(settings: Settings) -> socket.socket:
    """Bound here once, so that a restarted door keeps the port and its queue. Raises: OSError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until = time.monotonic() + FREED_SECONDS
    while True:
        try:
            sock.bind((settings.host, settings.port))
            break
        except OSError as error:
            # The doors of a killed `up` may take a moment to let go.
            if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                raise
            time.sleep(0.2)
    sock.listen(2048)
    sock.set_inheritable(True)
    return sock


def start_chain(data_dir: Path, url: str) -> list[Part]:
    """Nodes of play money and what goes on beside them, once the settings file has their channels. Raises: Problem."""
    module = next(one.trial for one in features() if one.trial is not None)
    trial = import_module(module).Trial(data_dir, settings_file(data_dir), url)
    parts = [Part(name, command) for name, command in trial.nodes()]
    for part in parts:
        part.start(dict(os.environ))
    trial.prepare()
    return [*parts, Part("sender", [*BASE, "chain", "trial", "--data-dir", str(data_dir)])]


def supervise(
    settings: Settings,
    databases: Databases,
    sock: socket.socket,
    doing: Callable[[], bool] = lambda: False,
    beside: Sequence[Part] = (),
) -> None:
    """Until SIGINT or SIGTERM. `doing` is called about five times a second; it does what is to be done beside."""
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    flags = ["--data-dir", str(settings.data_dir)]
    parts = [
        Part("doors", [*BASE, "serve", *flags, "--fd", str(sock.fileno())], (sock.fileno(),)),
        Part("worker", [*BASE, "worker", *flags, "--prepared"]),
        *beside,
    ]
    environment = os.environ | {
        "RECOUP_PEOPLE_DATABASE_URL": databases.people,
        "RECOUP_SANDBOX_DATABASE_URL": databases.sandbox,
        "RECOUP_LIVE_DATABASE_URL": databases.live,
        "RECOUP_PUBLIC_URL": settings.url,
        "RECOUP_LOOPBACK_WEBHOOKS": "yes" if settings.takes_loopback else "no",
    }
    try:
        while not stopping:
            if databases.server is not None:
                databases.server.ensure()
            for part in parts:
                part.ensure(environment)
            doing()
            time.sleep(0.2)
    finally:
        until = time.monotonic() + STOP_SECONDS + settings.drain
        for part in parts:
            part.stop()
        for part in parts:
            part.wait(until)
        if databases.server is not None:
            databases.server.stop()
