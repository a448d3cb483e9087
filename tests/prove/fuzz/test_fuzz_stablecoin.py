"""20,000 signed calls of all operations, most bent out of shape: never a 5xx, no answer outside its
schema, no trace of what was refused, never another merchant's word. Each thousand has a seed of its
own.

Again: `pytest tests/prove/fuzz/test_fuzz_stablecoin.py --timeout=0 -s`; `PROVE_CALLS=100000` is a
night
"""

import os
from collections import Counter
from typing import Any

from hypothesis import given, seed, settings
from tests.fuzzing import QUICK, rounds
from tests.stablecoin.door import opened_door
from tests.stablecoin.fuzzing import WEIGHTS, Target, calls, send

from recoup.db.server import ServerAddress
from recoup.kit.edge.described import Operation
from recoup.main.stablecoin_api import OPERATIONS

CALLS = int(os.environ.get("PROVE_CALLS", "20000"))
AT_ONCE = 1_000
SEED = 20_260_201


def test_thousands_of_signed_calls_and_no_surprise(server: ServerAddress) -> None:
    def at_once(number: int, heard: Counter[int]) -> None:
        with opened_door(
            server
        ) as door:  # a world of its own for each, so that counting stays quick
            target = Target(door)
            for operation in OPERATIONS:
                _one(target, operation, SEED + number, heard)
            target.merchant.settle()
            door.verified(target.merchant)

    heard = rounds(CALLS, at_once)
    assert not {status for status in heard if status >= 500}


def _one(target: Target, operation: Operation, number: int, heard: Counter[int]) -> None:
    name = f"{operation.method} {operation.path}"
    share = AT_ONCE * WEIGHTS.get(name, 1) // sum(WEIGHTS.values())

    @seed(number)
    @settings(QUICK, max_examples=max(share, 10), derandomize=False)
    @given(calls(operation, target.known(operation)))
    def each(call: dict[str, Any]) -> None:
        heard[send(target, operation, call).status_code] += 1

    each()
