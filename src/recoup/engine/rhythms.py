"""The rhythms by which money may reach a payer: the hypotheses of the engine, and the days of each.

A rhythm is named by kind and number: `weekly-4` (each Friday), `biweekly-11` (each second one of
them), `four-3` (each fourth week), `monthly-1`, `month-end-0`, `nth-7` (the second Wednesday),
`semi-15` (the 15th and the month's last day), `semi-3` (the 3rd and the 18th). `before-3`: the 3rd,
or the working day before it, `after-3` likewise; `before-31`: the last working day. `halves-15`:
the 15th and the last, `halves-1`: the 1st and the 15th, or the working day before. Two know no
days: `irregular-0`, and `ample-0` for whom money is nearly always there.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Final

LONG_AGO: Final = 14  # days since a posting, at most: what is longer ago counts alike

RHYTHMS: Final[tuple[str, ...]] = (
    *(f"weekly-{day}" for day in range(7)), *(f"biweekly-{day}" for day in range(14)),
    *(f"monthly-{day}" for day in range(1, 29)), "month-end-0", "before-31",
    *(f"semi-{day}" for day in range(1, 16)), "before-1", "before-3", "before-15", "before-25",
    "halves-1",
    "halves-15", "irregular-0", "ample-0",
)  # fmt: skip
IRREGULAR: Final = RHYTHMS.index("irregular-0")
AMPLE: Final = RHYTHMS.index("ample-0")
_DATED: Final = RHYTHMS[:IRREGULAR]


@lru_cache(maxsize=4096)
def days_since(ordinal: int) -> bytes:
    """The number of days from each rhythm's last posting to that day (a proleptic ordinal),
    `LONG_AGO` at most; 0 on the day itself. Those without days say `LONG_AGO`."""
    days = bytearray([LONG_AGO]) * len(RHYTHMS)
    for index, name in enumerate(_DATED):
        for back in range(LONG_AGO):
            if posts(name, ordinal - back):
                days[index] = back
                break
    return bytes(days)


@lru_cache(maxsize=4096)
def spread(ordinal: int) -> Callable[[Sequence[float]], tuple[float, ...]]:
    """Lays a row by days since the posting, with the irregular and the ample behind them, out over
    the rhythms."""
    return itemgetter(*places(ordinal))


@lru_cache(maxsize=4096)
def places(ordinal: int) -> bytes:
    """The place of each rhythm in such a row on that day."""
    return days_since(ordinal)[:IRREGULAR] + bytes((LONG_AGO + 1, LONG_AGO + 2))


@lru_cache(maxsize=1 << 18)
def posts(name: str, ordinal: int) -> bool:
    """True when a rhythm's money comes on that day."""
    kind, _, number = name.rpartition("-")
    day, n = date.fromordinal(ordinal), int(number)
    if kind == "weekly":
        return day.weekday() == n
    if kind in ("biweekly", "four"):
        return ordinal % (14 if kind == "biweekly" else 28) == n
    if kind == "nth":
        return day.weekday() == n % 5 and (day.day - 1) // 7 == n // 5
    if kind == "monthly":
        return day.day == n
    if kind == "month-end":
        return _is_last(day)
    if kind == "semi":
        return day.day == n or (_is_last(day) if n == 15 else day.day == n + 15)
    if day.weekday() > 4:
        return False
    if kind == "after":
        return any(
            (day - timedelta(days=back)).day == n for back in range(3 if day.weekday() == 0 else 1)
        )
    meant = [day + timedelta(days=ahead) for ahead in range(3 if day.weekday() == 4 else 1)]
    if kind == "before":
        return any(day.day == n or n == 31 and _is_last(day) for day in meant)
    return any(day.day == 15 or (day.day == 1 if n == 1 else _is_last(day)) for day in meant)


def _is_last(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1
