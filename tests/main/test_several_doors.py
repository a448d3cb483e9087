"""Several doors at one address: one that is killed or replaced costs no caller more than its own call."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.kills.installation import Installation

CALLERS = 6
CHANGED_SECONDS = 120.0


@contextmanager
def calling(port: int) -> Iterator[Counter[str]]:
    """Callers who come again and again, half of them on kept connections, until nobody listens or it ends."""
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

    callers = [threading.Thread(target=call, args=(50 if number % 2 else 1,)) for number in range(CALLERS)]
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
        [calls] = [line for line in told.splitlines() if line.startswith("recoup_calls_total{") and '"404"' in line]
        assert float(calls.rpartition(" ")[2]) > before, "of all doors"

        with calling(made.port) as ends:
            time.sleep(1)
            made.up.send_signal(signal.SIGTERM)
            made.up.wait(60)
        assert ends.keys() == {"404"}, "ended"
    finally:
        made.stop()
