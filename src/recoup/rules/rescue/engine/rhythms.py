"""The rhythms by which money may reach a payer: the hypotheses of the engine, and the days of each.

A rhythm is named by kind and number: `weekly-4` (each Friday), `biweekly-11` (each second one of them), `monthly-1`,
`month-end-0`, `business-end-0` (the last business day), `semi-15` (the 15th and the month's last day), `semi-3` (the
3rd and the 18th). `working-3`: the 3rd, or the working day before it; `halves-15`: the 15th and the last, `halves-1`:
the 1st and the 15th, likewise. Two know no days: `irregular-0`, and `ample-0` for whom money is nearly always there.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Final

LONG_AGO: Final = 14  # days since a posting, at most: what is longer ago counts alike

RHYTHMS: Final[tuple[str, ...]] = (
    *(f"weekly-{day}" for day in range(7)), *(f"biweekly-{day}" for day in range(14)),
    *(f"monthly-{day}" for day in range(1, 29)), "month-end-0", "business-end-0",
    *(f"semi-{day}" for day in range(1, 16)), "working-1", "working-3", "working-15", "working-25", "halves-1",
    "halves-15", "irregular-0", "ample-0",
)  # fmt: skip
IRREGULAR: Final = RHYTHMS.index("irregular-0")
AMPLE: Final = RHYTHMS.index("ample-0")
_DATED: Final = RHYTHMS[:IRREGULAR]


@lru_cache(maxsize=4096)
def days_since(ordinal: int) -> bytes:
    """Of each rhythm, how many days before that day (a proleptic ordinal) its last posting was, `LONG_AGO` at most;
    0 on the day itself. Those without days say `LONG_AGO`."""
    found = bytearray([LONG_AGO]) * len(RHYTHMS)
    for index, name in enumerate(_DATED):
        for back in range(LONG_AGO):
            if _posts(name, ordinal - back):
                found[index] = back
                break
    return bytes(found)


@lru_cache(maxsize=4096)
def spread(ordinal: int) -> Callable[[Sequence[float]], tuple[float, ...]]:
    """Lays a row by days since the posting, with the irregular and the ample behind them, out over the rhythms."""
    return itemgetter(*places(ordinal))


@lru_cache(maxsize=4096)
def places(ordinal: int) -> bytes:
    """Of each rhythm, its place in such a row on that day."""
    return days_since(ordinal)[:IRREGULAR] + bytes((LONG_AGO + 1, LONG_AGO + 2))


@lru_cache(maxsize=4096)
def alike(ordinal: int) -> tuple[bytes, ...]:
    """By days since the last posting, the rhythms of which that is so on that day. Most groups stay together from one
    day to the next."""
    days = days_since(ordinal)[:IRREGULAR]
    return tuple(bytes(index for index, since in enumerate(days) if since == number) for number in range(LONG_AGO + 1))


@lru_cache(maxsize=65536)
def _posts(name: str, ordinal: int) -> bool:
    kind, _, number = name.rpartition("-")
    day, n = date.fromordinal(ordinal), int(number)
    if kind == "weekly":
        return day.weekday() == n
    if kind == "biweekly":
        return ordinal % 14 == n
    if kind == "monthly":
        return day.day == n
    if kind in ("working", "halves"):
        return any(_wanted(kind, n, date.fromordinal(one)) for one in _paid_on(day))
    last = (day + timedelta(days=1)).day == 1
    if kind == "month-end":
        return last
    if kind == "business-end":
        return _last_business_day(day)
    return day.day == n or (last if n == 15 else day.day == n + 15)


def _paid_on(day: date) -> range:
    """The days whose pay comes on that one: a Friday's are its weekend's too."""
    if day.weekday() > 4:
        return range(0)
    return range(day.toordinal(), day.toordinal() + (3 if day.weekday() == 4 else 1))


def _wanted(kind: str, n: int, day: date) -> bool:
    if kind == "working":
        return day.day == n
    return day.day == 15 or (day.day == 1 if n == 1 else (day + timedelta(days=1)).day == 1)


def _last_business_day(day: date) -> bool:
    following = day + timedelta(days=1)
    while following.weekday() > 4:
        following += timedelta(days=1)
    return day.weekday() <= 4 and following.month != day.month
