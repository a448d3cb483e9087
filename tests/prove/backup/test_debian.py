"""What docs/backup.md says of servers of the operator's own, run as it stands there: Debian's
PostgreSQL 15, Barman and pgBackRest, each restored to a moment.

Again: `pytest -n 0 tests/prove/backup/test_debian.py --timeout=0 -s`
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.prove.backup.barman import PROGRAM
from tests.rings import ROOT

from recoup.main.backup.configuration import user_name

BIN = Path("/usr/lib/postgresql/15/bin")
PAGE = ROOT / "docs/backup.md"
_OWN = """
listen_addresses = ''
unix_socket_directories = '{folder}'
shared_buffers = 32MB
"""


def blocks(heading: str, kind: str) -> list[str]:
    """The page's blocks of one kind below a heading."""
    section = re.split(r"^#+ ", PAGE.read_text(), flags=re.M)
    [found] = [text for text in section if text.startswith(f"{heading}\n")]
    return re.findall(rf"^```{kind}\n(.*?)^```$", found, re.M | re.S)


def commands(heading: str) -> list[str]:
    return [
        line.partition("  #")[0].strip()
        for line in blocks(heading, "sh")[-1].splitlines()
        if line.strip()
    ]


@dataclass
class Debian:
    """A server of Debian's PostgreSQL, run by its own user."""

    folder: Path
    environment: dict[str, str]

    @property
    def main(self) -> Path:
        return self.folder / "main"

    def run(self, command: str) -> str:
        """As the user of the database."""
        words = ["/bin/sh", "-c", command]
        if os.geteuid() == 0:
            words = ["runuser", "-u", "postgres", "--", *words]
        done = subprocess.run(
            words,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, cluster: Path) -> None:
        log = self.folder / "log"  # its output must not hold the pipes of this test
        self.run(
            f"{BIN}/pg_ctl -D {cluster} -l {log} -w start >/dev/null 2>&1 || {{ cat {log}; false; "
            f"}}"
        )

    def stop(self, cluster: Path, how: str = "immediate") -> None:
        self.run(f"{BIN}/pg_ctl -D {cluster} -m {how} -w stop")

    def sql(self, text: str) -> str:
        quoted = text.replace("'", "'\\''")
        return self.run(
            f"psql -X -A -t -v ON_ERROR_STOP=1 -h {self.folder} postgres -c '{quoted}'"
        ).strip()

    def script(self, text: str) -> None:
        for statement in filter(None, (one.strip() for one in text.split(";"))):
            self.sql(statement)


@contextmanager
def debian(name: str) -> Iterator[Debian]:
    """Outside the tests' own folder, which is open to its owner alone."""
    subprocess.run(
        [sys.executable, ROOT / "scripts/need.py", "pgbackrest", "postgres-15"], check=True
    )
    folder = Path(
        subprocess.check_output(["mktemp", "-d", f"/tmp/recoup-{name}-XXXXXX"], text=True).strip()
    )
    server = Debian(
        folder,
        {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
        },
    )
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    try:
        server.run(f"{BIN}/initdb -D {server.main} -A trust --no-sync >/dev/null")
        with (server.main / "postgresql.conf").open("a") as file:
            file.write(_OWN.format(folder=folder))
        server.start(server.main)
        server.sql("CREATE TABLE charges (id int)")
        yield server
    finally:
        for cluster in (server.main, folder / "restored"):
            if (cluster / "postmaster.pid").exists():
                server.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)


def test_barman_as_the_page_has_it() -> None:
    if not PROGRAM.exists():
        pytest.fail("Barman is not installed for the tests: make barman")
    with debian("barman") as server:
        server.script(blocks("Barman", "sql")[0])
        (server.folder / "barman").mkdir(mode=0o700)
        [written] = blocks("Barman", "ini")
        own = user_name()  # Barman is another user than the server, as on a machine of its own
        for word, here in (
            ("barman_user = recoup", f"barman_user = {own}"),
            ("/var/backups/recoup", f"{server.folder}/barman"),
            ("host=DATABASE", f"host={server.folder}"),
        ):
            assert word in written
            written = written.replace(word, here)
        (server.folder / "barman.conf").write_text(written)
        for command in commands("Barman"):
            assert command.startswith("barman ")
            if " recover " in command:
                server.sql("INSERT INTO charges SELECT generate_series(1, 500)")
                time.sleep(1)
                server.stop(server.main)
            words = command.removeprefix("barman ").replace(
                "/var/lib/postgresql/15", str(server.folder)
            )
            barman = [str(PROGRAM), "-c", f"{server.folder}/barman.conf", *words.split()]
            done = subprocess.run(
                barman, env=server.environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            if words == "cron":
                time.sleep(5)
        if os.geteuid() == 0:
            subprocess.run(
                ["chown", "-R", "postgres:postgres", str(server.folder / "restored")], check=True
            )
        server.start(server.folder / "restored")
        until = time.monotonic() + 30
        while server.sql("SELECT pg_is_in_recovery()") == "t" and time.monotonic() < until:
            time.sleep(0.2)
        assert server.sql("SELECT count(*) FROM charges") == "500", (
            "the last of them stood in a partial segment"
        )


def test_pgbackrest_as_the_page_has_it() -> None:
    with debian("pgbackrest") as server:
        [written] = blocks("pgBackRest", "ini")
        for word, here in (
            ("/var/lib/pgbackrest", f"{server.folder}/copies"),
            ("/var/lib/postgresql/15", str(server.folder)),
        ):
            assert word in written
            written = written.replace(word, here)
        more = (
            f"lock-path={server.folder}/lock\nlog-path={server.folder}/logs\n"
            f"spool-path={server.folder}/spool\n"
        )
        more += f"pg1-socket-path={server.folder}\n"
        own = server.folder / "pgbackrest.conf"
        own.write_text(
            written.replace(
                "start-fast=y\n",
                f"start-fast=y\n{more.replace(f'pg1-socket-path={server.folder}', '')}",
            )
            + more.splitlines()[-1]
            + "\n"
        )
        config = f"--config={own}"
        for statement in (
            blocks("pgBackRest", "sql")[0].replace("--stanza", f"{config} --stanza").split(";")
        ):
            if statement.strip():
                server.sql(statement.strip())
        server.stop(server.main, "fast")
        server.start(server.main)
        for command in commands("pgBackRest"):
            if command.endswith(" restore"):
                server.sql("INSERT INTO charges SELECT generate_series(1, 500)")
                lost_after = server.sql("SELECT pg_switch_wal()")
                assert lost_after
                time.sleep(3)
                server.stop(server.main)
            words = command.replace("pgbackrest ", f"pgbackrest {config} ", 1)
            server.run(words.replace("/var/lib/postgresql/15", str(server.folder)))
        server.start(server.folder / "restored")
        until = time.monotonic() + 30
        while server.sql("SELECT pg_is_in_recovery()") == "t" and time.monotonic() < until:
            time.sleep(0.2)
        assert server.sql("SELECT count(*) FROM charges") == "500"
