"""What a file is worth, before and after its import: counts, reasons, edges, and what its owner should know."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from recoup.kernel.sentence import Sentence
from recoup.kernel.time import iso
from recoup.rules.imports.attempt import STATES, Attempt, BadLine
from recoup.rules.imports.file import Looked
from recoup.rules.imports.payments import GUESSED_MAX, Payments, Summary
from recoup.rules.imports.reader import Outcome

LINES_MAX: Final = 10_000  # bad lines that are kept; all are counted


@dataclass
class Counts:
    """Takes what is read of a file, and what it comes to."""

    payments: Payments = field(default_factory=Payments)
    skipped: Counter[str] = field(default_factory=Counter)
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
            self.payments.add(outcome)
            return outcome
        if isinstance(outcome, BadLine):
            self.bad[outcome.code] += 1
            if len(self.lines) < LINES_MAX:
                self.lines.append(outcome)
        else:
            self.skipped[outcome.reason] += 1
        return None


def report_of(looked: Looked, counts: Counts) -> tuple[dict[str, Any], list[str]]:
    """What was counted, and notes for whoever reads it."""
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
                f"{summary.guessed:,}",
            )
        )
    if summary.guessed_share > GUESSED_MAX:
        notes.append(Sentence("So many were guessed that what was rescued then is not counted."))
    if summary.missing:
        notes.append(Sentence("Of {0} payments the file counts more attempts than it holds.", f"{summary.missing:,}"))
    if summary.begun_before or summary.open_after:
        notes.append(
            Sentence(
                "{0} declined payments may have begun before the file’s first day, and {1} may go on after its last; "
                "neither says how a rescue ends.",
                f"{summary.begun_before:,}",
                f"{summary.open_after:,}",
            )
        )
    if counts.bad["card_data"]:
        notes.append(Sentence("Lines with card numbers were left out whole, and nothing of them was kept."))
    return notes
