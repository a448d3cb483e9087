"""Attempts put together to payments, what a file is worth, and the report on it, before and after
its import.

A provider's link counts first. Without one, tries of the same customer, amount, currency and card
(or subscription) within 35 days are one payment, none after a success: guessed, and flagged so."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from typing import Any, Final, Literal, NamedTuple

from recoup.imports.rules.attempt import STATES, Attempt, BadLine, State
from recoup.imports.rules.file import Looked
from recoup.imports.rules.reader import Outcome
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, figure
from recoup.kernel.stop import stoppable
from recoup.kernel.time import iso
from recoup.networks.codes import unknown_code
from recoup.networks.decline_code import NETWORK

WINDOW_SECONDS: Final = 35 * 86_400
RESCUE: Final = timedelta(days=30)  # in which a declined payment may be rescued
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
GUESSED_MAX: Final = 0.2  # of a file's attempts; above, what was rescued then is not told
_NUMBERS: Final[Mapping[State, int]] = {"declined": 0, "not_sent": 1, "unknown": 2, "approved": 3}
_NAMES: Final = {number: state for state, number in _NUMBERS.items()}
_DECLINED, _APPROVED = 0, 3  # of one instant an approval is the last
# A row is one number, so that two million fit and are sorted fast: its payment, its attempt, what
# tells which row of an attempt is the latest (date of change, stage, row), and then what became of
# it and when.
_GUESSED, _NUMBER, _STATE, _AT, _ROW, _STAGE, _CHANGED, _REF, _PAYMENT = (
    1,
    2,
    2,
    40,
    24,
    2,
    40,
    40,
    64,
)  # bits
_NUMBER_FROM: Final = _GUESSED
_STATE_FROM: Final = _NUMBER_FROM + _NUMBER
_AT_FROM: Final = _STATE_FROM + _STATE
_ROW_FROM: Final = _AT_FROM + _AT
_REF_FROM: Final = _ROW_FROM + _ROW + _STAGE + _CHANGED
_PAYMENT_FROM: Final = _REF_FROM + _REF
_NUMBER_MASK, _STATE_MASK, _AT_MASK, _ROW_MASK, _REF_MASK, _PAYMENT_MASK = (
    (1 << n) - 1 for n in (_NUMBER, _STATE, _AT, _ROW, _REF, _PAYMENT)
)


@frozen
class Summary:
    """`states`: of attempts, each once however many rows tell of it. `payments`: how many;
    `declined`: those whose first try was declined, `rescued` those of them that a later one paid.
    `begun_before`, `open_after`: those of them that are cut by the file's edges. `guessed`:
    attempts without a link. `missing`: payments of which the file counts more attempts than it
    holds. `first`, `last`: None for a file without attempts."""

    states: Mapping[State, int]
    payments: int
    declined: int
    rescued: int
    begun_before: int
    open_after: int
    guessed: int
    missing: int
    only_successes: bool
    first: datetime | None
    last: datetime | None

    @property
    def attempts(self) -> int:
        return sum(self.states.values())

    @property
    def guessed_share(self) -> float:
        return self.guessed / self.attempts if self.attempts else 0.0


class _Try(NamedTuple):
    """An attempt of a payment. `at`: in seconds; `state`: its number. `place`: in its payment as
    the file says: 1, 2 for any later one, 0 where it does not. `rows`: those that tell of it, the
    latest last."""

    at: int
    state: int
    place: int
    guessed: bool
    rows: tuple[int, ...]


class Payments:
    """Takes rows as they come, some 70 bytes each. Then `summary`, and `guesses`."""

    def __init__(self) -> None:
        self._linked: list[int] = []
        self._unlinked: list[int] = []
        self._counts: dict[int, int] = {}
        self._first = self._last = 0

    def add(self, attempt: Attempt) -> None:
        at, changed = int(attempt.at.timestamp()), attempt.modified_at
        link = (attempt.provider, attempt.payment) if attempt.payment else _alike(attempt)
        payment = hash(link) & _PAYMENT_MASK
        packed = payment << _REF | hash(attempt.ref) & _REF_MASK
        packed = packed << _CHANGED | (int(changed.timestamp()) if changed else 0)
        packed = (packed << _STAGE | attempt.stage) << _ROW | attempt.row & _ROW_MASK
        packed = (packed << _AT | at) << _STATE | _NUMBERS[attempt.state]
        packed = packed << _NUMBER | min(attempt.attempt_no or 0, 2)
        packed = packed << _GUESSED | (attempt.guessed or not attempt.payment)
        (self._linked if attempt.payment else self._unlinked).append(packed)
        if attempt.attempt_count:
            self._counts[payment] = max(self._counts.get(payment, 0), attempt.attempt_count)
        if at > self._last:
            self._last = at
        if at < self._first or not self._first:
            self._first = at

    def guesses(self) -> Iterator[tuple[int, int]]:
        """(row, row of its payment's first try) of each row without a link."""
        for tries in self._guessed():
            first = tries[0].rows[-1]
            for attempt in tries:
                for row in attempt.rows:
                    yield row, first

    def summary(self) -> Summary:
        states: Counter[State] = Counter()
        payments = declined = rescued = before = after = guessed = missing = 0
        for payment, tries in chain(
            _grouped(self._linked), ((0, tries) for tries in self._guessed())
        ):
            payments += 1
            states.update(_NAMES[attempt.state] for attempt in tries)
            guessed += sum(attempt.guessed for attempt in tries)
            missing += self._counts.get(payment, 0) > len(tries)
            if tries[0].state != _DECLINED:
                continue
            declined += 1
            rescued += any(attempt.state == _APPROVED for attempt in tries)
            edge = edge_of(tries[0].at, tries[0].place or None, self._first, self._last)
            before += edge == "before"
            after += edge == "after"
        return Summary(
            states,
            payments,
            declined,
            rescued,
            before,
            after,
            guessed,
            missing,
            bool(states) and not states["declined"],
            datetime.fromtimestamp(self._first, UTC) if states else None,
            datetime.fromtimestamp(self._last, UTC) if states else None,
        )

    def _guessed(self) -> Iterator[list[_Try]]:
        for _, alike in _grouped(self._unlinked):
            tries: list[_Try] = []
            for attempt in alike:
                if tries and (
                    tries[-1].state == _APPROVED or attempt.at - tries[0].at > WINDOW_SECONDS
                ):
                    yield tries
                    tries = []
                tries.append(attempt)
            yield tries


def _grouped(rows: list[int]) -> Iterator[tuple[int, list[_Try]]]:
    """(number of a payment, its tries in order of time): each as its latest row has it, at the
    first time that one says."""
    rows.sort()
    for payment, its_rows in groupby(stoppable(rows), lambda row: row >> _PAYMENT_FROM):
        tries = sorted(
            _try(list(same)) for _, same in groupby(its_rows, lambda row: row >> _REF_FROM)
        )
        yield payment, tries


def _try(rows: list[int]) -> _Try:
    """`rows`: of one attempt, the latest last."""
    at = min(row >> _AT_FROM & _AT_MASK for row in rows)
    latest = rows[-1]
    numbers = tuple(row >> _ROW_FROM & _ROW_MASK for row in rows)
    state, place = latest >> _STATE_FROM & _STATE_MASK, latest >> _NUMBER_FROM & _NUMBER_MASK
    return _Try(at, state, place, latest & 1 > 0, numbers)


def edge_of(
    at: float, place: int | None, first: float, last: float, window: timedelta = RESCUE
) -> Literal["before", "after", ""]:
    """The edge of the file that cuts a payment declined `at`: it may have begun before the file, or
    its window ends after it. `place`: of that attempt, where the file says so. All in seconds."""
    seconds = window.total_seconds()
    if place not in (None, 1) or (place is None and at < first + seconds):
        return "before"
    return "after" if at + seconds > last else ""


def payments_of(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """Whole payments, each in order of time, the first of a same `ref` replaced by its later state;
    for files that fit into memory. A payment that was guessed is named after its first try."""
    latest: dict[tuple[str, str], Attempt] = {}
    for attempt in attempts:
        key = attempt.provider, attempt.ref
        before = latest.get(key)
        latest[key] = attempt if before is None else later(before, attempt)
    gathered = Payments()
    for attempt in latest.values():
        gathered.add(attempt)
    by_row = {attempt.row: attempt for attempt in latest.values()}
    first_of = dict(gathered.guesses())
    named: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in latest.values():
        if not attempt.payment:
            attempt = attempt._replace(payment=by_row[first_of[attempt.row]].ref, guessed=True)
        named.setdefault((attempt.provider, attempt.payment), []).append(attempt)
    return [
        sorted(group, key=lambda attempt: (attempt.at, attempt.attempt_no or 0, attempt.row))
        for group in named.values()
    ]


def later(row: Attempt, other: Attempt) -> Attempt:
    """Merges two rows about one attempt into the one whose state is later: by its date of change,
    else by its stage, else the other. It happened when the first of both says, and over its amount;
    of two at that time over the larger."""
    taken = max(other, row, key=lambda attempt: (attempt.modified_at or _NEVER, attempt.stage))
    requested = min(row, other, key=lambda attempt: (attempt.at, -attempt.units, attempt.asset))
    return taken._replace(at=requested.at, units=requested.units, asset=requested.asset)


def _alike(attempt: Attempt) -> tuple[object, ...]:
    """Key that attempts of one payment have in common where no link is told; an attempt of nobody
    is alone."""
    by = attempt.subscription or attempt.card
    if not attempt.customer and not attempt.card:
        return attempt.provider, attempt.ref
    return attempt.provider, attempt.customer, attempt.asset, attempt.units, by


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
                "The file holds no declined attempt: export failed payments too. Rhythms are "
                "learned from it; a "
                "back-test needs declines."
            )
        )
    if summary.guessed:
        notes.append(
            Sentence(
                "{0} attempts name no payment: "
                "they were put together by customer, card and amount.",
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
                "{0} declined payments may have begun before the file’s first day, and {1} may go "
                "on after its last; "
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
