"""Fixed schedules: sends at set times after the decline, whatever was answered, until a hard
decline.

A try that the gate holds back is sent when it may be, and the schedule goes on from there.

Source: the retry settings that processors and billing systems publish (knowledge on published
figures, 2b).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from recoup_lab.compare.seam import Attempt, Choice, Known, SendAt, Stop, is_hard
from recoup_lab.world.port import Scheme

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_LONGEST: Final = 62  # days; no order lives longer
Offsets = tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """`offsets`: after the decline, growing. `by_scheme`: in place of them, for cards of a
    scheme."""

    offsets: Offsets
    by_scheme: Mapping[Scheme, Offsets]

    def decide(self, known: Known) -> Choice:
        if is_hard(known.reading):
            return Stop("hard_decline")
        declined_at = known.order.declined_at
        last = known.attempts[-1].at if known.attempts else declined_at
        offsets = self.by_scheme.get(known.card.scheme, self.offsets)
        place = bisect_right(offsets, last - declined_at)
        if place == len(offsets):
            return Stop("schedule_used_up")
        return SendAt(max(declined_at + offsets[place], known.earliest))

    def hear(self, known: Known, attempt: Attempt) -> None:
        """A fixed schedule learns nothing."""


def _days(*days: float) -> Offsets:
    return tuple(day * _DAY for day in days)


def _every(step: timedelta) -> Offsets:
    return tuple(number * step for number in range(1, _LONGEST * _DAY // step + 1))


def _evenly(number: int, days: int) -> Offsets:
    """The last an hour before the end, since an order may expire at it."""
    return tuple((days * _DAY - _HOUR) * place / number for place in range(1, number + 1))


SCHEDULES: Final[Mapping[str, Schedule]] = {
    "next-day": Schedule(_days(1), {}),
    "daily-3": Schedule(_days(1, 2, 3), {}),
    "daily": Schedule(_every(_DAY), {}),
    "8-in-2-weeks": Schedule(_evenly(8, 14), {}),
    "4-in-21-days": Schedule(_evenly(4, 21), {}),
    "days-1-3-5-7": Schedule(_days(1, 3, 5, 7), {}),
    "paced": Schedule(_every(36 * _HOUR), {"mastercard": _every(21 * _HOUR)}),
    "kill-bill": Schedule(_days(1, 2, 10, 16), {}),
}
