"""A CSV file as rows: its first line names the columns, each other line is a payment.

A record is one line, as in a statement: a quote that is not closed breaks its own line. Columns that mean nothing here
are left unread and named.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

from recoup.kernel.nearest import nearest
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.money.encodings import Line
from recoup.rules.money.statement import DELIMITERS
from recoup.rules.network.card_text import Room
from recoup.rules.uploads.card_data import NO_NUMBER, ROW_CHARS_MAX, is_number
from recoup.rules.uploads.record import Header, Record, check_nothings

COLUMNS_MAX: Final = 200
NAME_MAX: Final = 64
CELL_MAX: Final = 4_096
_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class Column(NamedTuple):
    """Where a cell goes in the body, and what is read from its text."""

    path: tuple[str, ...]
    kind: Literal["text", "number", "flag"]


class TableRows:
    """Iterating gives the records. Raises: Problem(invalid) when the first line names no column that is needed."""

    def __init__(self, lines: Iterable[Line], known: Mapping[str, Column]) -> None:
        every = iter(lines)
        first = next((line for line in every if line.text is None or line.text.strip()), None)
        if first is None:
            raise Problem("invalid", "The file is empty.", field="file", cure="It needs a header and rows.")
        if first.text is None:
            raise Problem("invalid", Sentence("Line {0}, the header, {1}.", first.number, first.why), field="file")
        self._delimiter = max(DELIMITERS, key=(first.text or "").count)
        names = self._cells(first.text)
        if names is None or len(names) > COLUMNS_MAX:
            message = Sentence(
                "Line {0}, the header, has quotes that do not fit, or over {1} columns.", first.number, COLUMNS_MAX
            )
            raise Problem("invalid", message, field="file", cure="Look at the file's first line.")
        self.names = tuple(name.strip() for name in names)
        self.columns = _columns(self.names, known, first.number)
        unread = [name[:60] or "(no name)" for name, column in zip(self.names, self.columns, strict=True) if not column]
        self.notes: list[str] = (
            [Sentence("Columns that nothing was read from: {0}.", ", ".join(unread[:20]))] if unread else []
        )
        self.notes += _ambiguous(unread, known)
        self._lines, self.header = chain(every), Header()

    def __iter__(self) -> Iterator[Record]:
        """Raises: Problem(too_large) for a file of empty lines."""
        number = empty = 0
        for line in self._lines:
            if line.text is not None and not line.text.strip():
                empty += 1
                check_nothings(empty)
                continue
            number += 1
            if line.text is None:
                yield Record(number, line.number, code=line.code, why="it " + line.why)
                continue
            cells = self._cells(line.text)
            if cells is None:
                yield Record(number, line.number, code="broken", why="its quotes do not fit")
            elif len(cells) != len(self.names):
                why = Sentence("it has {0} fields, the header has {1}", f"{len(cells):,}", len(self.names))
                yield Record(number, line.number, code="broken", why=why)
            else:
                yield Record(number, line.number, cells=tuple(cells))

    def _cells(self, text: str) -> list[str] | None:
        try:
            rows = list(csv.reader([text], delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        return rows[0] if len(rows) == 1 else None


def body_of(columns: Sequence[Column | None], cells: Sequence[str]) -> dict[str, Any]:
    """A row's cells as the body that a single call has. Empty cells are left out; a text that is no number or truth
    value stays text, so that the reader of the body complains about it by its name.

    Raises: Problem(invalid) for a cell that is too long.
    """
    body: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        text = cell.strip()
        if column is None or not text:
            continue
        if len(text) > CELL_MAX:
            field = ".".join(column.path)
            raise Problem(
                "invalid", Sentence("{0} is longer than {1} characters.", field, f"{CELL_MAX:,}"), field=field
            )
        inner = body
        for name in column.path[:-1]:
            inner = inner.setdefault(name, {})
        inner[column.path[-1]] = _value(text, column.kind)
    return body


def plain(name: str) -> str:
    """How names of columns are compared: without case and punctuation."""
    return re.sub(r"[\W_]+", "", name.lower())


def is_like(name: str, known: str, cutoff: float = 0.7) -> bool:
    """Whether somebody who wrote `name` may have meant `known`. At most as much work as two short names are."""
    if not len(known) / 2 < len(name) < len(known) * 2:
        return False
    return nearest(name.lower(), [known], cutoff) is not None


def _ambiguous(unread: Sequence[str], known: Mapping[str, Column]) -> list[str]:
    """What to write instead of names that several objects' fields have."""
    found: list[str] = []
    for name in unread[:20]:
        fields = sorted({".".join(one.path) for one in known.values() if plain(one.path[-1]) == plain(name)})
        if len(fields) > 1:
            found.append(
                Sentence("The column {0} may mean {1}: write the one that is meant.", name, " or ".join(fields))
            )
    return found


def _value(text: str, kind: str) -> Any:
    if kind == "flag":
        return _TRUTH.get(text.lower(), text)
    if kind == "number" and _WHOLE.fullmatch(text):
        return int(text)
    return text


def _columns(names: Sequence[str], known: Mapping[str, Column], number: int) -> tuple[Column | None, ...]:
    found = [known.get(plain(name)) for name in names]
    have = ", ".join(repr(name[:40]) for name in names[:20])
    room = Room(ROW_CHARS_MAX)
    if any(is_number(name, room) for name in names):
        raise Problem("invalid", Sentence("Line {0}, the header, {1}.", number, NO_NUMBER), field="file")
    for name, column in zip(names, found, strict=True):
        if column is None and is_like(plain(name[:NAME_MAX]), "expirydateutc"):
            raise Problem(
                "invalid",
                Sentence("Line {0}, the header, has {1}; did you mean expiryDateUtc?", number, repr(name[:40])),
                field="file",
                cure="Name the column expiryDateUtc.",
            )
        if column is not None and found.count(column) > 1:
            message = Sentence(
                "Line {0}, the header, names {1} twice; it has {2}.", number, ".".join(column.path), have
            )
            raise Problem("invalid", message, field="file", cure="Name each column once.")
    if not any(column and column.path[-1] in ("orderId", "transmitId") for column in found):
        raise Problem(
            "invalid",
            Sentence("Line {0}, the header, has no orderId; it has {1}.", number, have),
            field="file",
            cure="Name the columns in the first line; docs/bulk.md lists them.",
        )
    return tuple(found)
