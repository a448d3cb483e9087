"""Report on a file, before and after its import: counts, reasons, edges, and what its owner should
know."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from recoup.imports.rules.attempt import STATES, Attempt, BadLine
from recoup.imports.rules.file import Looked
from recoup.imports.rules.payments import GUESSED_MAX, Payments, Summary
from recoup.imports.rules.reader import Outcome
from recoup.kernel.problem import Sentence, figure
from recoup.kernel.time import iso
from recoup.networks.codes import unknown_code
from recoup.networks.decline_code import NETWORK

NAMES_MAX: Final = 60
LINES_MAX: Final = 10_000  # bad lines that are kept; all are counted


@dataclass
class Counts:
    """Takes what is read of a file, and what it comes to."""

    payments: Payments = field(default_factory=Payments)
    skipped: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)  # that are no card
    codes: Counter[str] = field(default_factory=Counter)  # of declines, that nobody knows
    bad: Counter[str] = field(default_factory=Counter)
    lines: list[BadLine] = field(default_factory=list)
    rows: int = 0
    attempts: int = 0  # rows that tell of one
    last_line: int = 0

    def add(self, outcome: Outcome) -> Attempt | None:
        """The attempt, when it is one."""
        self.rows += 1
        self.last_line = outcome.line
        if isinstance(outcome, Attempt):
            self.attempts += 1
            source = NETWORK if outcome.scheme_code else outcome.source
            code = outcome.scheme_code or outcome.processor_code
            if code and outcome.state == "declined" and unknown_code(source, code):
                _count(self.codes, f"{outcome.source} {code}".strip())
            self.payments.add(outcome)
            return outcome
        if isinstance(outcome, BadLine):
            self.bad[outcome.code] += 1
            if len(self.lines) < LINES_MAX:
                self.lines.append(outcome)
        else:
            self.skipped[outcome.reason] += 1
            if outcome.method:
                _count(self.methods, outcome.method)
        return None


def _count(counted: Counter[str], name: str) -> None:
    """Counts a name; beyond the limit all further names are one."""
    counted[name if name in counted or len(counted) < NAMES_MAX else "other"] += 1


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counted.items()))


def report_of(looked: Looked, counts: Counts) -> tuple[dict[str, Any], list[str]]:
    """Counts as the report has them, and notes for whoever reads it."""
    summary = counts.payments.summary()
    rescued = summary.rescued if summary.guessed_share <= GUESSED_MAX else None
    report = {
        "states": {state: summary.states[state] for state in STATES},
        "skipped": dict(sorted(counts.skipped.items())),
        "bad": dict(sorted(counts.bad.items())),
        "payments": summary.payments,
        "declined": summary.declined,
        "rescued": rescued,
        "begunBefore": summary.begun_before,
        "openAfter": summary.open_after,
        "guessed": summary.guessed,
        "missing": summary.missing,
        "onlySuccesses": summary.only_successes,
        "first": iso(summary.first) if summary.first else None,
        "last": iso(summary.last) if summary.last else None,
    }
    return report, [*looked.notes, *notes_of(summary, counts)]


def notes_of(summary: Summary, counts: Counts) -> list[str]:
    notes: list[str] = []
    if summary.only_successes:
        notes.append(
            Sentence(
                "The file holds no declined attempt: export failed payments too. Rhythms are learned from it; a "
                "back-test needs declines."
            )
        )
    if summary.guessed:
        notes.append(
            Sentence(
                "{0} attempts name no payment: they were put together by customer, card and amount.",
                figure(summary.guessed),
            )
        )
    if summary.guessed_share > GUESSED_MAX:
        notes.append(Sentence("So many were guessed that what was rescued then is not counted."))
    if summary.missing:
        notes.append(
            Sentence(
                "Of {0} payments the file counts more attempts than it holds.",
                figure(summary.missing),
            )
        )
    if summary.begun_before or summary.open_after:
        notes.append(
            Sentence(
                "{0} declined payments may have begun before the file’s first day, and {1} may go on after its last; "
                "neither says how a rescue ends.",
                figure(summary.begun_before),
                figure(summary.open_after),
            )
        )
    if counts.methods:
        notes.append(Sentence("Left out, not card payments: {0}.", _listed(counts.methods)))
    if counts.codes:
        text = "Codes that no list has: {0}. Such a decline is read by its text, or as a soft one."
        notes.append(Sentence(text, _listed(counts.codes)))
    if counts.bad["card_data"]:
        notes.append(
            Sentence("Lines with card numbers were left out whole, and nothing of them was kept.")
        )
    return notes
