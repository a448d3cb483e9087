"""The days on which money reaches a payer, for the regression: hypotheses, weighed by how the
payer's attempts ended.

A hypothesis is a rhythm, which has pay days, with a level: how much is there, and how fast it goes.
What an attempt shows under a hypothesis stands in a table by the time since the pay day, learned
for payments and for retries apart; after a failure since that pay day in bins of its own, because
two looks at the same pay are not two facts. Times are hours since 1970 at the card holder.
"""

from datetime import date
from functools import lru_cache
from typing import Any, Final

import numpy as np

from recoup.engine.rhythms import posts
from recoup.rescue.rules.answer_classes import APPROVED

Array = np.ndarray[Any, Any]
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
LEVELS: Final = 4
OUTCOMES: Final = 3  # approved, no funds, another answer
PAYMENT, TRY = range(2)
LONGEST: Final = 21  # days since a pay day, at most

# Bins of the days since the pay day; that day itself has three. As many again for a pay day that
# has seen a failure.
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
    *(f"nth-{day}" for day in range(20)), *(f"semi-{day}" for day in range(1, 16)), "halves-1",
    "halves-15",
    "irregular-0",
)  # fmt: skip
SHORT: Final = 21  # rhythms of two weeks at most come first
COUNT: Final = len(RHYTHMS)
IRREGULAR: Final = COUNT - 1
_EACH: Final = np.arange(COUNT)


@lru_cache(maxsize=4096)
def _since(day: int) -> Array:
    """Days since the pay day of each rhythm. `day`: since 1970."""
    days = np.full(COUNT, LONGEST, np.int64)
    for place in range(IRREGULAR):
        days[place] = next(
            (back for back in range(LONGEST) if posts(RHYTHMS[place], _EPOCH_DAY + day - back)),
            LONGEST,
        )
    return days


def days_since(local: Array) -> Array:
    """Instants × rhythms: days since the pay day."""
    days, place = np.unique(np.floor(local / 24.0).astype(np.int64), return_inverse=True)
    rows: Array = np.stack([_since(day) for day in days.tolist()])[place]
    return rows


def bins_of(local: Array, since: Array, failed: Array) -> Array:
    """Instants × rhythms: the bin of each. `since`: as `days_since`; `failed`: when an attempt of
    the payer's failed last, `LONG_AGO` where one was approved after it."""
    bins: Array = np.where(since == 0, _part(local)[:, None], _BY_DAY[since])
    bins += DATED * (posted(local, since) <= failed[:, None])
    bins[:, IRREGULAR] = undated_bin(local - failed)
    return bins


def alike(local: Array, failed: float) -> tuple[Array, Array]:
    """Places of instants that stand for all, and of each instant which of them stands for it:
    `bins_of` is the same."""
    day = np.floor(local / 24.0)
    kind = (day * (len(_DAY_PARTS) + 1) + _part(local)) * BINS + undated_bin(local - failed)
    _, first, which = np.unique(kind, return_index=True, return_inverse=True)
    return first, which


def _part(local: Array) -> Array:
    """Part of the day of each local time."""
    parts: Array = np.searchsorted(_DAY_PARTS, local % 24.0, side="right")
    return parts


def posted(local: Array, since: Array) -> Array:
    """Instants × rhythms: when the last pay had come at the latest."""
    hours: Array = (np.floor(local / 24.0)[:, None] - since) * 24.0 + _POSTED_BY
    return hours


def undated_bin(hours: Array) -> Array:
    """`hours` since the failure."""
    bins: Array = UNDATED + np.searchsorted(_SINCE_FAILURE, hours, side="right")
    return bins


def outcome_of(answer: Array) -> Array:
    """Outcomes of answers by their class: approved 0, no funds 1, others 2."""
    outcomes: Array = np.minimum(answer, OUTCOMES - 1)
    return outcomes


def likelihood(logs: Array, bins: Array, kind: Array, outcome: Array) -> Array:
    """Attempts × hypotheses, as logs. `logs`: of the table, kind × outcome × level × bin."""
    rows = (kind * OUTCOMES + outcome) * LEVELS
    by_level: Array = logs.ravel().take(
        (rows[:, None, None] + np.arange(LEVELS)) * BINS + bins[:, :, None]
    )
    return by_level.reshape(len(kind), -1)


def money_there(table: Array, bins: Array, weights: Array) -> Array:
    """The chance that an attempt is approved, by instant. `weights`: of the hypotheses, at each
    instant or at all."""
    approved, by_level = table[TRY, APPROVED], weights.reshape(*weights.shape[:-1], COUNT, LEVELS)
    there = np.zeros(len(bins))
    if weights.ndim == 1:
        there[:] = (by_level @ approved).ravel().take(_EACH * BINS + bins).sum(axis=1)
        return there
    for level in range(LEVELS):
        there += np.einsum("ij,ij->i", approved[level][bins], by_level[..., level])
    return there


def normal(logs: Array) -> Array:
    """Rows of logs as shares."""
    raised = np.exp(logs - logs.max(axis=-1, keepdims=True))
    shares: Array = raised / raised.sum(axis=-1, keepdims=True)
    return shares
