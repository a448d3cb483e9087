"""The days on which money comes. A day is the number of days since 1970-01-01, a local one."""

from datetime import date
from functools import lru_cache
from typing import Final, Literal

from recoup_lab.world.draws import Draws

Rhythm = Literal[
    "month_first",
    "month_last",
    "half_months",
    "fortnight_friday",
    "week_friday",
    "benefits_third",
    "irregular",
    "statement",
]
DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FRIDAY: Final = 4


def weekday(day: int) -> int:
    """Monday is 0."""
    return (day + 3) % 7


def month_of(day: int) -> int:
    """Months since the year 0."""
    that = date.fromordinal(day + _EPOCH)
    return that.year * 12 + that.month - 1


def first_day(month: int) -> int:
    return date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH


def pay_days(rhythm: Rhythm, subject: int, first: int, end: int, draws: Draws) -> list[int]:
    """Those in [first, end), sorted. A pay day at a weekend is the Friday before."""
    if rhythm in ("week_friday", "fortnight_friday"):
        step = 7 if rhythm == "week_friday" else 14
        start = first + (_FRIDAY - weekday(first)) % 7 + 7 * (subject % 2) * (step == 14)
        # Which Friday of the fortnight must not depend on where the horizon begins.
        if step == 14 and ((start - _FRIDAY) // 7) % 2 != subject % 2:
            start += -7 if start - 7 >= first else 7
        return list(range(start, end, step))
    if rhythm == "irregular":
        return _irregular(subject, first, end, draws)
    return list(_of_months(rhythm, subject % 28 if rhythm == "statement" else 0, first, end))


def _irregular(subject: int, first: int, end: int, draws: Draws) -> list[int]:
    found, day = [], first
    while day < end:
        day += 6 + int(draws.one(b"irregular pay", subject, day) * 22)
        found.append(day)
    return [one for one in found if one < end]


@lru_cache(maxsize=4_096)
def _of_months(rhythm: Rhythm, month_day: int, first: int, end: int) -> tuple[int, ...]:
    found: set[int] = set()
    for month in range(month_of(first), month_of(end) + 2):
        begin, last = first_day(month), first_day(month + 1) - 1
        if rhythm == "month_first":
            days = [begin]
        elif rhythm == "month_last":
            days = [last]
        elif rhythm == "half_months":
            days = [begin + 14, last]
        elif rhythm == "benefits_third":
            days = [begin + 2]
        else:
            days = [begin + month_day]
        found.update(days if rhythm == "statement" else map(_working_day, days))
    return tuple(sorted(day for day in found if first <= day < end))


def _working_day(day: int) -> int:
    return day - max(0, weekday(day) - _FRIDAY)
