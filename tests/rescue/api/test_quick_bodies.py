"""A body is read quickly or field by field: what is made of it is the same."""

import random
from typing import Any

from tests.rings import drawn

from recoup.kit.api.body import Complaints, Reader
from recoup.main.api import OPERATIONS

ODD: list[Any] = [
    None,
    "",
    " ",
    "x",
    " x ",
    "x" * 300,
    "\u00a0x",
    "4111",
    "-1",
    0,
    -1,
    1,
    12,
    4590,
    1.0,
    1e30,
    2**53,
    True,
    False,
    [],
    [1],
    ["x"],
    [{}],
    {},
    {"x": 1},
    "USD",
    "usd",
    "2026-03-23T00:00:00Z",
    "Mon, 23 Mar 2026 00:00:00 GMT",
    "1999-01-01",
    "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d",
    "0190F3C12B7A7C3E9D415E6F7A8B9C0D",
    "{x}",
    "a\x00b",
    "ａ",
]
EXAMPLES = [
    (Reader(operation.body), example.request)
    for operation in OPERATIONS
    if operation.body is not None and not operation.streams
    for example in operation.examples
    if isinstance(example.request, dict)
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a body: what it is in, and its name or number there."""
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [place for name, one in inside for place in [(value, name), *places(one)]]


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: copied(one) for name, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value


@drawn("fuzz", "seed", range(200), 8)
def test_quickly_or_field_by_field(seed: int) -> None:
    dice, quick = random.Random(seed), 0
    for reader, example in EXAMPLES:
        body = copied(example)
        for _ in range(dice.choice((0, 1, 1, 2))):
            if spots := places(body):
                inside, name = dice.choice(spots)
                inside[name] = copied(dice.choice(ODD))
        complaints = Complaints()
        found = reader.quick(copied(body))
        if found is not None:
            quick += 1
            assert found == reader.read(body, complaints), body
            assert not complaints, (body, complaints.errors)
    assert quick
