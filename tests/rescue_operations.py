"""Every answer of the door against what its operation is told to answer."""

from typing import Any

import httpx
from tests.operations import check_answer, finder
from tests.rescue_shapes import CODES, check_refused

from recoup.kit.edge.described import Operation
from recoup.main.api import OPERATIONS

# What any call may hear besides its operation's own problems.
ANY = frozenset(
    {
        "malformed",
        "invalid",
        "unauthenticated",
        "forbidden",
        "no_such_path",
        "method_not_allowed",
        "too_large",
        "too_many_requests",
        "internal",
        "unavailable",
    }
)
operation_of = finder(OPERATIONS)


def check_told(operation: Operation, answer: httpx.Response) -> Any:
    """The answer is one that is told; the body."""
    told = f"{operation.method} {operation.path}: {answer.status_code} {answer.text[:400]}"
    if answer.status_code < 400:
        return check_answer(operation, answer, told)
    body = check_refused(answer)
    assert CODES[answer.headers["x-recoup-code"]] in ANY | set(operation.problems), told
    return body
