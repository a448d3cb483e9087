"""A CSV file as rows: its header names the columns, each record below it is a payment. Columns that
mean nothing here are left unread and named."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from recoup.kernel.money import EXPONENTS
from recoup.kernel.nearest import is_like
from recoup.kernel.problem import Problem, Sentence, figure, invalid
from recoup.kit.files.amounts import NoAmount, units_of
from recoup.kit.files.lines import Line
from recoup.kit.files.moments import AMBIGUOUS, read_moment, zone_named
from recoup.kit.files.table import Table, plain, shown_names, unread_note
from recoup.networks.card_text import Room
from recoup.uploads.rules.card_data import NO_NUMBER, ROW_CHARS_MAX, is_number
from recoup.uploads.rules.rows import Header, Record

NAME_MAX: Final = 64
CELL_MAX: Final = 4_096
_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_ASSET: Final = ("transaction", "currency")
_IN_UNITS: Final = "Write it in the smallest unit, without a currency: 4590 for 45.90."
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class Column(NamedTuple):
    """Place of a cell in the body, and what is read from its text."""

    path: tuple[str, ...]
    kind: Literal["text", "number", "flag", "amount", "moment"]


class TableRows:
    """Iterating gives the records. Raises: Problem(invalid) when none of the first lines names a
    column that is needed."""

    def __init__(self, lines: Iterable[Line], known: Mapping[str, Column]) -> None:
        self._table = Table(lines, lambda names: names if _has_id(names, known) else None, _unknown)
        header = self._table.header
        self.names, self.columns, self.header = (
            header.names,
            _columns(header.names, known, header.line),
            Header(),
        )
        unread = [name for name, column in zip(self.names, self.columns, strict=True) if not column]
        self.notes: list[str] = [
            *header.passed_over,
            *unread_note(unread, 20),
            *_ambiguous(unread, known),
        ]

    def __iter__(self) -> Iterator[Record]:
        """Raises: Problem(too_large) for a file of empty lines."""
        for number, record in enumerate(self._table, 1):
            if record.cells is None:
                yield Record(number, record.line, code=record.code, why=record.why)
            else:
                yield Record(number, record.line, cells=tuple(record.cells))


def body_of(columns: Sequence[Column | None], cells: Sequence[str]) -> dict[str, Any]:
    """A row's cells as the body that a single call has. Empty cells are left out; a text that is no
    number or truth value stays text, so that the reader of the body complains about it by its name.

    Raises: Problem(invalid) for a cell that is too long.
    """
    body: dict[str, Any] = {}
    asset = next(
        (
            cell.strip().upper()
            for column, cell in zip(columns, cells, strict=True)
            if column and column.path == _ASSET
        ),
        "",
    )
    for column, cell in zip(columns, cells, strict=True):
        text = cell.strip()
        if column is None or not text:
            continue
        if len(text) > CELL_MAX:
            field = ".".join(column.path)
            raise invalid(
                Sentence("{0} is longer than {1} characters.", field, figure(CELL_MAX)), field
            )
        inner = body
        for name in column.path[:-1]:
            inner = inner.setdefault(name, {})
        inner[column.path[-1]] = (
            _amount(text, asset, column) if column.kind == "amount" else _value(text, column.kind)
        )
    return body


def _ambiguous(unread: Sequence[str], known: Mapping[str, Column]) -> list[str]:
    """Hints what to write instead of names that several objects' fields have."""
    hints: list[str] = []
    for name in unread[:20]:
        fields = sorted(
            {
                ".".join(column.path)
                for column in known.values()
                if plain(column.path[-1]) == plain(name)
            }
        )
        if len(fields) > 1:
            hints.append(
                Sentence(
                    "The column {0} may mean {1}: write the one that is meant.",
                    name,
                    " or ".join(fields),
                )
            )
    return hints


def _value(text: str, kind: str) -> Any:
    if kind == "flag":
        return _TRUTH.get(text.lower(), text)
    if kind == "number" and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "moment" and text[4:5] != "-" and (read := read_moment(text, "")) is not None:
        zone = (
            zone_named(read.zone or "UTC") if (read.zone or "").upper() not in AMBIGUOUS else None
        )
        return (
            read.at.replace(tzinfo=read.at.tzinfo or zone).isoformat() if zone is not None else text
        )
    return text


def _amount(text: str, asset: str, column: Column) -> int | str:
    """An amount in the smallest unit, without a decimal sign. Raises: Problem(invalid) for one in
    another currency."""
    if _WHOLE.fullmatch(text) or asset not in EXPONENTS or "." in text or "," in text:
        return _value(text, "number")  # type: ignore[no-any-return]
    amount = units_of(text, asset, ".", EXPONENTS[asset])
    if isinstance(amount, NoAmount):
        field = ".".join(column.path)
        raise invalid(Sentence("The field {0} {1}.", field, amount.what), field, _IN_UNITS)
    return -amount[0] if amount[1] else amount[0]


def _columns(
    names: Sequence[str], known: Mapping[str, Column], number: int
) -> tuple[Column | None, ...]:
    columns = [known.get(plain(name)) for name in names]
    room = Room(ROW_CHARS_MAX)
    if any(is_number(name, room) for name in names):
        raise invalid(Sentence("Line {0}, the header, {1}.", number, NO_NUMBER), "file")
    for name, column in zip(names, columns, strict=True):
        if column is None and is_like(plain(name[:NAME_MAX]), "expirydateutc"):
            raise invalid(
                Sentence(
                    "Line {0}, the header, has {1}; did you mean expiryDateUtc?",
                    number,
                    repr(name[:40]),
                ),
                "file",
                "Name the column expiryDateUtc.",
            )
        if column is not None and columns.count(column) > 1:
            message = Sentence(
                "Line {0}, the header, names {1} twice; it has {2}.",
                number,
                ".".join(column.path),
                shown_names(names),
            )
            raise invalid(message, "file", "Name each column once.")
    return tuple(columns)


def _has_id(names: Sequence[str], known: Mapping[str, Column]) -> bool:
    return any(
        column.path[-1] in ("orderId", "transmitId")
        for name in names
        if (column := known.get(plain(name))) is not None
    )


def _unknown(number: int, names: Sequence[str]) -> Problem:
    return invalid(
        Sentence("Line {0}, the header, has no orderId; it has {1}.", number, shown_names(names)),
        "file",
        "Name the columns in the first line; docs/connect.md lists them.",
    )
