"""20,000 calls of all operations, most bent out of shape: never a 500, no answer outside its
schema, no trace of what was refused. Each thousand has a seed of its own.

Again: `pytest tests/prove/fuzz/test_fuzz_rescue.py --timeout=0 -s`; `PROVE_CALLS=100000` is a night
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, seed, settings
from tests.door import opened_door
from tests.fuzzing import QUICK, rounds
from tests.rescue_fuzzing import WEIGHTS, Target, calls, send
from tests.worlds import POLICY

from recoup.db.server import ServerAddress
from recoup.kit.edge.described import Operation
from recoup.main.api import OPERATIONS

CALLS = int(os.environ.get("PROVE_CALLS", "20000"))
AT_ONCE = 1_000
SEED = 20_260_101
PATIENT = replace(
    POLICY, cit_deadline=timedelta(seconds=20)
)  # a busy machine makes no 503 of a capture


def test_thousands_of_calls_and_no_surprise(server: ServerAddress) -> None:
    def at_once(number: int, heard: Counter[int]) -> None:
        with opened_door(
            server, policy=PATIENT
        ) as door:  # a world of its own for each, so that counting stays quick
            target = Target(door)
            for operation in OPERATIONS:
                _one(target, operation, SEED + number, heard)

    heard = rounds(CALLS, at_once)
    assert not {status for status in heard if status >= 500 and status != 502}


def _one(target: Target, operation: Operation, number: int, heard: Counter[int]) -> None:
    name = f"{operation.method} {operation.path}"
    share = AT_ONCE * WEIGHTS.get(name, 1) // sum(WEIGHTS.values())
    target.make_room()

    @seed(number)
    @settings(QUICK, max_examples=max(share, 10), derandomize=False)
    @given(calls(operation, target.known(operation)))
    def each(call: dict[str, Any]) -> None:
        if target.made % 40 == 39:
            target.make_room()
        heard[send(target, operation, call).status_code] += 1

    each()
