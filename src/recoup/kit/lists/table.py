"""Many rows of a list as the bytes of a file, a column at a time: a row costs no step of its
own."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, Literal, NamedTuple

from recoup.kernel.encode import encode_lines
from recoup.kit.files.cells import FORMULA, MARK

Kind = Literal[
    "text", "number", "moment", "plain"
]  # plain: a text that never begins like a formula, or a count


class Cell(NamedTuple):
    """`name` in JSON, `heading` in tables. `value` of the fields it `needs`; None: the field as it
    is."""

    name: str
    heading: str
    needs: tuple[str, ...]
    value: Callable[..., Any] | None = None
    kind: Kind = "plain"


class Table:
    """`fields`: what of a row the cells are made of, in the order in which `rows` must have
    them."""

    def __init__(self, chosen: Sequence[Cell]) -> None:
        self.chosen = tuple(chosen)
        self.fields: tuple[str, ...] = tuple(
            dict.fromkeys(name for cell in chosen for name in cell.needs)
        )
        self._places = [tuple(self.fields.index(name) for name in cell.needs) for cell in chosen]
        self._names = tuple(cell.name for cell in chosen)

    @property
    def heads(self) -> list[tuple[str, Kind]]:
        return [(cell.heading, cell.kind) for cell in self.chosen]

    def cells(self, rows: Sequence[Sequence[Any]]) -> Iterable[Sequence[Any]]:
        return zip(*self.columns(rows), strict=True)

    def columns(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """The cells' values, column by column; `rows` are at least one."""
        given = list(zip(*rows, strict=True))
        return [
            given[places[0]]
            if cell.value is None
            else list(map(cell.value, *(given[place] for place in places)))
            for cell, places in zip(self.chosen, self._places, strict=True)
        ]

    def head(self, form: str) -> bytes:
        """Beginning of a file, before any row."""
        return (
            MARK.encode() + _lines([[cell.heading for cell in self.chosen]])
            if form == "csv"
            else b"["
        )

    def body(self, form: str, rows: Sequence[Sequence[Any]], *, first: bool) -> bytes:
        """Rows of a CSV, or of a JSON array with one object a line; `first`: no row came before."""
        columns = self.columns(rows)
        if form == "csv":
            kinds = (cell.kind for cell in self.chosen)
            safe = [
                ["'" + text if text and text[0] in FORMULA else text for text in column]
                if kind == "text"
                else column
                for kind, column in zip(kinds, columns, strict=True)
            ]
            return _lines(zip(*safe, strict=True))
        made = list(map(dict, map(zip, repeat(self._names), zip(*columns, strict=True))))
        # Inside a text a line's end is written as two signs: a bare one parts two objects.
        lines = encode_lines(made)[:-1].replace(b"\n", b",\n")
        return (b"\n" if first else b",\n") + lines

    def tail(self, form: str, *, empty: bool) -> bytes:
        return b"" if form == "csv" else b"]\n" if empty else b"\n]\n"


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
