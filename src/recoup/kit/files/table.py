"""A table of any common making: its header, wherever that stands in the first lines, and the
records below it. A quote that is open at a line's end goes on in the next ones, within bounds; one
that is never closed costs its own line only.

Each use says which headers it knows; how a file is written is all one to it."""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from recoup.kernel.problem import Problem, Sentence, figure, invalid, too_large
from recoup.kit.files.ids import MARKS, plain_cell
from recoup.kit.files.lines import LINE_MAX, Line
from recoup.networks.card_text import masked_numbers

LINES_MAX: Final = 50  # of one record
NOTHINGS_MAX: Final = 250_000  # empty lines beyond as many as there are records


class Cells(NamedTuple):
    """`cells` None: the record cannot be read, `why` says so and `code` for machines; `misfit`: its
    cells, where they are more or fewer than the header's."""

    line: int
    cells: list[str] | None
    code: str = ""
    why: str = ""
    misfit: Sequence[str] = ()


def records(lines: Iterable[Line], delimiter: str) -> Iterator[Cells]:
    """Empty lines are passed over. Raises: Problem(too_large) for a file of which nearly nothing is
    records."""
    every, again = iter(lines), deque[Line]()
    room = NOTHINGS_MAX
    while room:
        line = again.popleft() if again else next(every, None)
        if line is None:
            return
        text = line.text
        if text is None:
            yield Cells(line.number, None, line.code, line.why)
        elif '"' not in text:
            if text and not text.isspace():
                room += 1
                yield Cells(line.number, cells_of(text, delimiter))
            else:
                room -= 1
        elif text.count('"') % 2 == 0:
            cells = cells_of(text, delimiter)
            misfit = "" if cells is not None else Sentence("has quotes that do not fit")
            yield Cells(line.number, cells, "broken" if misfit else "", misfit)
        else:
            yield _joined(line, text, delimiter, every, again)
    raise too_large(
        Sentence("The file has over {0} empty lines, more than rows.", figure(NOTHINGS_MAX)),
        "Leave them out.",
    )


def _joined(
    line: Line, text: str, delimiter: str, every: Iterator[Line], again: deque[Line]
) -> Cells:
    """A record of several lines; where they make none, the lines after its first are looked at
    again."""
    taken: list[Line] = []
    parts, chars = [text], len(text)
    while len(taken) < LINES_MAX:
        following = again.popleft() if again else next(every, None)
        if following is None:
            break
        taken.append(following)
        if following.text is None:
            break
        parts.append(following.text)
        chars += len(following.text)
        if chars > LINE_MAX:
            break
        if following.text.count('"') % 2:
            cells = cells_of("\n".join(parts), delimiter)
            if cells is not None:
                return Cells(line.number, cells)
            break
    again.extendleft(reversed(taken))
    return Cells(line.number, None, "broken", Sentence("has a quote that is not closed"))


def cells_of(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record, which may have line breaks in its quotes; None where the quotes do
    not fit."""
    rows = [text.split(delimiter)]
    if '"' in text:
        try:
            rows = list(csv.reader([text], delimiter=delimiter, strict=True))
        except csv.Error:
            return None
    if len(rows) != 1:
        return None
    return [
        plain_cell(cell) if cell and (cell[0] in MARKS or cell[-1] in MARKS) else cell
        for cell in rows[0]
    ]


HEADER_WITHIN: Final = 20  # lines
COLUMNS_MAX: Final = 400
NAME_MAX: Final = 60  # as it is shown
NAME_CHARS_MAX: Final = 200  # as it is read: no column of anybody's has more
NAMES_SHOWN: Final = 20
DELIMITERS: Final = (",", ";", "\t", "|")
T = TypeVar("T")


class Header(NamedTuple, Generic[T]):
    """`names`: its cells. `known`: what the use made of them. `line`: where it stands."""

    known: T
    names: tuple[str, ...]
    delimiter: str
    line: int

    @property
    def passed_over(self) -> list[str]:
        """A note about what stands before it."""
        return [
            Sentence("The header is line {0}; the lines before it were skipped.", self.line)
        ] * (self.line > 1)


class Table(Generic[T]):
    """A table being read: first its header, then its records, in the file's order.

    `fits`: what a use makes of a header, None where it is none of its own. `unknown`: what to say
    where none of the first lines is one, of the widest line's number and names. Raises:
    Problem(invalid) as `unknown` says, for an empty file, and for what is no text.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        fits: Callable[[Sequence[str]], T | None],
        unknown: Callable[[int, Sequence[str]], Problem],
        delimiter: str = "",
    ) -> None:
        self._lines = iter(lines)
        self.header = _header(self._lines, fits, unknown, (delimiter,) if delimiter else DELIMITERS)

    def __iter__(self) -> Iterator[Cells]:
        """Yields the records; one with another number of cells than the header is broken."""
        width = len(self.header.names)
        for record in records(self._lines, self.header.delimiter):
            cells = record.cells
            if cells is None or len(cells) == width:
                yield record
            else:
                misfit = Sentence("has {0} fields, the header has {1}", len(cells), width)
                yield Cells(record.line, None, "broken", misfit, cells)


def _header(
    lines: Iterator[Line],
    fits: Callable[[Sequence[str]], T | None],
    unknown: Callable[[int, Sequence[str]], Problem],
    delimiters: Sequence[str],
) -> Header[T]:
    widest: tuple[int, list[str]] = (0, [])
    unread: Line | None = None
    for line in islice(lines, HEADER_WITHIN):
        if line.text is None or not line.text.strip():
            unread = unread or (line if line.text is None else None)
            continue
        if line.text.count('"') % 2:
            unread = unread or line._replace(text=None, why=Sentence("has quotes that do not fit"))
            continue
        for delimiter in delimiters:
            names = [name.strip()[:NAME_CHARS_MAX] for name in cells_of(line.text, delimiter) or []]
            if len(names) > COLUMNS_MAX:
                unread = unread or line._replace(
                    text=None, why=Sentence("has over {0} columns", COLUMNS_MAX)
                )
                continue
            known = fits(names) if any(names) else None
            if known is not None:
                return Header(known, tuple(names), delimiter, line.number)
            if len(names) > len(widest[1]) and any(names):
                widest = (line.number, names)
    if widest[0] and (unread is None or unread.number > widest[0]):
        raise unknown(*widest)
    if unread is None:
        raise invalid("The file is empty.", "file", "It needs a header and rows.")
    raise invalid(
        Sentence("Line {0}, the header, {1}.", unread.number, unread.why),
        "file",
        "Export it as CSV, in UTF-8.",
    )


def plain(name: str) -> str:
    """A column's name for comparison: without case, blanks and punctuation."""
    return "".join(filter(str.isalnum, name.lower()))


def shown_name(name: str) -> str:
    """A column's name as it may be shown: anybody may have written it."""
    return masked_numbers(name.strip()[:NAME_MAX]) or "(no name)"


def shown_names(names: Iterable[str]) -> str:
    return ", ".join(shown_name(name) for name in islice(names, NAMES_SHOWN))


def unread_note(names: Sequence[str], most: int = NAME_MAX) -> list[str]:
    """A note about columns that mean nothing here."""
    shown = ", ".join(shown_name(name) for name in names[:most])
    return [Sentence("Columns that nothing was read from: {0}.", shown)] if names else []
