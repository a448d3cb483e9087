"""A bank's answer file: what became of payouts, one a row.

A table of any common making with the columns `payout` (its id or its reference), `outcome` (paid or
returned), `reason` for a return.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from recoup.kernel.counterpart_text import REFERENCE_MAX, SENTENCE_MAX
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.files.ids import BadCell, check_id, plain_cell
from recoup.kit.files.lines import lines
from recoup.kit.files.source import Source, encoding_in
from recoup.kit.files.table import Table, plain, shown_names

OUTCOMES: Final = ("paid", "returned")
_COLUMNS: Final = ("payout", "outcome", "reason")


class PayoutReturn(NamedTuple):
    """`line` of the file, from 1; `payout` as it is written there; `outcome`: paid, returned, or a
    notice that changes nothing; `wrong`: why nothing can be done with the row. `units`, `asset`:
    where the file says them."""

    line: int
    payout: str
    outcome: str
    reason: str
    wrong: str | None = None
    units: int | None = None
    asset: str = ""


def read_answers(source: Source) -> list[PayoutReturn]:
    """Each row, those that cannot be read with the reason. Raises: Problem(invalid) for what is no
    such file."""
    table = Table(lines(source(), encoding_in(source)), _places, _unknown)
    answers = []
    for record in table:
        if record.cells is None:
            answers.append(PayoutReturn(record.line, "", "", "", record.why))
            continue
        payout, outcome, reason = (
            record.cells[place].strip() if place is not None else "" for place in table.header.known
        )
        payout = plain_cell(payout, is_id=True)
        try:
            _check(payout, outcome.lower(), reason)
        except BadCell as bad:
            answers.append(
                PayoutReturn(
                    record.line, payout[:REFERENCE_MAX], outcome[:20], "", bad.complaint.text()
                )
            )
        else:
            answers.append(PayoutReturn(record.line, payout, outcome.lower(), reason))
    return answers


def _places(names: Sequence[str]) -> tuple[int | None, ...] | None:
    known = [plain(name) for name in names]
    places = tuple(known.index(name) if name in known else None for name in _COLUMNS)
    return None if None in places[:2] else places


def _unknown(number: int, names: Sequence[str]) -> Problem:
    lacks = [name for name in _COLUMNS[:2] if name not in map(plain, names)]
    return invalid(
        Sentence(
            "Line {0}, the header, has no {1}; it has {2}.",
            number,
            ", no ".join(lacks),
            shown_names(names),
        ),
        "file",
        "The columns are payout, outcome, reason.",
    )


def _check(payout: str, outcome: str, reason: str) -> None:
    """Raises: BadCell."""
    if not payout:
        raise BadCell("no_id", Sentence("names no payout"), "payout")
    check_id(payout, "payout")
    if outcome not in OUTCOMES:
        raise BadCell("outcome", Sentence("is neither {0} nor {1}", *OUTCOMES), "outcome")
    for name, text, most in (("payout", payout, REFERENCE_MAX), ("reason", reason, SENTENCE_MAX)):
        if len(text) > most:
            raise BadCell("too_long", Sentence("is longer than {0} characters", most), name)
    if outcome == "returned" and not reason:
        raise BadCell("reason", Sentence("is empty: a return needs its reason"), "reason")
