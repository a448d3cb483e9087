"""Attempts of the past as columns, payer by payer and in order of time: what training reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from recoup.rules.rescue.engine.bins import GAP, IDLE, SINCE, TRIES
from recoup.rules.rescue.engine.classes import APPROVED, FUNDS, MISSING, SOFT, THERE, UNTOLD
from recoup.rules.rescue.engine.rhythms import IRREGULAR, RHYTHMS, days_since

Column = np.ndarray[Any, Any]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_LONG_AGO_HOURS: Final = 10_000.0


class Past(NamedTuple):
    """One attempt of the past. `number` 1 is the payment itself; `answer` is a class of `rules.rescue.engine.classes`,
    `key` its code with its advice; `offset_minutes` as the engine will be asked with."""

    payer: str
    order: str
    number: int
    at: datetime
    answer: int
    key: str
    issuer: str
    offset_minutes: int
    zone_known: bool
    credit: bool = False


@dataclass(frozen=True, slots=True)
class Attempts:
    """Columns of one length, by payer and time; a payer's attempts stay together. `at`: hours since 1970; `tries`: how
    many of the order came before; `offset`: hours; `owner`: of the payer's merchant. Payers and orders are numbered
    from 0."""

    payer: Column
    order: Column
    at: Column
    tries: Column
    answer: Column
    key: Column
    issuer: Column
    offset: Column
    zone: Column
    credit: Column
    owner: Column
    keys: tuple[str, ...]
    issuers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.payer)

    @property
    def payers(self) -> int:
        return int(self.payer[-1]) + 1 if len(self) else 0


@dataclass(frozen=True, slots=True)
class Features:
    """What is fitted: columns of one length; `since_bin` and `stale` are attempts × rhythms. `gap` counts from the
    payer's attempt before, whose answer is `before` (0: an approval, or none); `money_before`, `missing_bin` and
    `idle_bin` from when money was last asked for; `since_first` from the payment of the
    order, whose answer is `first_answer`. `pooled`: issuers of whom nothing of their own is learned."""

    payer: Column
    order: Column
    tries: Column
    answer: Column
    key: Column
    issuer: Column
    zone: Column
    credit: Column
    before: Column
    gap_bin: Column
    money_before: Column
    missing_bin: Column
    idle_bin: Column
    since_bin: Column
    stale: Column
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


def attempts_of(rows: Iterable[Past]) -> Attempts:
    """Sorted by payer and time; all of one owner."""
    past = sorted(rows, key=lambda row: (row.payer, row.at, row.order, row.number))
    payers, orders, keys, issuers = dict[str, int](), dict[str, int](), dict[str, int](), dict[str, int]()
    return Attempts(
        np.array([payers.setdefault(row.payer, len(payers)) for row in past], np.int64),
        np.array([orders.setdefault(row.order, len(orders)) for row in past], np.int64),
        np.array([(row.at - _EPOCH).total_seconds() for row in past]) / 3600.0,
        np.minimum(np.array([row.number - 1 for row in past], np.int64), TRIES - 1),
        np.array([row.answer for row in past], np.int64),
        np.array([keys.setdefault(row.key, len(keys)) for row in past], np.int64),
        np.array([issuers.setdefault(row.issuer, len(issuers)) for row in past], np.int64),
        np.array([row.offset_minutes for row in past]) / 60.0,
        np.array([row.zone_known for row in past], np.int64),
        np.array([row.credit for row in past], np.int64),
        np.zeros(len(past), np.int64),
        tuple(keys),
        tuple(issuers),
    )


def chosen(attempts: Attempts, rows: Column) -> Attempts:
    """Those rows alone (a mask); payers and orders are numbered anew."""
    columns = {name: getattr(attempts, name) for name in Attempts.__slots__}
    kept = {name: column[rows] for name, column in columns.items() if isinstance(column, np.ndarray)}
    for name in ("payer", "order"):
        kept[name] = np.unique(kept[name], return_inverse=True)[1]
    return Attempts(**kept, keys=attempts.keys, issuers=attempts.issuers)


def features_of(data: Attempts, pooled: Column | None = None) -> Features:
    same = np.r_[False, data.payer[1:] == data.payer[:-1]]
    gap = np.where(same, data.at - np.r_[0.0, data.at[:-1]], _LONG_AGO_HOURS)
    before = np.where(same, np.r_[APPROVED, data.answer[:-1]], APPROVED)
    money, money_gap = _money_before(data, gap, before)
    local = data.at + data.offset
    since = _hours_since(local)
    first = np.full(int(data.order.max()) + 1, np.inf)
    np.minimum.at(first, data.order, local)
    first_answer = np.full(len(first), SOFT)
    first_answer[data.order[data.tries == 0]] = data.answer[data.tries == 0]
    return Features(
        data.payer,
        data.order,
        data.tries,
        data.answer,
        data.key,
        data.issuer,
        data.zone,
        data.credit,
        before,
        np.maximum(np.searchsorted(GAP, gap, side="right") - 1, 0),
        money,
        np.maximum(np.searchsorted(GAP, money_gap, side="right") - 1, 0),
        np.maximum(np.searchsorted(IDLE, money_gap, side="right") - 1, 0),
        np.maximum(np.searchsorted(SINCE, since, side="right") - 1, 0).astype(np.int8),
        (since > money_gap[:, None]) & (money != THERE)[:, None],
        ((data.at % 24) // 3).astype(np.int64),
        ((data.at // 24 + 3) % 7).astype(np.int64),
        local // 24 != first[data.order] // 24,
        _month(local) != _month(first)[data.order],
        local - first[data.order],
        first_answer[data.order],
        data.keys,
        data.issuers,
        np.zeros(len(data.issuers), bool) if pooled is None else pooled,
    )


def _money_before(data: Attempts, gap: Column, before: Column) -> tuple[Column, Column]:
    """How money stood when it was last asked for (`rules.rescue.engine.chances.Before`), and the hours since."""
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
