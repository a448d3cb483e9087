"""Attempts put together to payments, and what a file is worth: how much of it stands at its edges, how much is guessed.

A provider's link counts first. Without one, tries of the same customer, amount, currency and card (or subscription)
within 35 days are one payment, none after a success: guessed, and flagged so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from recoup.rules.imports.attempt import Attempt

WINDOW_SECONDS: Final = 35 * 86_400
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
GUESSED_MAX: Final = 0.2  # of a file's attempts; above, what was rescued then is not told
ROW_BITS, AT_BITS, STATE_BITS = 24, 40, 2
_NUMBERS: Final = {"declined": 0, "not_sent": 1, "unknown": 2, "approved": 3}  # of one instant an approval is the last
_APPROVED, _DECLINED = 3, 0
_ROW_MASK, _AT_MASK, _STATE_MASK = (1 << ROW_BITS) - 1, (1 << AT_BITS) - 1, (1 << STATE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Summary:
    """`payments`: how many; `declined`: those whose first try was declined, `rescued` those of them that were paid by a
    later one. `begun_before`: declined ones whose first try may lie before the file; `open_after`: those whose time
    goes on after its end. `guessed`: attempts without a link. `missing`: payments of which the file counts more
    attempts than it holds. `first`, `last`: None for a file without attempts."""

    attempts: int
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
    def guessed_share(self) -> float:
        return self.guessed / self.attempts if self.attempts else 0.0


class Payments:
    """Takes attempts as they come, some 60 bytes each. Then `summary`, and `guesses`."""

    def __init__(self) -> None:
        self._linked: list[int] = []
        self._unlinked: list[int] = []
        self._counts: dict[int, int] = {}
        self._declined = self._attempts = self._guessed = 0

    def add(self, attempt: Attempt) -> None:
        at = int(attempt.at.timestamp())
        packed = (at << STATE_BITS | _NUMBERS[attempt.state]) << ROW_BITS | attempt.row & _ROW_MASK
        self._attempts += 1
        self._declined += attempt.state == "declined"
        if attempt.payment:
            key = hash((attempt.provider, attempt.payment)) & 0xFFFFFFFFFFFFFFFF
            self._linked.append(key << AT_BITS + STATE_BITS + ROW_BITS | packed)
            self._guessed += attempt.guessed
            if attempt.attempt_count:
                self._counts[key] = max(self._counts.get(key, 0), attempt.attempt_count)
        else:
            key = hash(_alike(attempt)) & 0xFFFFFFFFFFFFFFFF
            self._unlinked.append(key << AT_BITS + STATE_BITS + ROW_BITS | packed)
            self._guessed += 1

    def guesses(self) -> Iterator[tuple[int, int]]:
        """(row, row of its payment's first try) of each attempt without a link."""
        for group in self._groups_guessed():
            first = group[0] & _ROW_MASK
            for packed in group:
                yield packed & _ROW_MASK, first

    def summary(self) -> Summary:
        groups = [*self._groups_linked(), *self._groups_guessed()]
        first = min((_at(group[0]) for group in groups), default=None)
        last = max((_at(group[-1]) for group in groups), default=None)
        declined = rescued = before = after = missing = 0
        for group in groups:
            key = group[0] >> AT_BITS + STATE_BITS + ROW_BITS
            missing += self._counts.get(key, 0) > len(group)
            if _state(group[0]) != _DECLINED:
                continue
            declined += 1
            paid = any(_state(one) == _APPROVED for one in group)
            rescued += paid
            before += _at(group[0]) < (first or 0) + WINDOW_SECONDS
            after += not paid and _at(group[0]) + WINDOW_SECONDS > (last or 0)
        return Summary(
            self._attempts,
            len(groups),
            declined,
            rescued,
            before,
            after,
            self._guessed,
            missing,
            bool(self._attempts) and not self._declined,
            datetime.fromtimestamp(first, UTC) if first is not None else None,
            datetime.fromtimestamp(last, UTC) if last is not None else None,
        )

    def _groups_linked(self) -> Iterator[list[int]]:
        self._linked.sort()
        for _, group in groupby(self._linked, lambda one: one >> AT_BITS + STATE_BITS + ROW_BITS):
            yield list(group)

    def _groups_guessed(self) -> Iterator[list[int]]:
        self._unlinked.sort()
        for _, alike in groupby(self._unlinked, lambda one: one >> AT_BITS + STATE_BITS + ROW_BITS):
            group: list[int] = []
            for one in alike:
                over = group and (_state(group[-1]) == _APPROVED or _at(one) - _at(group[0]) > WINDOW_SECONDS)
                if over:
                    yield group
                    group = []
                group.append(one)
            yield group


def payments_of(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """Whole payments, each in order of time, the first of a same `ref` replaced by its later state; for files that fit
    into memory. A payment that was guessed is named after its first try."""
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
    return [sorted(group, key=lambda one: (one.at, one.attempt_no or 0, one.row)) for group in named.values()]


def later(one: Attempt, other: Attempt) -> Attempt:
    """Of two rows about one attempt the one whose state is later: by its date of change, else by its stage, else the
    other. It happened when the first of both says."""
    taken = max(other, one, key=lambda attempt: (attempt.modified_at or _NEVER, attempt.stage))
    return taken._replace(at=min(one.at, other.at))


def _alike(attempt: Attempt) -> tuple[object, ...]:
    """What tries of one payment have in common where no link is told; a try of nobody is alone."""
    by = attempt.subscription or attempt.card
    if not attempt.customer and not attempt.card:
        return attempt.provider, attempt.ref
    return attempt.provider, attempt.customer, attempt.asset, attempt.units, by


def _at(packed: int) -> int:
    return packed >> ROW_BITS + STATE_BITS & _AT_MASK


def _state(packed: int) -> int:
    return packed >> ROW_BITS & _STATE_MASK
