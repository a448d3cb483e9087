"""No body that one merchant sends, to any operation, keeps the door from others: seconds of this
process's own work."""

import json
import re
import time
from typing import Any

import msgspec
import pytest
from tests.door import Door
from tests.rings import drawn

from recoup.kit.edge.field_names import Names, names_of
from recoup.main.api import OPERATIONS

CPU_SECONDS_MAX = 3.0  # a hundred times what the dearest takes; what is not bounded takes minutes
BYTES = 950_000
BODIES = [one for one in OPERATIONS if one.body is not None and names_of(one.body)]


def filled(names: Names, value: Any) -> dict[str, Any]:
    return {name: filled(inner, value) if inner else value for name, inner in names.items()}


def count(names: Names) -> int:
    return sum(count(inner) if inner else 1 for inner in names.values())


def hostile(shape: type[msgspec.Struct]) -> list[bytes]:
    """Every field as large as one body has room for, by turns text, digits, lists and objects of
    many names."""
    names = names_of(shape)
    room = BYTES // max(1, count(names)) - 60
    values: list[Any] = [
        "9" * room,
        f"4{'1' * 15} " * (room // 17),
        "a@" * (room // 2),
        "\N{COMBINING ACUTE ACCENT}" * (room // 6),
        [{}] * min(room // 4, 90_000 // count(names)),
        ["a"] * min(room // 6, 90_000 // count(names)),
        {f"n{number}": number for number in range(min(490, room // 14))},
        [["1"]] * (room // 8),
    ]
    made = [json.dumps(filled(names, value)).encode() for value in values]
    made += [json.dumps(dict.fromkeys(names, value)).encode() for value in values[4:]]
    return [body for body in made if len(body) < 1 << 20]


@drawn("fuzz", "operation", BODIES, 8, ids=lambda one: f"{one.method} {one.path}")
def test_no_body_of_any_operation_is_dear(door: Door, operation: Any) -> None:
    shop = door.shop()
    path = re.sub(
        r"\{[a-z_]+\}", "018f0000-0000-7000-8000-000000000001", operation.path.removeprefix("/v1")
    )
    # A file's rows are read beside the loop, in turn, and may be two million.
    spent = time.thread_time if operation.streams else time.process_time
    for body in hostile(operation.body):
        began = spent()
        answer = shop.raw(path, body, operation.method)
        assert spent() - began < CPU_SECONDS_MAX, body[:200]
        assert answer.status_code < 500
        assert len(answer.content) < 100_000, "more complaints than anybody reads"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/oauth2/token", "AppKey"),
        ("/v1/oauth2/refresh", "RefreshToken"),
        ("/v1/tokenize?environment=tk_test_none", "payment_method"),
    ],
)
def test_a_stranger_cannot_have_long_digits_looked_through(
    door: Door, path: str, name: str
) -> None:
    """Of 32 KB before any credential each took as long as fifty calls; a merchant's own body may
    hold many ids."""
    for digits in ("4+" * 1_100, "4 4 4 4 " * 4_000):
        value = {"credit_card": {"first_name": digits}} if name == "payment_method" else digits
        by_body = door.call("POST", path, json={name: value})
        by_header = door.call(
            "POST", path, json={name: "x"}, headers={"idempotency-key": digits[:4_000]}
        )
        for answer in (by_body, by_header):
            assert answer.status_code == 400
            assert "too many long numbers" in answer.text
    answer = door.shop().post("/transmit", {"orderId": "4+" * 1_100})
    assert "too many long numbers" not in answer.text
