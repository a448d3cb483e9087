"""`recoup up`: the database, the doors and the worker, each its own process under one supervisor;
several doors or workers alone, too.

A part that dies is started again; when the supervisor dies, however it dies, its parts end too.
Several doors accept at one socket, so what one of them has not accepted another answers. SIGHUP
replaces doors and worker by new ones, a door at a time and only once its successor serves.
"""

import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Final, Literal

from recoup.db.server import EmbeddedServer
from recoup.db.server.folder import close_folder, open_lock
from recoup.db.server.footing import end_with_parent
from recoup.kernel.places import TRIAL
from recoup.kernel.problem import Problem
from recoup.kit.edge.counts import SHARED, make_shared
from recoup.main.alive import READY, STOOD_STILL
from recoup.main.certificate import certificate_of
from recoup.main.databases import Databases, at_databases
from recoup.main.settings import Settings, settings_file

SILENT_SECONDS_MAX: Final = 30.0
WORKER_SILENT_SECONDS_MAX: Final = 120.0
READY_SECONDS: Final = 60.0
STARTS_MAX: Final = 5
EMBEDDED_DOORS_MAX: Final = 4
STOP_SECONDS = 15.0
BACK_OFF_SECONDS_MAX = 5.0
FREED_SECONDS = 5.0
ATTACH_FILTER: Final = 26  # Linux's SO_ATTACH_FILTER
# Where there is one: a full disk kills whoever writes to a mapped file of it.
MEMORY: Final = "/dev/shm"  # noqa: S108
BASE = (sys.executable, "-m", "recoup.main")


@dataclass
class Part:
    """A child process and how it has fared."""

    name: str
    command: list[str]
    fds: tuple[int, ...] = ()
    tells: float = 0.0  # when it serves; and for so many seconds it may tell nothing
    process: "subprocess.Popen[bytes] | None" = None
    former: "subprocess.Popen[bytes] | None" = None  # that serves until the new one does
    ending: "list[subprocess.Popen[bytes]]" = field(
        default_factory=list
    )  # that answer what they have
    not_before: float = 0.0
    back_off: float = field(default=0.0)
    started: float = 0.0
    ready: int = -1  # and `former_ready`: where it tells
    former_ready: int = -1
    serves: bool = False  # as it has told
    failed: int = 0  # starts in a row that never served
    looked: float = 0.0
    silent: float = 0.0  # seconds in which it has told nothing, once it served
    stood_still: bool = False  # the one before

    def ensure(self, environment: dict[str, str]) -> None:
        """Starts it when it does not run, more and more slowly when it keeps dying."""
        now = time.monotonic()
        self.ending = [process for process in self.ending if process.poll() is None]
        if self.former is not None:
            self._hand_over(now)
        if self.process is not None and self.process.poll() is None:
            self._look_at(self.process, now)
            return
        if self.process is not None:
            print(
                f"{self.name} ended ({self.process.returncode}); restarting it.",
                file=sys.stderr,
                flush=True,
            )
            self.failed = 0 if self._is_serving() else self.failed + 1
            self.back_off = (
                0.2
                if now - self.started > 30
                else min(BACK_OFF_SECONDS_MAX, self.back_off * 2 or 0.2)
            )
            self.not_before, self.process = now + self.back_off, None
        if now >= self.not_before:
            self.start(environment)

    def start(self, environment: dict[str, str]) -> None:
        self.started = self.looked = time.monotonic()
        self.serves, fds, more = False, self.fds, environment
        if self.tells:
            _close(self.ready)
            self.ready, writes = os.pipe()
            fds, more = (
                (*fds, writes),
                environment | {READY: str(writes), STOOD_STILL: str(int(self.stood_still))},
            )
        self.silent, self.stood_still = 0.0, False
        self.process = subprocess.Popen(
            self.command,
            env=more,
            pass_fds=fds,
            preexec_fn=end_with_parent(),
            stdin=subprocess.DEVNULL,
        )
        if self.tells:
            os.close(writes)

    def replace(self, environment: dict[str, str]) -> None:
        """Starts a successor."""
        self.former, self.former_ready, self.ready = self.process, self.ready, -1
        self.start(environment)

    def _hand_over(self, now: float) -> None:
        """Hands over once the successor serves; one that dies instead changes nothing."""
        assert self.process is not None
        if self.process.poll() is not None or now - self.started > READY_SECONDS:
            print(
                f"The new {self.name} does not serve; the former one goes on.",
                file=sys.stderr,
                flush=True,
            )
            self.process.kill()
            self.process, self.former, self.serves = self.former, None, True
            _close(self.ready)
            self.ready, self.former_ready = self.former_ready, -1
        elif self._is_serving():
            ending, self.former = self.former, None
            _close(self.former_ready)
            self.former_ready = -1
            if ending is not None:
                ending.send_signal(signal.SIGTERM)
                self.ending.append(ending)

    def _look_at(self, process: "subprocess.Popen[bytes]", now: float) -> None:
        """Kills one that stands still. Time in which this process stood still itself does not
        count."""
        spoken, passed, self.looked = self._has_spoken(), min(1.0, now - self.looked), now
        self.silent = 0.0 if spoken or not (self.tells and self.serves) else self.silent + passed
        if self.silent > self.tells > 0:
            said = f"{self.name} has stood still for {self.tells:.0f} s; replacing it."
            print(
                f"{said} If that comes again: docs/monitoring.md#recoupstoodstill.",
                file=sys.stderr,
                flush=True,
            )
            process.kill()
            self.silent, self.stood_still = 0.0, True

    def _is_serving(self) -> bool:
        self._has_spoken()
        return self.serves or not self.tells

    def _has_spoken(self) -> bool:
        """A pipe that is closed says nothing."""
        spoken = (
            self.tells > 0
            and bool(select.select([self.ready], [], [], 0)[0])
            and bool(os.read(self.ready, 4096))
        )
        self.serves = self.serves or spoken
        return spoken

    def give_up(self) -> None:
        """Kills one that does not serve yet: it has the socket, and callers would queue at it in
        vain. Waits until it is gone: were it the last to let go, whoever still queues would be
        cut."""
        if self.process is not None and not self._is_serving():
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        for process in (self.process, self.former):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        for process in (self.process, self.former, *self.ending):
            if process is not None:
                try:
                    process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()


def _close(handle: int) -> None:
    if handle >= 0:
        os.close(handle)


def only_one(data_dir: Path) -> IO[str]:
    """Held while this `up` lives. Raises: Problem(conflict) when another one runs on the same
    folder; Problem(unavailable) for a folder that is not its own."""
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


def listen_at(settings: Settings) -> socket.socket:
    """Listens as `listen_on`. Raises: Problem(unavailable)."""
    try:
        return listen_on(settings)
    except OSError as error:
        message = f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}."
        raise Problem("unavailable", message, cure="Choose another port with --port.") from None


def refuse_new(listener: socket.socket) -> None:
    """Has the kernel drop what begins a connection, in whichever process the listener is: closed
    while one comes, it would cut it. Who began one tries again within a second. Linux alone can."""
    # Byte 13 of the segment holds its flags: with SYN (2) nothing of it is taken, else all.
    steps = ((0x30, 0, 0, 13), (0x45, 0, 1, 2), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    if sys.platform == "linux":
        with suppress(OSError):
            listener.setsockopt(
                socket.SOL_SOCKET,
                ATTACH_FILTER,
                struct.pack("HP", len(steps), ctypes.addressof(program)),
            )


def metrics_socket(
    settings: Settings,
    name: Literal["metrics_address", "worker_metrics_address"] = "metrics_address",
) -> socket.socket | None:
    """Listens where that setting says; None where it is empty. Raises: Problem(unavailable)."""
    address: str = getattr(settings, name)
    if not address:
        return None
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family, backlog=64)
    except OSError as error:
        raise Problem(
            "unavailable",
            f"Cannot listen on {address} for metrics: {error.strerror}.",
            field=name,
            cure="Choose another.",
        ) from None


def start_chain(data_dir: Path, url: str) -> list[Part]:
    """Nodes of play money and what goes on beside them, once the settings file has their channels.
    Raises: Problem."""
    trial = import_module(next(iter(TRIAL))).Trial(data_dir, settings_file(data_dir), url)
    parts = [Part(name, command) for name, command in trial.nodes()]
    for part in parts:
        part.start(dict(os.environ))
    trial.prepare()
    return [*parts, Part("sender", [*BASE, "chain", "trial", "--data-dir", str(data_dir)])]


def doors_of(settings: Settings, *, live: bool) -> int:
    """Number of doors: the setting's, else one a core, of which the embedded database bears four. A
    laptop has one."""
    if settings.doors:
        return settings.doors
    if settings.is_local and not live:
        return 1
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    embedded = not (settings.database_url or settings.sandbox_database_url)
    return max(2, min(cores, EMBEDDED_DOORS_MAX) if embedded else cores)


@contextmanager
def doors(
    settings: Settings, sock: socket.socket, count: int
) -> Iterator[tuple[list[Part], dict[str, str]]]:
    """The doors, and what their environment says beside: where they count together. Raises:
    Problem(unavailable) for a certificate that none of them could serve with."""
    certificate_of(settings)
    command = [*BASE, "serve", "--data-dir", str(settings.data_dir), "--fd", str(sock.fileno())]
    fds: tuple[int, ...] = (sock.fileno(),)
    more: dict[str, str] = {}
    if count > 1:
        counts = make_shared()
        fds, more = (*fds, counts), {SHARED: str(counts)}
    names = ["doors"] if count == 1 else [f"door {number + 1}" for number in range(count)]
    with _measured(metrics_socket(settings)) as (words, handles, measured):
        parts = [
            Part(name, [*command, *words], (*fds, *handles), tells=SILENT_SECONDS_MAX)
            for name in names
        ]
        yield parts, more | measured


@contextmanager
def _measured(
    metrics_at: socket.socket | None,
) -> Iterator[tuple[list[str], tuple[int, ...], dict[str, str]]]:
    """Words of a command, file handles and environment of parts that are measured together: any of
    them answers for all at this socket."""
    words: list[str] = []
    handles: tuple[int, ...] = ()
    if metrics_at is not None:
        metrics_at.set_inheritable(True)
        words, handles = ["--metrics-fd", str(metrics_at.fileno())], (metrics_at.fileno(),)
    in_memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="recoup-metrics-", dir=in_memory) as metrics:
        yield words, handles, {"PROMETHEUS_MULTIPROC_DIR": metrics}


def work_by_several(settings: Settings, databases: Databases, count: int) -> None:
    """`recoup worker` with several processes. Raises: Problem(unavailable) for an address of
    metrics that cannot be listened on, and once no worker gets as far as to work."""
    metrics_at = metrics_socket(settings, "worker_metrics_address")
    with _measured(metrics_at) as (words, handles, measured):
        parts = [
            _worker(settings, f"worker {number + 1}", words, handles) for number in range(count)
        ]
        environment = environment_of(settings, databases) | measured
        _run(settings, databases, None, parts, environment, lambda: check_started(parts))


def _worker(
    settings: Settings, name: str, words: Sequence[str] = (), handles: tuple[int, ...] = ()
) -> Part:
    command = [*BASE, "worker", "--data-dir", str(settings.data_dir), "--prepared", *words]
    return Part(name, command, handles, tells=WORKER_SILENT_SECONDS_MAX)


def serve_by_several(settings: Settings, databases: Databases, count: int) -> None:
    """`recoup serve` with several doors. Raises: Problem(unavailable) for an address that cannot be
    listened on, and once no door gets as far as to serve."""
    with closing(listen_at(settings)) as sock, doors(settings, sock, count) as (parts, more):
        environment = environment_of(settings, databases) | more
        _run(settings, databases, sock, parts, environment, lambda: check_started(parts))


def check_started(parts: Sequence[Part]) -> None:
    """Raises: Problem(unavailable) when each has ended at its start again and again."""
    if all(part.failed >= STARTS_MAX for part in parts):
        message = f"Every process ended at its start {STARTS_MAX} times."
        raise Problem(
            "unavailable", message, cure="The lines above say why; mend it, then start again."
        )


def supervise(
    settings: Settings,
    databases: Databases,
    sock: socket.socket,
    count: int,
    doing: Callable[[], object] = lambda: None,
    beside: Sequence[Part] = (),
) -> None:
    """Supervises until SIGINT or SIGTERM. `doing` is called about five times a second; it does what
    is to be done beside."""
    with doors(settings, sock, count) as (parts, more):
        environment = environment_of(settings, databases) | more
        every = [*parts, _worker(settings, "worker")]
        _run(settings, databases, sock, every, environment, doing, beside)


def environment_of(settings: Settings, databases: Databases) -> dict[str, str]:
    more = {
        "RECOUP_PUBLIC_URL": settings.url,
        "RECOUP_LOOPBACK_WEBHOOKS": "yes" if settings.takes_loopback else "no",
    }
    return at_databases(settings, databases) | more


def _run(
    settings: Settings,
    databases: Databases,
    sock: socket.socket | None,
    parts: Sequence[Part],
    environment: dict[str, str],
    doing: Callable[[], object] = lambda: None,
    beside: Sequence[Part] = (),
) -> None:
    stopping, to_replace = False, list[Part]()

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    def reload(_signal: int, _frame: object) -> None:
        to_replace[:] = parts

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    signal.signal(
        signal.SIGHUP, stop if sys.stdout.isatty() else reload
    )  # of a terminal that closes
    every, last_trouble = [*parts, *beside], None
    try:
        while not stopping:
            if databases.server is not None:
                last_trouble = _kept_up(databases.server, last_trouble)
            for part in every:
                part.ensure(environment)
            if to_replace and all(part.former is None for part in parts):
                to_replace.pop(0).replace(environment)
            _forget_gauges(environment, parts)
            doing()
            time.sleep(0.2)
    finally:
        _end(every, sock, STOP_SECONDS + settings.drain)
        if databases.server is not None:
            databases.server.stop()


def _end(parts: Sequence[Part], sock: socket.socket | None, seconds: float) -> None:
    if sock is not None:
        refuse_new(sock)
        sock.close()  # or callers would queue at it until we are gone
    until = time.monotonic() + seconds
    for part in parts:
        part.give_up()
    for part in parts:
        part.stop()
    for part in parts:
        part.wait(until)


def _kept_up(server: EmbeddedServer, last: str | None) -> str | None:
    """Says a trouble of the database once; `last`: the one before."""
    server.ensure()
    if server.trouble and server.trouble != last:
        said = f"The database is started again: {server.trouble}."
        print(
            f"{said} If that comes again: docs/monitoring.md#recoupdatabaseaway.",
            file=sys.stderr,
            flush=True,
        )
    return server.trouble


def _forget_gauges(environment: Mapping[str, str], parts: Iterable[Part]) -> None:
    """Deletes what processes that are gone were measuring; what they counted stays."""
    running = (process for part in parts for process in (part.process, part.former, *part.ending))
    living = {process.pid for process in running if process is not None}
    for path in Path(environment.get("PROMETHEUS_MULTIPROC_DIR", "/nonexistent")).glob(
        "gauge_live*.db"
    ):
        if int(path.stem.rpartition("_")[2]) not in living:
            path.unlink(missing_ok=True)
