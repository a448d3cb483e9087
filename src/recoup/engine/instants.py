"""The chances by causes of many instants at once. Sums go from left to right, so that every machine
finds the same."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from recoup.engine.belief import UNTIL, Belief
from recoup.engine.bins import GAP, HOURS, IDLE, THERE, tries_bin
from recoup.engine.chances import (
    EPOCH_DAY,
    EPOCH_SLOT,
    SLOTS,
    Before,
    Ground,
    month_of,
    rows_of,
    undated_of,
)
from recoup.engine.pay_days import Array
from recoup.engine.plan import Candidate
from recoup.engine.rhythms import AMPLE, IRREGULAR, LONG_AGO, places

_UNTIL, _GAP_ENDS, _IDLE_ENDS = np.array(UNTIL), np.array(GAP[1:]), np.array(IDLE[1:])
_DAYS: Final = np.arange(LONG_AGO + 1)
_PLACES: Final = LONG_AGO + 3  # in a row: days since the posting, the irregular, the ample
_NONE: Final = np.zeros(1)


def at_instants(ground: Ground, belief: Belief, instants: Sequence[float]) -> list[Candidate]:
    if not instants:
        return []
    chances, willing = chances_of(ground, belief, np.array(instants))
    return list(map(Candidate, instants, chances.tolist(), willing.tolist()))


def chances_of(ground: Ground, belief: Belief, at: Array) -> tuple[Array, Array]:
    """Chances of an approval, and of the bank not refusing."""
    days, which = np.unique(days_of(ground, at), return_inverse=True)
    free = free_after(np.array(belief.holds))[passed(ground, at)]
    willing = 1.0 - _refused(ground, belief.before, at, days, which)
    return free * willing * _money(ground, belief, at, days, which), willing


def passed(ground: Ground, at: Array | float) -> Array:
    """The number of hold lengths that are over by then."""
    ended: Array = _UNTIL.searchsorted(at - ground.first_at, side="right")
    return ended


def free_after(holds: Array) -> Array:
    """Chance that nothing holds the order any more, by how many lengths of a hold are over."""
    return np.concatenate((_NONE, holds)).cumsum()


def days_of(ground: Ground, at: Array) -> Array:
    """Ordinals at the card holder."""
    days: Array = ((at + ground.offset) // 24).astype(np.int64) + EPOCH_DAY
    return days


def money_rows(ground: Ground, before: Before, at: Array) -> Array:
    """Rows as `chances.money_row`, one for each instant."""
    gap, hour = at - before.money_at, ((at + ground.offset) % 24).astype(np.int64)
    fresh, stale, undated = _tables(ground, before)
    table = np.empty((len(at), _PLACES))
    table[:, LONG_AGO + 1 :] = undated[_IDLE_ENDS.searchsorted(gap, side="right")]
    table[:, : LONG_AGO + 1] = rows = fresh[hour]
    if before.money != THERE:
        # A posting as many days ago or more lies before the time when money was asked for.
        older = np.where(gap >= hour, (gap - hour) // 24 + 1, 0)
        rows_before = stale[_GAP_ENDS.searchsorted(gap, side="right"), hour]
        table[:, : LONG_AGO + 1] = np.where(older[:, None] > _DAYS, rows, rows_before)
    return table


@lru_cache(maxsize=4096)
def places_on(day: int) -> Array:
    return np.frombuffer(places(day), np.uint8).astype(np.int64)


def _money(ground: Ground, belief: Belief, at: Array, days: Array, which: Array) -> Array:
    """The chance that money is there, over all rhythms. `days`: those of all instants; `which`: of
    each its place."""
    rows, weights, count = (
        money_rows(ground, belief.before, at),
        np.array(belief.rhythms),
        len(days),
    )
    # Days × places in a row: how likely the last posting was so many days before.
    cells = (
        np.stack([places_on(day) for day in days.tolist()]) + np.arange(count)[:, None] * _PLACES
    )
    by_place = np.bincount(cells.ravel(), np.tile(weights, count), count * _PLACES).reshape(
        count, _PLACES
    )[which]
    parts = np.empty((len(at), _PLACES))
    parts[:, 0], parts[:, 1] = weights[IRREGULAR] * rows[:, -2], weights[AMPLE] * rows[:, -1]
    np.multiply(by_place[:, : LONG_AGO + 1], rows[:, : LONG_AGO + 1], out=parts[:, 2:])
    logits: Array = parts.cumsum(axis=1)[:, -1]
    return logits


def _refused(ground: Ground, before: Before, at: Array, days: Array, which: Array) -> Array:
    """Chances of a refusal, as `chances.refused`; `days`, `which`: as `_money`."""
    table, tries = ground.odds, before.tries
    odds = np.array(ground.habits)[((at // (24 // HOURS)).astype(np.int64) + EPOCH_SLOT) % SLOTS]
    odds *= table.tries[tries_bin(tries)]
    if tries:
        odds *= np.array(table.after[before.answer])[
            _GAP_ENDS.searchsorted(at - before.at, side="right")
        ]
        odds *= _turned(ground, days)[which]
    else:
        odds *= table.first
    chances: Array = odds / (1.0 + odds)
    return chances


def _turned(ground: Ground, days: Array) -> Array:
    """Factors on the odds for another day than the payment's, or another month."""
    table, month = ground.odds, month_of(ground.first_day)
    return np.array(
        [
            1.0
            if day == ground.first_day
            else table.new_day
            if month_of(day) == month
            else table.new_month
            for day in days.tolist()
        ]
    )


def _tables(ground: Ground, before: Before) -> tuple[Array, Array, Array]:
    """Rows by hour of the day; the same by gap and hour, of postings before the time when money was
    asked for; and what stands behind them by the time since. Worked out once a model."""
    tables, key = ground.model.tables, ("rows", before.money, ground.zone_known, before.tries == 0)
    columns: tuple[Array, Array, Array] | None = tables.get(key)
    if columns is None:
        rows = [
            [rows_of(ground.model, hour, gap, before, ground.zone_known) for hour in range(24)]
            for gap in range(len(GAP))
        ]
        both = np.array(rows)  # gap, hour, fresh and stale, days
        undated = np.array([undated_of(ground.model, before, idle) for idle in range(len(IDLE))])
        columns = tables[key] = both[0, :, 0], both[:, :, 1], undated
    return columns
