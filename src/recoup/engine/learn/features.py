"""Attempts of the past as what is fitted reads them: in bins, in the situations in which they look
for money, and as the facts of the engine that a decision would have known.

All tries of one cell find money with the same chance, so that chances are made by cell and not by
try: a few thousand instead of millions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from recoup.engine.bins import GAP, IDLE, MISSING, SINCE, STANDINGS, THERE, UNTOLD
from recoup.engine.learn.attempts import Attempts, Column
from recoup.engine.rhythms import AMPLE, IRREGULAR, RHYTHMS, days_since
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, SOFT
from recoup.rescue.rules.facts import LOOKS_MAX, Facts, Look, instant_of

# Of a payer, so many are looked through for those of other orders.
ROWS_BEFORE: Final = 8 * LOOKS_MAX


def facts_at(data: Attempts, own: Sequence[int], others: Sequence[int]) -> Facts:
    """Facts after the rows `own` of an order, its payment first. `others`: rows of the payer's
    other orders, oldest first."""
    first = own[0]
    return Facts(
        first=look_at(data, first),
        first_key=data.keys[data.key[first]],
        issuer=data.issuers[data.issuer[own[-1]]],
        zone=round(float(data.offset[first]) * 60),
        zone_known=bool(data.zone[first]),
        tries=tuple(look_at(data, row) for row in own[1:]),
        looks=tuple(look_at(data, row) for row in others[-LOOKS_MAX:]),
        credit=bool(data.credit[first]),
    )


def look_at(data: Attempts, row: int) -> Look:
    return Look(instant_of(float(data.at[row])), int(data.answer[row]), int(data.tries[row]))


# Of dated rhythms: the zone is known; how money stood, and for how long; whether it is a try after
# the first; whether money was missing since the posting; the time since that.
_DATED: Final = (2, STANDINGS, len(GAP), 2, 2, len(SINCE))
_IRREGULAR: Final = (STANDINGS, 2, len(IDLE))
_AMPLE: Final = (STANDINGS, 2)
_SIZES: Final = tuple(int(np.prod(shape)) for shape in (_DATED, _IRREGULAR, _AMPLE))
CELLS: Final = sum(_SIZES)
DATED: Final = slice(0, _SIZES[0])
DATELESS: Final = slice(_SIZES[0], _SIZES[0] + _SIZES[1])
ABUNDANT: Final = slice(_SIZES[0] + _SIZES[1], CELLS)

_zone, _standing, _gap, _retry, _stale, _since = (axis.ravel() for axis in np.indices(_DATED))
_own_standing, _own_retry, _idle = (axis.ravel() for axis in np.indices(_IRREGULAR))
_ample_standing, _ample_retry = (axis.ravel() for axis in np.indices(_AMPLE))
STANDING: Final = np.r_[_standing, _own_standing, _ample_standing]
RETRY: Final = np.r_[_retry, _own_retry, _ample_retry] > 0
STALE: Final = _stale > 0  # of dated cells
# Which coefficient the cell is about, of those of its sort.
SINCE_OF: Final = _zone * len(SINCE) + _since
STALE_OF: Final = (_standing == MISSING) * len(GAP) + _gap
IDLE_OF: Final = _own_standing * len(IDLE) + _idle


def cells_of(
    zone: Column,
    standing: Column,
    retry: Column,
    gap: Column,
    idle: Column,
    since: Column,
    stale: Column,
) -> Column:
    """Attempts × rhythms. `since`, `stale`: likewise; the others by attempt."""
    retry, stale = retry.astype(np.int64), stale.astype(np.int64)
    by_try = np.ravel_multi_index((zone, standing, gap, retry, 0 * retry, 0 * retry), _DATED)
    cells: Column = by_try[:, None] + stale * len(SINCE) + since
    cells[:, IRREGULAR] = DATELESS.start + np.ravel_multi_index((standing, retry, idle), _IRREGULAR)
    cells[:, AMPLE] = ABUNDANT.start + np.ravel_multi_index((standing, retry), _AMPLE)
    return cells


_EPOCH_DAY: Final = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
_LONG_AGO_HOURS: Final = 10_000.0


@dataclass(frozen=True, slots=True)
class Features:
    """Columns of one length. `cell`: attempts × rhythms, the situation in which each looks for
    money. `gap_bin` counts from the payer's attempt before, whose answer is `before` (0: an
    approval, or none); `standing`: how money stood when it was last looked for; `since_first` from
    the order's earliest attempt; `first_answer`: of its payment. `pooled`: issuers of whom nothing
    of their own is learned."""

    payer: Column
    order: Column
    tries: Column
    answer: Column
    key: Column
    issuer: Column
    credit: Column
    payer_credit: Column  # of the payer's newest attempt
    before: Column
    gap_bin: Column
    standing: Column
    cell: Column
    hour: Column
    weekday: Column
    new_day: Column
    new_month: Column
    since_first: Column
    first_answer: Column
    keys: tuple[str, ...]
    issuers: tuple[str, ...]
    pooled: Column

    def __len__(self) -> int:
        return len(self.payer)

    def sorted_by(self, rows: Column) -> "Features":
        """The same attempts in another order."""
        apart = ("keys", "issuers", "pooled")
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in Features.__slots__ if name not in apart},
        )


def features_of(data: Attempts, pooled: Column | None = None) -> Features:
    same = np.r_[False, data.payer[1:] == data.payer[:-1]]
    gap = np.where(same, data.at - np.r_[0.0, data.at[:-1]], _LONG_AGO_HOURS)
    before = np.where(same, np.r_[APPROVED, data.answer[:-1]], APPROVED)
    money, money_gap = _money_before(data, gap, before)
    local = data.at + data.offset
    since = _hours_since(local)
    stale = (since > money_gap[:, None]) & (money != THERE)[:, None]
    first, first_local = _earliest(data.order, data.at), _earliest(data.order, local)
    first_answer = np.full(len(first), SOFT)
    first_answer[data.order[data.tries == 0]] = data.answer[data.tries == 0]
    newest = np.zeros(data.payers, np.int64)
    newest[data.payer] = data.credit
    cell = cells_of(
        data.zone,
        money,
        data.tries > 0,
        _bin(GAP, money_gap),
        _bin(IDLE, money_gap),
        _bin(SINCE, since),
        stale,
    )
    return Features(
        data.payer,
        data.order,
        data.tries,
        data.answer,
        data.key,
        data.issuer,
        data.credit,
        newest[data.payer],
        before,
        _bin(GAP, gap),
        money,
        cell,
        ((data.at % 24) // 3).astype(np.int64),
        ((data.at // 24 + 3) % 7).astype(np.int64),
        local // 24 != first_local[data.order] // 24,
        _month(local) != _month(first_local)[data.order],
        data.at - first[data.order],
        first_answer[data.order],
        data.keys,
        data.issuers,
        np.zeros(len(data.issuers), bool) if pooled is None else pooled,
    )


def _earliest(order: Column, times: Column) -> Column:
    earliest = np.full(int(order.max()) + 1, np.inf)
    np.minimum.at(earliest, order, times)
    return earliest


def _bin(begins: tuple[int, ...], hours: Column) -> Column:
    bins: Column = np.maximum(np.searchsorted(begins, hours, side="right") - 1, 0)
    return bins


def _money_before(data: Attempts, gap: Column, before: Column) -> tuple[Column, Column]:
    """Money as it stood when it was last asked for (`engine.chances.Before`), and the
    hours since."""
    place = np.arange(len(data))
    told = np.where((data.answer == APPROVED) | (data.answer == FUNDS), place, -1)
    last = np.r_[-1, np.maximum.accumulate(told)[:-1]]
    begin = np.searchsorted(data.payer, data.payer)
    missing = (last >= begin) & (data.answer[last] == FUNDS)
    money = np.where(missing, MISSING, np.where(before == APPROVED, THERE, UNTOLD))
    return money, np.where(missing, data.at - data.at[last], gap)


def _hours_since(local: Column) -> Column:
    days = (local // 24).astype(np.int64)
    distinct, where = np.unique(days, return_inverse=True)
    table = np.array([list(days_since(int(day) + _EPOCH_DAY)) for day in distinct], np.int16)
    hours = table[where] * 24 + (local - days * 24)[:, None].astype(np.float32)
    assert hours.shape[1] == len(RHYTHMS)
    hours[:, IRREGULAR:] = 1e6
    return hours


def _month(local: Column) -> Column:
    return (local * 3600).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
