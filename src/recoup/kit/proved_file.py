"""A file of JSON lines that its receiver proves without a database: a head, parts, an end with the
checksum of what stands before it. Which parts there are, and what they must agree in, is each
kind's own: settlement, certificate.

Source: decisions 0023, 0076.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

LINE_BYTES_MAX: Final = 16 * 1024 * 1024
NUMBER_MAX: Final = 10**30  # atomic units of eighteen decimals; products of two are still small
Difference = tuple[str, str, str]  # what does not hold, the value expected, the value found
_decode: Final = msgspec.json.Decoder().decode


class Wrong(NamedTuple):
    """The first thing that does not hold: where (the line of the file, from 1), what, and both
    values."""

    line: int
    field: str
    expected: str
    found: str


def first_wrong(
    lines: Iterable[bytes],
    noun: str,
    take: Callable[[dict[str, Any], bytes, str], Difference | None],
    whole: Callable[[], Difference | None],
    *,
    line_end: bytes = b"",
) -> Wrong | None:
    """Reads the file once, a line at a time; None when all of it holds.

    `take` gets each part, its bytes, and the SHA-256 (hex) of the lines before it; a part that
    lacks a member or holds another type may raise as looking it up does. `whole` is asked after the
    last line. A line has at most 16 MiB and ends with `line_end`. `noun`: what the file ought to
    be.
    """
    digest, number = hashlib.sha256(), 0
    for number, raw in enumerate(lines, 1):  # noqa: B007 - the last number is the end's
        try:
            part = _decode(raw) if len(raw) <= LINE_BYTES_MAX and raw.endswith(line_end) else None
            _check_numbers(part)
            is_no_object = ("line", "a JSON object", "none")
            wrong = take(part, raw, digest.hexdigest()) if isinstance(part, dict) else is_no_object
        except (
            msgspec.DecodeError,
            ValueError,
            AttributeError,
            KeyError,
            TypeError,
            IndexError,
            RecursionError,
            MemoryError,
        ) as error:
            odd = f"no {error}" if isinstance(error, KeyError) else f"{error}"[:100]
            wrong = ("line", f"a part of a {noun}", odd or "nothing of the kind")
        if wrong is not None:
            return Wrong(number, *wrong)
        digest.update(raw)
    wrong = whole()
    return None if wrong is None else Wrong(number, *wrong)


def whole(part: Mapping[str, Any], name: str) -> int:
    """A member that is counted with: a text times a number is a text of any size. Raises:
    TypeError."""
    number = part[name]
    if type(number) is not int:
        raise TypeError(f"{name} is no whole number")
    return number


def _check_numbers(part: Any) -> None:
    """Raises: ValueError for a number that is larger than any sum of money."""
    waiting = [part]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int | float) and not -NUMBER_MAX <= value <= NUMBER_MAX:
            raise ValueError("a number that is too large")


def differs(name: str, expected: str, actual: Any) -> Difference | None:
    """Compares both; None when they are the same."""
    return None if expected == actual else (name, expected, str(actual))
