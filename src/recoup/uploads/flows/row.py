"""Means that a door brings along to read rows, and how a row waits until its turn comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem, cut
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.transmit import Transmitted
from recoup.uploads.rules.table import Column

ERRORS_MAX: Final = 10
TEXT_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Became:
    """A row of a transmit file with a `transmitId`: what became of an earlier one."""

    transmit_id: UUID
    outcome: dict[str, Any]


Given = EvaluateRequest | Transmitted | Became


@dataclass(frozen=True, slots=True)
class Reader:
    """Reader of the rows of one kind, as the bodies of single calls are read.

    `columns`: a column's plain name -> its place in the body. `body`: from a row's JSON; `read`: of
    the merchant. Both raise Problem.
    """

    columns: Mapping[str, Column]
    body: Callable[[str], dict[str, Any]]
    read: Callable[[dict[str, Any], UUID], Given]


class Readers:
    """The readers of a process, by kind; without any, no files are taken."""

    def __init__(self, by_kind: Mapping[str, Reader] = MappingProxyType({})) -> None:
        self.by_kind = by_kind


class Kept(msgspec.Struct, array_like=True):
    """A checked row while it waits: one of the three."""

    declined: EvaluateRequest | None = None
    transmitted: Transmitted | None = None
    became: Became | None = None


def kept(given: Given) -> bytes:
    if isinstance(given, EvaluateRequest):
        return encode(Kept(declined=given))
    return encode(Kept(transmitted=given) if isinstance(given, Transmitted) else Kept(became=given))


def given_of(raw: bytes) -> Given:
    row = _decode(raw)
    given = row.declined or row.transmitted or row.became
    assert given is not None
    return given


def errors_of(problem: Problem) -> list[dict[str, str]]:
    """Errors for the answer file: each complaint with its field; the cure with the first, hints
    with theirs."""
    errors = [
        {"field": name, "message": cut(text, TEXT_MAX)}
        for name, texts in problem.fields.items()
        for text in texts
    ]
    errors = errors[:ERRORS_MAX] or [
        {"field": problem.field or "", "message": cut(problem.message, TEXT_MAX)}
    ]
    if problem.cure:
        errors[0]["cure"] = cut(problem.cure, TEXT_MAX)
    hints = problem.facts.get("hints", {})
    for error in errors:
        if error["field"] in hints:
            error.setdefault("cure", hints[error["field"]])
    return errors


_decode: Final = msgspec.json.Decoder(Kept).decode
