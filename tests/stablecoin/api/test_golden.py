"""What is told of each operation is what it takes and answers."""

from typing import Any

import msgspec
from tests.rings import each
from tests.stablecoin.door import Door, Merchant
from tests.stablecoin.fuzzing import PREFIX

from recoup.kernel.problem import CODES, Problem
from recoup.kit.edge.described import Example, Operation
from recoup.main.stablecoin_api import OPERATIONS, routes
from recoup.stablecoin.api.resource import TABLE, code_of

EXAMPLES = [(one, example) for one in OPERATIONS for example in one.examples]


def holds(answer: Any, expected: Any, at: str = "$") -> None:
    """Every member of the example is in the answer, lists as long."""
    if isinstance(expected, dict):
        for name, inner in expected.items():
            assert name in answer, f"{at}.{name} is missing"
            holds(answer[name], inner, f"{at}.{name}")
    elif isinstance(expected, list):
        assert len(answer) == len(expected), at
        for number, (inner, wanted) in enumerate(zip(answer, expected, strict=True)):
            holds(inner, wanted, f"{at}[{number}]")
    else:
        assert answer == expected, at


@each(("operation", "example"), EXAMPLES)
def test_examples_are_what_is_answered(door: Door, operation: Operation, example: Example) -> None:
    merchant = door.merchant()
    path = operation.path.removeprefix(PREFIX)
    if "{id}" in path or path == "/payouts":
        path = path.format(id=merchant.paid()["id"])
    answer = merchant.call(operation.method, path, example.request)
    assert answer.status_code == example.status, answer.text
    holds(answer.json(), example.answer)
    shape = operation.answers[answer.status_code]
    assert shape is not None
    msgspec.json.decode(answer.content, type=shape, strict=True)


def test_every_route_is_described(door: Door) -> None:
    told = {(one.method, one.path) for one in OPERATIONS}
    served = {
        (method, route.path)
        for route in routes(door.services)
        for method in route.app._methods  # type: ignore[attr-defined]
    }
    assert told == served


def test_described_problems_are_codes_of_the_table() -> None:
    codes = {code.code for code in TABLE.values()}
    assert {name for one in OPERATIONS for name in one.problems} <= codes


def test_every_problem_has_a_status_here() -> None:
    for code in CODES:
        assert code_of(Problem(code, "x")).status >= 400


def test_every_answer_fits_its_shape(merchant: Merchant) -> None:
    paid, direct = merchant.paid(), merchant.paid(channel="mock_direct")
    merchant.run_due()
    for path, described in (
        (f"/orders/{paid['id']}", "/orders/{id}"),
        (f"/orders/{direct['id']}", "/orders/{id}"),
        ("/orders", "/orders"),
        ("/ledger", "/ledger"),
        ("/wallets", "/wallets"),
        ("/me", "/me"),
        ("/channels", "/channels"),
    ):
        shape = next(
            o.answers[200] for o in OPERATIONS if (o.method, o.path) == ("GET", PREFIX + described)
        )
        assert shape is not None
        msgspec.json.decode(merchant.get(path).content, type=shape, strict=True)
