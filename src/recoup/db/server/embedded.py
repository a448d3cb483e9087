"""PostgreSQL of one data folder, started by the first process that needs it.

Two locks in the data folder order everything. `postgres.starting` is held for the moment of a start
or a stop, so that two starters never race. `postgres.owner` is held for life by the process that
answers for the server; when that process dies, however it dies, the lock is free and the next one
adopts the server if it still lives, or starts it.
"""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, Final

from recoup.db.server import postmaster
from recoup.db.server.address import PORT, USER, ServerAddress, forget_socket_folder, socket_folder
from recoup.db.server.cluster import binaries_for, cluster_folder, environment, make_cluster
from recoup.db.server.folder import close_folder
from recoup.db.server.footing import end_with_parent, find_footing
from recoup.db.server.locks import locked, try_lock
from recoup.db.server.log import open_log, reason_since
from recoup.db.server.pulse import Pulse
from recoup.db.statement import SEARCH_PATH
from recoup.kernel.problem import Problem, Sentence

_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_locks_per_transaction": "128",
    # memory: what is not touched is not used
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "huge_pages": "off",
    # write-ahead log: few, spread checkpoints
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # short transactions on a solid-state disk
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    # a copy by Barman: its receiver, a base copy and a check at once; what a receiver that is gone
    # may keep of the log.
    # It is named as a standby only so that it syncs what it receives at once: commits wait for
    # their own disk alone.
    "max_wal_senders": "5",
    "max_slot_wal_keep_size": "16GB",
    "synchronous_standby_names": "barman_receive_wal",
    # what everyone sees
    # also of who looks in by psql; our own connections say it themselves
    "search_path": SEARCH_PATH,
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
    # statements, their values and messages that quote them may hold card data: none is logged here
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "local", "full_page_writes": "on"}
# For tests, of which several at once have worlds of their own.
_NOT_DURABLE: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "250",
}


def arguments(socket: Path, *, major: int, durable: bool) -> list[str]:
    """The server's command line after `-D`. It outranks any file in the data folder."""
    settings = _SETTINGS | (_DURABLE if durable else _NOT_DURABLE)
    # one entry of a list: quoted, since a comma in the path would part it
    settings["unix_socket_directories"] = '"' + str(socket).replace('"', '""') + '"'
    if major >= 18:
        settings["io_method"] = "sync"  # no extra processes for two cores
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


START_SECONDS_MAX: Final = 300.0  # a recovery after a crash replays at most max_wal_size
STOP_SECONDS_MAX: Final = 60.0
SILENT_STOP_SECONDS: Final = 10.0
OWNER_SECONDS_MAX: Final = 20.0  # how long another owner may take to bring its server back
_SURVIVORS_SECONDS_MAX: Final = 10.0
_BACK_OFF_SECONDS_MAX: Final = 5.0
_STEADY_SECONDS: Final = 30.0  # a server that ran this long is restarted at once
_SETTLED_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.02


class EmbeddedServer:
    """Starts, attaches to, keeps alive and stops the server of one data folder.

    `owned` says whether this object answers for the server: then `ensure` restarts it and `stop`
    stops it. An object that only attached leaves it alone.

    `durable=False` trades crash safety for speed, for tests that kill nothing.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = Path(os.path.abspath(data_dir))
        self.cluster = cluster_folder(self.data_dir)
        self.log = self.data_dir / "postgres.log"
        self.trouble: str | None = None  # why the last restart failed, in one line
        self._durable = durable
        self._ownership: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._log_offset = 0
        self._started_at = 0.0
        self._back_off_seconds = 0.0
        self._not_before = 0.0
        self._pulse: Pulse | None = None

    @property
    def owned(self) -> bool:
        return self._ownership is not None

    def start(self) -> ServerAddress:
        """Attach to the running server, or start it; returns when it takes connections.

        Call from the main thread: on Linux the server is shut down when the thread that started it
        ends. Raises: Problem, one clear line, when there is no server to be had.
        """
        began = time.monotonic()
        try:
            self._prepare_folder()
            before = self._child
            while True:
                if before is not None and self._child is before and before.poll() is not None:
                    self._child = None
                self._attempt()
                running = postmaster.find_postmaster(self.cluster)
                if running and running.status == "ready":
                    self._pid = running.pid
                    self._started_at = time.monotonic()
                    self.trouble = None
                    return ServerAddress(running.socket, running.port, USER)
                self._give_up_if_hopeless(time.monotonic() - began)
                time.sleep(_POLL_SECONDS)
        except Problem:
            self._let_go()
            raise
        except OSError as error:
            self._let_go()
            raise self._problem(_words(error)) from error

    def running(self) -> bool:
        """True when the server's process lives. Cheap enough to ask every second."""
        if self._child is not None:
            return self._child.poll() is None
        return bool(self._pid) and postmaster.serves(self._pid, self.cluster)

    def ensure(self) -> None:
        """Bring a dead server back; call it about every 0.2 s, from the main thread.

        Does not wait until the server takes connections, and never raises for a server that will
        not start: `trouble` says why. Restarts are spaced by 0 to 5 seconds while the server keeps
        dying. An object that only attached becomes the owner here when the owner is gone.
        """
        now = time.monotonic()
        if self.running():
            if not self._is_silent():
                if now - self._started_at > _SETTLED_SECONDS:
                    self.trouble = None
                return
            self._restart()
        if self._child is not None:
            self.trouble = reason_since(self.log, self._log_offset)
            self._child = None
            steady = now - self._started_at > _STEADY_SECONDS
            longer = min(max(0.2, self._back_off_seconds * 2), _BACK_OFF_SECONDS_MAX)
            self._back_off_seconds = 0.0 if steady else longer
            self._not_before = now + self._back_off_seconds
        if now < self._not_before:
            return
        try:
            self._attempt()
        except Problem as problem:
            self.trouble = problem.message
            self._not_before = now + _BACK_OFF_SECONDS_MAX
        except OSError as error:
            self.trouble = _words(error)
            self._not_before = now + _BACK_OFF_SECONDS_MAX

    def _is_silent(self) -> bool:
        """True when our own server is silent: another's is its owner's to end."""
        if not self.owned:
            return False
        if self._pulse is None:
            self._pulse = Pulse(socket_folder(self.data_dir))
        return not self._pulse.look()

    def _forget_pulse(self) -> None:
        if self._pulse is not None:
            self._pulse.close()
            self._pulse = None

    def _restart(self) -> None:
        """Ends a server that lives and takes no connection."""
        self._forget_pulse()
        self.trouble = "it ran, and took no connection"
        postmaster.end(self._pid, self.cluster, seconds_max=SILENT_STOP_SECONDS)
        if self._child is not None:
            self._child.wait(timeout=STOP_SECONDS_MAX)
        self._pid = 0

    def stop(self) -> None:
        """Shut the server down cleanly, if it is ours. Open transactions are rolled back."""
        self._forget_pulse()
        if not self.owned:
            self._pid = 0
            return
        until = time.monotonic() + STOP_SECONDS_MAX
        while True:
            with locked(self._starting) as free:
                if free or time.monotonic() > until:
                    self._end()
                    return
            time.sleep(_POLL_SECONDS)

    @property
    def _starting(self) -> Path:
        return self.data_dir / "postgres.starting"

    def _prepare_folder(self) -> None:
        close_folder(self.data_dir)
        if not os.access(self.data_dir, os.R_OK | os.W_OK | os.X_OK):
            raise self._problem(f"the folder {self.data_dir} cannot be written to")
        if self.cluster.exists() and os.geteuid() not in (0, self.cluster.stat().st_uid):
            raise self._problem(f"{self.cluster} belongs to another user")

    def _attempt(self) -> None:
        """Takes one step towards a running server: attach, adopt or spawn; nothing while another
        one starts."""
        with locked(self._starting) as free:
            if not free:
                return
            if not self._ownership:
                self._ownership = try_lock(self.data_dir / "postgres.owner")
            running = postmaster.find_postmaster(self.cluster)
            if running:
                self._attach(running)
            elif self._ownership and self._child is None:
                self._spawn()

    def _attach(self, running: postmaster.Postmaster) -> None:
        if self._child is None and self.owned and self._pid != running.pid:
            # An orphan. Its killed owner asked for its shutdown: give that a moment to show.
            time.sleep(0.2)
        if running.status != "stopping":
            self._pid = running.pid
            self._started_at = time.monotonic()

    def _spawn(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the database is started from the main thread only")
        binaries = binaries_for(self.cluster)
        footing = find_footing(binaries, self.data_dir, self.cluster)
        if not (self.cluster / "PG_VERSION").exists():
            make_cluster(self.cluster, binaries, footing, durable=self._durable)
        socket = socket_folder(self.data_dir)
        footing.give(socket)
        postmaster.wait_for_survivors(self.cluster, _SURVIVORS_SECONDS_MAX)
        postmaster.clear_stale_locks(self.cluster, socket)
        settings = arguments(socket, major=binaries.major, durable=self._durable)
        with open_log(self.log) as log:
            self._log_offset = log.tell()
            self._child = subprocess.Popen(
                footing.command(binaries.postgres, "-D", self.cluster, *settings),
                env=environment(),
                cwd=self.cluster,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for Recoup, which drains before it stops the server
                start_new_session=True,
                preexec_fn=end_with_parent(),
                **footing.identity(),
            )
        self._pid = self._child.pid
        self._started_at = time.monotonic()

    def _give_up_if_hopeless(self, waited_seconds: float) -> None:
        if self._child is not None and self._child.poll() is not None:
            raise self._problem(reason_since(self.log, self._log_offset))
        alone = not self.owned and not postmaster.find_postmaster(self.cluster)
        if alone and waited_seconds > OWNER_SECONDS_MAX:
            raise self._problem(
                "another Recoup process answers for it, but its server does not come up"
            )
        if waited_seconds > START_SECONDS_MAX:
            raise self._problem(f"not ready after {waited_seconds:.0f} s; see {self.log}")

    def _end(self) -> None:
        running = postmaster.find_postmaster(self.cluster)
        pid = running.pid if running else self._pid
        if pid:
            postmaster.end(pid, self.cluster, seconds_max=STOP_SECONDS_MAX)
        self._reap()
        forget_socket_folder(self.data_dir)
        self._let_go()

    def _let_go(self) -> None:
        self._reap()
        self._pid = 0
        if self._ownership:
            self._ownership.close()
            self._ownership = None

    def _reap(self) -> None:
        if self._child is None:
            return
        if self._child.poll() is None:
            postmaster.end(self._child.pid, self.cluster, seconds_max=STOP_SECONDS_MAX)
            self._child.wait(timeout=STOP_SECONDS_MAX)
        self._child = None

    def _problem(self, why: str) -> Problem:
        return Problem(
            "unavailable",
            Sentence("the embedded database in {0} does not start: {1}", self.data_dir, why),
            cure="Cure what it names, choose another --data-dir, or set RECOUP_DATABASE_URL.",
        )


def _words(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"
