"""When money reaches a payer: hypotheses, weighed by how the payer's attempts ended.

A hypothesis is a rhythm, which has pay days, with a level: how much is there, and how fast it goes. What an attempt
shows under a hypothesis stands in a table by the time since the pay day, learned for payments and for tries apart;
after a failure since that pay day in bins of its own, because two looks at the same pay are not two facts. Times are
hours since 1970 at the card holder.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

import numpy as np

from recoup.rules.rescue.engine.bins import APPROVED

Array = np.ndarray[Any, Any]
_EPOCH: Final = date(1970, 1, 1)
LEVELS: Final = 4
OUTCOMES: Final = 3  # approved, no funds, another answer
PAYMENT, TRY = range(2)
LONGEST: Final = 21  # days since a pay day, at most

# Bins of the days since the pay day; that day itself has three. As many again for a pay day that has seen a failure.
_BY_DAY: Final = np.array([0, 3, 4, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9, 10])
_DAY_PARTS: Final = (8.0, 14.0)
DATED: Final = 11
UNDATED: Final = 2 * DATED  # of a payer without pay days, by the hours since a failure
_SINCE_FAILURE: Final = (36.0, 96.0, 240.0)
BINS: Final = UNDATED + len(_SINCE_FAILURE) + 1
DAYS_OF_BINS: Final = np.array([0.33, 0.25, 0.42, 1, 1, 1, 2, 3, 4, 7, 10.0])
_POSTED_BY: Final = 8.0  # a failure before this hour says nothing of that day's pay
LONG_AGO: Final = -1e7

RHYTHMS: Final = (
    *(f"weekly-{day}" for day in range(7)), *(f"biweekly-{day}" for day in range(14)),
    *(f"monthly-{day}" for day in range(1, 29)), *(f"before-{day}" for day in range(1, 32)),
    *(f"after-{day}" for day in range(1, 29)), "month-end-0", *(f"four-{day}" for day in range(28)),
    *(f"nth-{day}" for day in range(20)), *(f"semi-{day}" for day in range(1, 16)), "halves-1", "halves-15",
    "irregular-0",
)  # fmt: skip
SHORT: Final = 21  # rhythms of two weeks at most come first
COUNT: Final = len(RHYTHMS)
IRREGULAR: Final = COUNT - 1


def pays(name: str, day: date) -> bool:
    """Whether a rhythm's pay comes on that day. `before-3`: the 3rd, or the working day before it; `after-3` likewise;
    `before-31`, `month-end`: the last. `four-5`: each fourth week; `nth-7`: the second Wednesday; `semi-3`: the 3rd and
    the 18th; `halves-1`: the 1st and the 15th, or the working day before."""
    kind, _, number = name.rpartition("-")
    n, ordinal = int(number), day.toordinal()
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
    if kind == "irregular" or day.weekday() > 4:
        return False
    if kind == "after":
        return any((day - timedelta(days=back)).day == n for back in range(3 if day.weekday() == 0 else 1))
    meant = [day + timedelta(days=ahead) for ahead in range(3 if day.weekday() == 4 else 1)]
    if kind == "before":
        return any(one.day == n or n == 31 and _is_last(one) for one in meant)
    return any(one.day == 15 or (one.day == 1 if n == 1 else _is_last(one)) for one in meant)


def _is_last(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


@lru_cache(maxsize=4096)
def _since(day: int) -> Array:
    """Of each rhythm, the days since its pay day. `day`: since 1970."""
    found = np.full(COUNT, LONGEST, np.int64)
    for place in range(COUNT):
        found[place] = next((back for back in range(LONGEST) if _pays(place, day - back)), LONGEST)
    return found


@lru_cache(maxsize=1 << 18)
def _pays(place: int, day: int) -> bool:
    return pays(RHYTHMS[place], _EPOCH + timedelta(days=day))


def days_since(local: Array) -> Array:
    """Instants × rhythms: days since the pay day."""
    days, place = np.unique(np.floor(local / 24.0).astype(np.int64), return_inverse=True)
    found: Array = np.stack([_since(one) for one in days.tolist()])[place]
    return found


def bins_of(local: Array, since: Array, failed: Array) -> Array:
    """Instants × rhythms: the bin of each. `since`: as `days_since`; `failed`: when an attempt of the payer's failed
    last, `LONG_AGO` where one was approved after it."""
    day = np.floor(local / 24.0)
    part = np.searchsorted(_DAY_PARTS, local - 24.0 * day, side="right")
    found: Array = np.where(since == 0, part[:, None], _BY_DAY[since])
    found += DATED * (posted(local, since) <= failed[:, None])
    found[:, IRREGULAR] = undated_bin(local - failed)
    return found


def posted(local: Array, since: Array) -> Array:
    """Instants × rhythms: when the last pay had come at the latest."""
    found: Array = (np.floor(local / 24.0)[:, None] - since) * 24.0 + _POSTED_BY
    return found


def undated_bin(hours: Array) -> Array:
    """`hours` since the failure."""
    found: Array = UNDATED + np.searchsorted(_SINCE_FAILURE, hours, side="right")
    return found


def outcome_of(answer: Array) -> Array:
    """Of answers by their class: approved 0, no funds 1, others 2."""
    found: Array = np.minimum(answer, OUTCOMES - 1)
    return found


def logs_of(table: Array) -> Array:
    found: Array = np.log(np.maximum(table, 1e-4))
    return found


def likelihood(logs: Array, bins: Array, kind: Array, outcome: Array) -> Array:
    """Attempts × hypotheses, as logs. `logs`: of the table, kind × outcome × level × bin."""
    rows = logs[kind, outcome]
    found = np.empty((len(kind), COUNT, LEVELS), logs.dtype)
    for level in range(LEVELS):
        found[:, :, level] = np.take_along_axis(rows[:, level, :], bins, axis=1)
    return found.reshape(len(kind), -1)


def money_there(table: Array, bins: Array) -> Array:
    """Instants × hypotheses: the chance that a try is approved."""
    approved = table[TRY, APPROVED]
    return np.stack([approved[level][bins] for level in range(LEVELS)], axis=2).reshape(len(bins), -1)


def usual(table: Array) -> Array:
    """By hypothesis, the same on any day."""
    approved = table[TRY, APPROVED]
    found = np.empty((COUNT, LEVELS))
    found[:] = (approved[:, :DATED] * DAYS_OF_BINS).sum(1) / DAYS_OF_BINS.sum()
    found[:SHORT] = (approved[:, :8] * DAYS_OF_BINS[:8]).sum(1) / DAYS_OF_BINS[:8].sum()
    found[IRREGULAR] = approved[:, -1]
    return found.reshape(-1)


def normal(logs: Array) -> Array:
    """Rows of logs as shares."""
    raised = np.exp(logs - logs.max(axis=-1, keepdims=True))
    found: Array = raised / raised.sum(axis=-1, keepdims=True)
    return found
