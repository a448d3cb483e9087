"""Every answer of a door against what its operation is told to answer: what the dialects share."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec

from recoup.kit.edge.described import Operation


def finder(operations: Sequence[Operation]) -> Callable[[str, str], Operation | None]:
    """Method and path, as sent -> the operation that answers."""
    patterns = [
        (one, re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one.path)), re.DOTALL))
        for one in operations
    ]

    @lru_cache(maxsize=10_000)
    def operation_of(method: str, path: str) -> Operation | None:
        plain = re.sub("/{2,}", "/", unquote(path.partition("?")[0])).rstrip("/")
        return next(
            (one for one, fits in patterns if one.method == method and fits.fullmatch(plain)), None
        )

    return operation_of


def check_answer(operation: Operation, answer: httpx.Response, told: str) -> Any:
    """A success is one that is told, with every member known and no other; the body."""
    assert answer.status_code in operation.answers, told
    if answer.content:
        assert answer.headers["content-type"].partition(";")[0] in operation.types, told
    if answer.headers.get("content-type", "").startswith("text/csv"):
        return answer.text  # a file, asked for as one
    shape = operation.answers[answer.status_code]
    if shape is not None and answer.headers.get("content-type", "").startswith(
        "application/x-ndjson"
    ):
        for line in answer.text.splitlines():
            value = msgspec.json.decode(line, type=shape)
            known, whole = (
                msgspec.json.decode(msgspec.json.encode(value)),
                msgspec.json.decode(line),
            )
            assert known == whole or (
                getattr(shape, "of_many_kinds", False) and known.items() <= whole.items()
            ), told
        return answer.text
    if shape is None:
        assert answer.content == b"", told
        return None
    try:
        value = msgspec.json.decode(answer.content, type=shape)
    except msgspec.ValidationError as error:
        raise AssertionError(f"{error} in {told}") from None
    assert msgspec.json.decode(msgspec.json.encode(value)) == answer.json(), told
    return answer.json()
