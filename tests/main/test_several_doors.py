"""Several doors at one address: one that is killed or replaced costs no caller more than its own
call."""

import http.client
import os
import select
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.kills.installation import Installation

from recoup.kernel.problem import Problem
from recoup.kit.edge.counts import SHARED
from recoup.main import up
from recoup.main.settings import Settings

CALLERS = 6
CHANGED_SECONDS = 120.0


@contextmanager
def calling(port: int) -> Iterator[Counter[str]]:
    """Callers who come again and again, half of them on kept connections, until nobody listens or
    it ends."""
    ends, over = Counter[str](), threading.Event()

    def call(calls: int) -> None:
        while not over.is_set():
            made = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                made.connect()
            except ConnectionRefusedError:
                return
            try:
                for _ in range(calls):
                    made.request("GET", "/v1/nothing")
                    answer = made.getresponse()
                    answer.read()
                    ends[str(answer.status)] += 1
                    if answer.getheader("connection") == "close":
                        break
                    time.sleep(0.02)
            except (OSError, http.client.HTTPException):
                ends["broken"] += 1
            finally:
                made.close()

    callers = [
        threading.Thread(target=call, args=(50 if number % 2 else 1,)) for number in range(CALLERS)
    ]
    for one in callers:
        one.start()
    try:
        yield ends
    finally:
        over.set()
        for one in callers:
            one.join()


def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + CHANGED_SECONDS
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.1)


@pytest.mark.prove("processes")
def test_a_door_may_be_replaced_killed_and_ended_under_load(tmp_path: Path) -> None:
    made = Installation(tmp_path / "data", words=("--doors", "2"))
    try:
        made.wait_ready()
        assert made.up is not None
        until(lambda: len(made.parts("doors")) == 2)
        with calling(made.port) as ends:
            former = {*made.parts("doors"), *made.parts("worker")}
            made.up.send_signal(signal.SIGHUP)
            until(lambda: former.isdisjoint({*made.parts("doors"), *made.parts("worker")}))
        assert ends.keys() == {"404"}, "replaced"

        with calling(made.port) as ends:
            time.sleep(1)
            before = ends["404"]
            os.kill(made.parts("doors")[0], signal.SIGKILL)
            time.sleep(1)
            assert ends["404"] > before, "the other goes on"
            until(lambda: len(made.parts("doors")) == 2)
        assert ends["broken"] <= CALLERS
        assert ends.keys() <= {"404", "broken"}

        with urlopen(f"{made.url}/metrics", timeout=30) as answer:
            told = answer.read().decode()
        [calls] = [
            line
            for line in told.splitlines()
            if line.startswith("recoup_calls_total{") and '"404"' in line
        ]
        assert float(calls.rpartition(" ")[2]) > before, "of all doors"

        with calling(made.port) as ends:
            time.sleep(1)
            made.up.send_signal(signal.SIGHUP)
            until(lambda: len(made.parts("doors")) > 2)  # noqa: PLR2004 - a successor starts
            made.up.send_signal(signal.SIGTERM)
            made.up.wait(60)
        assert ends.keys() == {"404"}, "ended"
    finally:
        made.stop()


def test_what_doors_share_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that is full, writing to a mapped file would kill them."""
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(up, "MEMORY", str(memory))
    with (
        up.listen_on(Settings(data_dir=tmp_path, port=0)) as sock,
        up.doors(Settings(), sock, 2) as (_, more),
    ):
        assert Path(more["PROMETHEUS_MULTIPROC_DIR"]).parent == memory
        if sys.platform == "linux":
            assert os.readlink(f"/proc/self/fd/{more[SHARED]}").startswith("/memfd:")


def test_a_successor_that_has_not_said_that_it_serves_replaces_nobody() -> None:
    """As one that is ending: its pipe is closed before it is seen to be gone."""
    closes = f"import os, time; os.close(int(os.environ['{up.READY}'])); time.sleep(60)"
    part = up.Part("door", [sys.executable, "-c", "import time; time.sleep(60)"], tells=30.0)
    environment = dict(os.environ)
    try:
        part.start(environment)
        former = part.process
        part.command = [sys.executable, "-c", closes]
        part.replace(environment)
        assert select.select([part.ready], [], [], CHANGED_SECONDS)[0]
        part.ensure(environment)
        assert part.former is former
        assert part.process is not None
        part.process.kill()
        part.process.wait()
        part.ensure(environment)
        assert (part.process, part.former) == (former, None)
        part.stop()
        assert former is not None
        assert former.wait(CHANGED_SECONDS) == -signal.SIGTERM
    finally:
        part.stop()
        part.wait(time.monotonic() + 5)


def test_who_was_replaced_answers_what_it_has_before_its_parent_ends() -> None:
    """Children end with their parent: one that was told to end, and forgotten, was cut in the
    middle of its calls."""
    slow = f"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1.5), sys.exit(7)))
os.write(int(os.environ["{up.READY}"]), b"1")
while True:
    time.sleep(0.05)
"""
    environment, part = dict(os.environ), up.Part("door", [sys.executable, "-c", slow], tells=30.0)

    def serves() -> bool:
        part.ensure(environment)
        return part.serves

    part.start(environment)
    until(serves)
    former = part.process
    assert former is not None
    part.replace(environment)
    until(lambda: serves() and part.former is None)
    assert part.ending == [former]
    part.stop()
    part.wait(time.monotonic() + CHANGED_SECONDS)
    assert former.returncode == 7, "it was waited for"  # noqa: PLR2004


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux's kernel drops what begins a connection"
)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_comes_as_the_doors_end_is_not_taken_and_cut(tmp_path: Path, host: str) -> None:
    """Closed with a caller in its queue, a listener would cut it: first nobody new gets there."""
    listener = up.listen_on(Settings(data_dir=tmp_path, host=host, port=0))
    with listener, socket.create_connection(listener.getsockname()[:2]) as early:
        up.refuse_new(listener)
        with socket.socket(listener.family) as late:
            late.settimeout(0.4)
            with pytest.raises(TimeoutError):
                late.connect(listener.getsockname())
        assert select.select([listener], [], [], 0)[0], "who was there is still answered"
        accepted = listener.accept()[0]
        accepted.sendall(b"answer")
        assert early.recv(6) == b"answer"
        accepted.close()
        assert not select.select([listener], [], [], 0)[0]


@pytest.mark.parametrize("signals", [1, 2])
@pytest.mark.parametrize("seconds", [0.0, 0.4])
@pytest.mark.prove("processes")
def test_an_end_during_the_start_leaves_nobody(
    tmp_path: Path, seconds: float, signals: int
) -> None:
    made = Installation(tmp_path / "data", words=("--doors", "2"))
    made.wait_ready()
    made.stop()
    made.ensure()
    assert made.up is not None
    until(lambda: bool(made.parts("doors")))
    time.sleep(seconds)
    for _ in range(signals):
        made.up.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert made.up.wait(60) == 0
    assert not made.left_behind()
    made.wait_ready()
    made.stop()


@pytest.mark.prove("processes")
def test_an_end_while_a_stopped_door_is_replaced_answers_all_that_the_other_has(
    tmp_path: Path,
) -> None:
    made = Installation(tmp_path / "data", words=("--doors", "2"))
    try:
        made.wait_ready()
        assert made.up is not None
        until(lambda: len(made.parts("doors")) == 2)
        with calling(made.port) as ends:
            time.sleep(1)
            stopped = made.parts("doors")[0]
            os.kill(stopped, signal.SIGSTOP)
            until(lambda: stopped not in made.parts("doors"))
            made.up.send_signal(signal.SIGTERM)
            made.up.send_signal(signal.SIGTERM)
            made.up.wait(60)
        assert ends["broken"] <= CALLERS, "those that the stopped one had"
        assert ends.keys() <= {"404", "503", "broken"}, (
            "refused is answered, too: on a busy machine the start goes on"
        )
    finally:
        made.stop()


TELLS = f"""
import os, time
while True:
    os.write(int(os.environ['{up.READY}']), b"1")
    time.sleep(0.05)
"""


def test_a_door_that_stands_still_is_ended_and_replaced(capfd: pytest.CaptureFixture[str]) -> None:
    environment = dict(os.environ)
    part = up.Part("door", [sys.executable, "-c", TELLS], tells=0.5)
    until = time.monotonic() + CHANGED_SECONDS

    def goes_on(seconds: float) -> int:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not part.serves:
            assert time.monotonic() < until
            part.ensure(environment)
            time.sleep(0.05)
        assert part.process is not None
        return part.process.pid

    try:
        first = goes_on(1.0)
        assert goes_on(1.0) == first, "one that tells is left alone"
        os.kill(first, signal.SIGSTOP)
        while part.process is None or part.process.pid == first:
            assert time.monotonic() < until
            part.ensure(environment)
            time.sleep(0.05)
        second = goes_on(1.0)
        if sys.platform == "linux":
            assert f"{up.STOOD_STILL}=1" in Path(f"/proc/{second}/environ").read_text().split("\0")
        assert "has stood still" in capfd.readouterr().err
        part.command = [
            sys.executable,
            "-c",
            "",
        ]  # a successor that ends: who serves is watched as before
        part.replace(environment)
        assert goes_on(1.0) == second
        os.kill(second, signal.SIGSTOP)
        while part.process is not None and part.process.pid == second:
            assert time.monotonic() < until
            part.ensure(environment)
            time.sleep(0.05)
    finally:
        part.stop()
        part.wait(time.monotonic() + 1)


def test_doors_that_never_come_to_serve_end_the_parent() -> None:
    ends = up.Part("door 1", [sys.executable, "-c", ""], tells=30.0)
    until = time.monotonic() + CHANGED_SECONDS
    while ends.failed < up.STARTS_MAX and time.monotonic() < until:
        up.check_started([ends])
        ends.not_before = 0.0
        ends.ensure(dict(os.environ))
    up.check_started([ends, up.Part("door 2", [])])
    with pytest.raises(Problem, match="ended at its start 5 times"):
        up.check_started([ends])


def test_who_does_not_serve_yet_holds_the_socket_no_longer_than_the_others() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    part = up.Part("door", [sys.executable, "-c", deaf], tells=30.0)
    part.start(dict(os.environ))
    part.give_up()
    assert part.process is not None
    assert part.process.returncode == -signal.SIGKILL, "before the others are told to end"
