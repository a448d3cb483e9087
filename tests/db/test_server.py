"""The embedded server survives what machines and people do to it. Real processes, a folder for each
test."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from recoup.db.server import EmbeddedServer, ServerAddress, embedded, find_binaries, pulse
from recoup.db.server.address import SOCKET_PATH_BYTES_MAX
from recoup.db.server.postmaster import find_postmaster
from recoup.kernel.problem import Problem

# Another Recoup: starts or attaches, says what it got, and waits to be told to stop.
STARTER = """
import json, sys
from pathlib import Path
from recoup.db.server import EmbeddedServer, embedded
if "without-death-signal" in sys.argv:
    embedded.end_with_parent = lambda: None
server = EmbeddedServer(Path(sys.argv[1]))
address = server.start()
print(json.dumps([server.owned, server._pid, address.host]), flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., EmbeddedServer]]:
    servers: list[EmbeddedServer] = []

    def make(data_dir: Path = tmp_path / "data") -> EmbeddedServer:
        servers.append(EmbeddedServer(data_dir))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


class Other:
    """Another process of Recoup on the same folder."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        command = [sys.executable, "-c", STARTER, str(data_dir), *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Other":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BrokenPipeError):
            self.process.communicate("stop\n", timeout=60)

    def answer(self) -> tuple[bool, int]:
        assert self.process.stdout
        owned, pid, _ = json.loads(self.process.stdout.readline())
        return owned, pid


def ask(address: ServerAddress, sql: str) -> str:
    command = [str(find_binaries().folder / "psql"), "-XAtqc", sql, address.dsn("postgres")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def until(what: Callable[[], bool], seconds_max: float = 30) -> None:
    end = time.monotonic() + seconds_max
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def alive(server: EmbeddedServer) -> int:
    found = find_postmaster(server.cluster)
    return found.pid if found and found.status == "ready" else 0


def test_it_starts_as_promised(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    address = server.start()
    assert server.owned
    assert server.running()
    assert os.stat(address.host).st_mode & 0o777 == 0o700
    assert Path(address.host).is_relative_to(server.data_dir)
    shown = "select string_agg(current_setting(s), ',') from unnest(string_to_array($$%s$$, ' ')) s"
    names = "fsync listen_addresses data_checksums server_encoding TimeZone"
    assert ask(address, shown % names) == "on,,on,UTF8,UTC"
    assert ask(address, "select lower('ÄÖÉ') = 'äöé'") == "t"
    assert ask(address, "create extension pg_trgm; create extension btree_gin; select 1") == "1"


def test_a_clean_stop_leaves_nothing_behind(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    address = server.start()
    ask(address, "create table kept as select 1 as one")
    server.stop()
    assert not server.running()
    assert not server.owned
    assert not (server.cluster / "postmaster.pid").exists()
    assert not any(Path(address.host).iterdir())
    assert ask(server.start(), "select one from kept") == "1"


def test_a_killed_server_comes_back_with_its_rows(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    address = server.start()
    ask(address, "create table kept as select 1 as one")
    for _ in range(2):
        killed = alive(server)
        os.kill(killed, signal.SIGKILL)
        until(lambda killed=killed: (server.ensure(), alive(server) not in (0, killed))[1])
        assert ask(server.start(), "select one from kept") == "1"
        assert server.owned


@pytest.mark.parametrize(
    "fault", ["removed", pytest.param("stopped", marks=pytest.mark.prove("processes"))]
)
def test_a_server_that_lives_and_takes_no_connection_is_started_again(
    opened: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Its socket is gone, or it stands still: what its process says is not asked."""
    for name, seconds in (("EVERY_SECONDS", 0.05), ("ANSWER_SECONDS", 0.2)):
        monkeypatch.setattr(pulse, name, seconds)
    monkeypatch.setattr(embedded, "SILENT_STOP_SECONDS", 0.5)
    server = opened()
    address = server.start()
    ask(address, "create table kept as select 1 as one")
    for _ in range(30):
        server.ensure()
        time.sleep(0.02)
    before = alive(server)
    assert before, "one that answers is left alone"
    if fault == "removed":
        next(Path(address.host).glob(".s.PGSQL.*[0-9]")).unlink()
    else:
        os.kill(before, signal.SIGSTOP)
    until(lambda: (server.ensure(), alive(server) not in (0, before))[1])
    assert ask(server.start(), "select one from kept") == "1"


@pytest.mark.prove("processes")
def test_a_server_that_cannot_start_is_retried_at_bounded_pace(
    opened: Callable[..., EmbeddedServer],
) -> None:
    server = opened()
    server.start()
    control = server.cluster / "global/pg_control"
    os.kill(alive(server), signal.SIGKILL)
    control.rename(control.with_suffix(".away"))
    until(lambda: (server.ensure(), server.trouble is not None and "control" in server.trouble)[1])
    assert "\n" not in str(server.trouble)
    control.with_suffix(".away").rename(control)
    until(lambda: (server.ensure(), alive(server) != 0)[1])


def test_the_server_ends_when_its_recoup_is_killed_and_the_next_start_has_its_rows(
    opened: Callable[..., EmbeddedServer],
) -> None:
    server = opened()
    with Other(server.data_dir) as other:
        assert other.answer()[0]
        ask(server.start(), "create table kept as select 1 as one")
        assert not server.owned
        other.process.kill()
        other.process.wait()
        if sys.platform == "linux":
            until(lambda: alive(server) == 0, 10)
    assert ask(server.start(), "select one from kept") == "1"
    assert server.owned


@pytest.mark.prove("processes")
def test_an_orphan_is_adopted(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    with Other(server.data_dir, "without-death-signal") as other:
        _, pid = other.answer()
        other.process.kill()
        other.process.wait()
    assert ask(server.start(), "select 1") == "1"
    assert server.owned
    assert alive(server) == pid
    server.stop()
    assert alive(server) == 0


@pytest.mark.prove("processes")
def test_a_second_process_attaches_and_leaves_the_server_alone(
    opened: Callable[..., EmbeddedServer],
) -> None:
    server = opened()
    address = server.start()
    with Other(server.data_dir) as other:
        assert other.answer() == (False, alive(server))
    assert other.process.returncode == 0
    assert ask(address, "select 1") == "1"


@pytest.mark.prove("processes")
def test_who_attached_takes_over_when_the_owner_ends(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    with Other(server.data_dir) as other:
        _, first = other.answer()
        server.start()
    assert alive(server) == 0
    until(lambda: (server.ensure(), alive(server) not in (0, first))[1])
    assert server.owned


@pytest.mark.prove("processes")
def test_of_many_starters_one_starts(tmp_path: Path) -> None:
    others = [Other(tmp_path / "data") for _ in range(4)]
    answers = [other.answer() for other in others]
    assert len({pid for _, pid in answers}) == 1
    assert sum(owned for owned, _ in answers) == 1
    for other in others:
        with other:
            pass


def test_a_stale_lock_with_the_pid_of_another_program_is_no_server(
    opened: Callable[..., EmbeddedServer],
) -> None:
    server = opened()
    address = server.start()
    lock = server.cluster / "postmaster.pid"
    text = lock.read_text().split("\n", 1)
    server.stop()
    lock.write_text(f"{os.getppid()}\n{text[1]}")
    (Path(address.host) / ".s.PGSQL.5432.lock").write_text(f"{os.getppid()}\n{text[1]}")
    assert ask(server.start(), "select 1") == "1"


def test_an_interrupted_initialisation_is_begun_anew(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    half = server.cluster.with_name("postgres.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert ask(server.start(), "select 1") == "1"
    assert not half.exists()


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(
    opened: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server = opened(tmp_path / ("long" * 30) / 'with space, comma and "quote"')
    address = server.start()
    assert len(address.host) < SOCKET_PATH_BYTES_MAX
    assert os.stat(address.host).st_mode & 0o777 == 0o700
    assert ask(address, "select 1") == "1"
    killed = alive(server)
    os.kill(killed, signal.SIGKILL)
    until(lambda: (server.ensure(), alive(server) not in (0, killed))[1])
    assert server.start() == address
    server.stop()
    assert not Path(address.host).exists()


def test_a_data_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(Problem, match="cannot be made: ") as raised:
        EmbeddedServer(tmp_path / "data").start()
    assert "\n" not in raised.value.message
    assert raised.value.cure


def test_data_of_a_version_we_lack_is_one_clear_line(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    server.cluster.mkdir(parents=True)
    (server.cluster / "PG_VERSION").write_text("99\n")
    with pytest.raises(Problem, match="PostgreSQL 99 was not found"):
        server.start()


def test_only_the_main_thread_may_start_it(opened: Callable[..., EmbeddedServer]) -> None:
    server = opened()
    caught: list[BaseException] = []

    def start() -> None:
        try:
            server.start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert caught
    assert not server.owned or not server.running()


def test_the_run_has_a_server(server: ServerAddress) -> None:
    assert ask(server, "show fsync") == "off"
