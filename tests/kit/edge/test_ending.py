"""A signal to end cuts no call: neither one whose connection nobody has accepted yet, nor one on a
kept connection."""

import http.client
import os
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import pytest
from tests.kit.edge.raw_server import serving

from recoup.kit.edge.connections import Limits

CALLERS: Final = 8


def _call(port: int, kept: bool, ends: Counter[str]) -> None:
    while True:
        made = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            made.connect()
        except ConnectionRefusedError:
            return
        try:
            for _ in range(1000 if kept else 1):
                made.request("GET", "/")
                answer = made.getresponse()
                answer.read()
                ends[str(answer.status)] += 1
                if answer.getheader("connection") == "close":
                    break
                time.sleep(0.002)
        except (OSError, http.client.HTTPException) as error:
            ends[repr(error)] += 1
        finally:
            made.close()


def _call_all(port: int, kept: bool) -> Counter[str]:
    """How each call ended, until the door is closed."""
    ends: Counter[str] = Counter()
    callers = [threading.Thread(target=_call, args=(port, kept, ends)) for _ in range(CALLERS)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(20)
    return ends


@pytest.mark.parametrize("kept", [False, True])
def test_callers_are_answered_until_the_door_is_closed(kept: bool) -> None:
    """Callers are a process of their own: beside the server they would take its turn between two of
    its lines."""
    with (
        serving(Limits(per_address=1000), alone=True) as raw,
        ProcessPoolExecutor(1, get_context("spawn")) as beside,
    ):
        beside.submit(os.getpid).result(60)
        calling = beside.submit(_call_all, raw.port, kept)
        while not raw.server.server_state.total_requests:
            time.sleep(0.01)
        time.sleep(0.5)
        raw.server.should_exit = True
        ends = calling.result(60)
    assert ends.keys() == {"200"}, ends
