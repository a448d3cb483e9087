"""A file, looked over and then read: whose it is, what it does not say and has to be asked, and its
attempts.

`look_over` reads all of it once; what it finds to ask is asked in the dry run, never guessed.
`Looked.read` reads it again, as attempts, lines that say why not, and rows that are no attempts.
"""

from collections.abc import Iterator
from dataclasses import field
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Final, Literal

from recoup.imports.rules.answers import (
    Answers,
    Question,
    check_answers,
    of_decimal,
    of_order,
    of_units,
    of_zone,
)
from recoup.imports.rules.profile import (
    HISTORY,
    Layout,
    Profile,
    layout_of,
    objects,
    open_table,
    profiles,
)
from recoup.imports.rules.reader import Outcome, Reader
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, figure, invalid, too_large
from recoup.kit.files.amounts import SignEvidence
from recoup.kit.files.lines import decoded, lines
from recoup.kit.files.moments import AMBIGUOUS, Order, OrderEvidence, read_moment, zone_named
from recoup.kit.files.source import Source, encoding_in, encoding_note
from recoup.kit.files.table import unread_note

ROWS_MAX: Final = 2_000_000
ZONES_MAX: Final = 20


@frozen
class Looked:
    """Facts of a file before its rows are read. `decimal`, `order`: the column's, or as it was
    answered. `digest`: of its unpacked bytes. `questions`: while there are any, nothing is
    imported."""

    source: Source
    form: Literal["table", "json"]
    encoding: str
    layout: Layout
    answers: Answers
    decimal: str
    order: Order
    digest: bytes
    questions: tuple[Question, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        return self.layout.profile

    def read(self, until: datetime, *, world: bool) -> Iterator[Outcome]:
        """Reads the rows in the file's order. `until`: nothing of it happened later; `world`: card
        numbers of simulated worlds are read. Raises: Problem(too_large) for more rows than
        `ROWS_MAX`."""
        reader = Reader(self.layout, self.answers, self.decimal, self.order, until, world)
        if self.form == "json":
            outcomes = reader.objects(objects(decoded(self.source(), self.encoding)))
        else:
            outcomes = reader.rows(
                open_table(lines(self.source(), self.encoding), self.answers.profile)
            )
        count = 0
        for count, outcome in enumerate(outcomes, 1):
            if count > ROWS_MAX:
                raise too_large(Sentence("The file has more than {0} rows.", figure(ROWS_MAX)))
            yield outcome
        if not count:
            raise invalid("The file has no rows.", "file", "Add at least one row.")


def look_over(source: Source, answers: Answers) -> Looked:
    """Reads the whole file. Raises: Problem(invalid) for one that is no table of a known export and
    no JSON of ours, and for answers that cannot be; Problem(too_large) as its source."""
    check_answers(answers)
    digest = sha256()
    for piece in source():
        digest.update(piece)
    encoding = encoding_in(source)
    if "".join(islice(decoded(source(), encoding), 2)).lstrip().strip("\0")[:1] in ("{", "["):
        profile = profiles()[HISTORY]
        layout = layout_of(profile, [])
        return Looked(source, "json", encoding, layout, answers, ".", "", digest.digest())
    table = open_table(lines(source(), encoding), answers.profile)
    layout = layout_of(table.header.known, table.header.names)
    evidence = _Evidence(layout)
    for record in table:
        if record.cells is not None:
            evidence.look(record.cells)
    decimal = answers.decimal or ("." if layout.profile.amount == "minor" else evidence.sign.sign())
    order = layout.profile.order or answers.order or evidence.order.order()
    notes = [*table.header.passed_over, *_notes(layout, encoding)]
    return Looked(
        source,
        "table",
        encoding,
        layout,
        answers,
        decimal,
        order,
        digest.digest(),
        tuple(evidence.questions(answers, decimal, order)),
        notes,
    )


class _Evidence:
    """Evidence from the columns of amounts, dates and zones, over all rows."""

    def __init__(self, layout: Layout) -> None:
        self.sign, self.order, self.words = SignEvidence(), OrderEvidence(), dict[str, None]()
        self._layout, places = layout, layout.places
        self._amount, self._at, self._zone = (
            places.get(name, ()) for name in ("amount", "at", "zone")
        )
        self._example = ""
        profile = layout.profile
        self._asks_zone = not (profile.zone or (layout.zone and zone_named(layout.zone)))

    def look(self, cells: list[str]) -> None:
        amount, at = _filled(cells, self._amount), _filled(cells, self._at)
        if amount:
            self.sign.look(amount)
            self._example = self._example or amount
        if at and at[4:5] != "-":
            self.order.look(at)
        if self._asks_zone and at and len(self.words) < ZONES_MAX:
            self._look_zone(_filled(cells, self._zone), at)

    def _look_zone(self, column: str, at: str) -> None:
        if column:
            self.words.setdefault(column.upper() if column.upper() in AMBIGUOUS else "named")
            return
        read = read_moment(at, "day") or read_moment(at, "month")
        if read is not None and read.zone is not None:
            word = read.zone.upper()
            self.words.setdefault(word if not word or word in AMBIGUOUS else "named")

    def questions(self, answers: Answers, decimal: str, order: Order) -> Iterator[Question]:
        profile, header = self._layout.profile, self._layout.zone.upper()
        two = [word for word in self.words if word in AMBIGUOUS] + [header] * (header in AMBIGUOUS)
        if not answers.zone and (two or "" in self.words):
            yield of_zone(", ".join(dict.fromkeys(two)))
        if self.order.numbered and not order:
            yield of_order(
                " · ".join(
                    example
                    for example in (self.order.example, self.order.day, self.order.month)
                    if example
                )
            )
        if not decimal:
            yield of_decimal(self.sign.examples())
        if (
            profile.amount == "unsure"
            and not answers.units
            and not self.sign.decimals
            and self._example
        ):
            yield of_units(self._example)


def _filled(cells: list[str], places: tuple[int, ...]) -> str:
    return next((text for place in places if (text := cells[place].strip())), "")


def _notes(layout: Layout, encoding: str) -> list[str]:
    notes: list[str] = []
    notes += encoding_note(encoding) + unread_note(layout.unread)
    if layout.profile.no_reasons:
        notes.append(
            Sentence(
                "This report does not say why a payment was declined; the received payments report "
                "does."
            )
        )
    return notes
