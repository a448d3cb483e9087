"""A signal to end cuts no call: neither one whose connection nobody has accepted yet, nor one on a kept connection."""

import http.client
import threading
import time
from collections import Counter

import pytest
from tests.doors.edge.raw_server import serving

from recoup.doors.edge.connections import Limits

CALLERS = 8


@pytest.mark.parametrize("kept", [False, True])
def test_callers_are_answered_until_the_door_is_closed(kept: bool) -> None:
    ends: Counter[str] = Counter()
    with serving(Limits(per_address=1000)) as raw:

        def call() -> None:
            while True:
                made = http.client.HTTPConnection("127.0.0.1", raw.port, timeout=10)
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

        callers = [threading.Thread(target=call) for _ in range(CALLERS)]
        for one in callers:
            one.start()
        time.sleep(0.5)
        raw.server.should_exit = True
        for one in callers:
            one.join(20)
    assert ends.keys() == {"200"}, ends
