"""A table's lines as records: a quote that is open at a line's end goes on in the next ones, within
bounds; one that is never closed costs its own line only."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from recoup.kernel.problem import Sentence, figure, too_large
from recoup.kit.files.ids import MARKS, plain_cell
from recoup.kit.files.lines import LINE_MAX, Line

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
            found = cells_of(text, delimiter)
            misfit = "" if found is not None else Sentence("has quotes that do not fit")
            yield Cells(line.number, found, "broken" if misfit else "", misfit)
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
            found = cells_of("\n".join(parts), delimiter)
            if found is not None:
                return Cells(line.number, found)
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
        plain_cell(one) if one and (one[0] in MARKS or one[-1] in MARKS) else one for one in rows[0]
    ]
