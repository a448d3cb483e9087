"""Every answer of the door against what its operation is told to answer."""

import re
from functools import lru_cache
from typing import Any

import httpx
import msgspec
from tests.doors.rescue.shapes import CODES, check_refused

from recoup.doors.edge.described import Operation
from recoup.doors.rescue.app import OPERATIONS

# What any call may hear besides its operation's own problems.
ANY = frozenset({"malformed", "invalid", "unauthenticated", "forbidden", "no_such_path", "method_not_allowed",
                 "too_large", "too_many_requests", "internal", "unavailable"})  # fmt: skip


@lru_cache(maxsize=10_000)
def operation_of(method: str, path: str) -> Operation | None:
    plain = re.sub("/{2,}", "/", path.partition("?")[0]).rstrip("/")
    for one in OPERATIONS:
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one.path))
        if one.method == method and re.fullmatch(pattern, plain):
            return one
    return None


def check_told(operation: Operation, answer: httpx.Response) -> Any:
    """The answer is one that is told, with every member known and no other; the body."""
    told = f"{operation.method} {operation.path}: {answer.status_code} {answer.text[:400]}"
    if answer.status_code >= 400:
        body = check_refused(answer)
        assert CODES[answer.headers["x-recoup-code"]] in ANY | set(operation.problems), told
        return body
    assert answer.status_code in operation.answers, told
    shape = operation.answers[answer.status_code]
    if shape is None:
        assert answer.content == b"", told
        return None
    try:
        value = msgspec.json.decode(answer.content, type=shape)
    except msgspec.ValidationError as error:
        raise AssertionError(f"{error} in {told}") from None
    assert msgspec.json.decode(msgspec.json.encode(value)) == answer.json(), told
    return answer.json()
