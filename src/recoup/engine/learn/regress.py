"""Learns from attempts of the past: the payers' table and hypotheses by EM, the blocks of a
regression one after the other, each drawn to nothing as strongly as its own values say, and where
orders stand by EM beside them."""

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import pairwise
from math import inf
from typing import Final, NamedTuple

import numpy as np

from recoup.engine.bins import RESTS, place_of_key, places_of_keys
from recoup.engine.blocks import (
    BY_DELAY,
    BY_GAP,
    DELAY,
    GAP,
    LATELY,
    NEVER,
    NO_APPROVAL,
    Tries,
    lines,
    places,
    sizes,
)
from recoup.engine.learn.attempts import Attempts, Column
from recoup.engine.model import Regression
from recoup.engine.pay_days import (
    BINS,
    COUNT,
    DATED,
    IRREGULAR,
    LEVELS,
    LONG_AGO,
    OUTCOMES,
    RHYTHMS,
    bins_of,
    days_since,
    likelihood,
    money_there,
    normal,
    outcome_of,
)
from recoup.engine.regression import (
    HELD,
    KINDS,
    NODES,
    SLOTS,
    UNTIL,
    WILLING,
    chance_of,
    logit_of,
    logs_of,
    usual,
)
from recoup.kernel.stop import look_up
from recoup.rescue.rules.answer_classes import APPROVED, CLASSES

TRIES_LEAST: Final = 300  # from so many on a regression is learned
PAYER_MAX: Final = 3_000  # attempts: whoever has more is no payer
PAYERS_FROM: Final = 60_000  # attempts that the payers' table is learned from
PAYER_ROUNDS: Final = 25
PART: Final = 4_000  # attempts at once
ROUNDS: Final = 40
ISSUERS_MAX: Final = 200
LEAST: Final = 20  # tries of a key or an issuer of its own
SUPPORT: Final = 50  # tries of which a bin says something
ANCHOR: Final = 8.0  # attempts as good as seen
HABITS_WEIGHT: Final = 300.0  # payers as good as known
KEY_WEIGHT: Final = 40.0  # orders as good as seen, of a key
NODES_WEIGHT: Final = 20.0
_BIAS_MAX: Final = 6.0  # logits: of tries that all ended alike
_HALF_WEIGHT: Final = (
    100.0  # tries from which a third of a chance is the regression's, half at most
)
# Pay days that are usual where most worlds lie; the rest is even.
_HABITS: Final = {
    "biweekly-5": 0.08, "biweekly-12": 0.08, "weekly-4": 0.08, "halves-15": 0.07, "halves-1": 0.04,
    "semi-15": 0.03, "before-1": 0.05, "monthly-1": 0.03, "before-31": 0.06, "month-end-0": 0.02,
    "before-15": 0.03, "before-25": 0.03, "before-3": 0.02,
}  # fmt: skip
_EVEN: Final = 0.3
_IRREGULAR_SHARE: Final = 0.25
_AT_FIRST: Final = np.array([0.1, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05, 0.06, 0.06, 0.06, 0.06, 0.16])
# By level and days since the pay day, where money is at first thought to be; the last of payers
# without pay days.
_THERE: Final = np.array([
    [0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.94, 0.94, 0.94, 0.95],
    [0.60, 0.85, 0.92, 0.92, 0.92, 0.90, 0.86, 0.80, 0.70, 0.60, 0.50, 0.75],
    [0.30, 0.70, 0.80, 0.75, 0.65, 0.55, 0.40, 0.30, 0.20, 0.15, 0.15, 0.40],
    [0.15, 0.75, 0.85, 0.60, 0.35, 0.25, 0.15, 0.12, 0.10, 0.08, 0.08, 0.20],
])  # fmt: skip
_GAPS_AGAIN: Final = (0.0, 6.0, 12.0, 20.0, 24.0, inf)


def regressed(
    data: Attempts, named: Column, known: Collection[str]
) -> tuple[Regression, float] | None:
    """The regression, and the hours to rest after a further failure; None where tries are too few.
    The same answered give the same. `named`: a mask of issuers that may have lines of their own;
    `known`: the codes that may."""
    pays, habits = _payers(data)
    # A code after which nobody has tried again says nothing of tries.
    tried = _tried(data)
    keys = _common(
        data.key[tried.head], data.keys, len(data.keys), [name in known for name in data.keys]
    )
    issuers = _common(data.issuer, data.issuers, ISSUERS_MAX, named.tolist())
    answered = _tries(data, tried, pays, habits, keys, issuers)
    count = len(answered.tries)
    if count < TRIES_LEAST:
        return None
    slot = ((answered.tries.at + answered.tries.offset) % 24 // (24 // SLOTS)).astype(np.int64)
    bias, tables, weights, nodes = _fit(answered, len(keys) + 1, len(issuers) + 1)
    regression = Regression(
        tries=count,
        weight=count / (2.0 * count + _HALF_WEIGHT),
        pays=tuple(pays.reshape(-1).tolist()),
        habits=tuple(habits.tolist()),
        keys=keys,
        issuers=issuers,
        bias=bias,
        tables={name: tuple(table.tolist()) for name, table in tables.items()},
        lines=tuple(weights.tolist()),
        nodes=tuple(nodes.reshape(-1).tolist()),
        slots=tuple((np.bincount(slot, minlength=SLOTS) >= min(SUPPORT, count / 16)).tolist()),
    )
    return regression, _rest_again(answered.tries)


def _common(column: Column, names: tuple[str, ...], most: int, may: list[bool]) -> tuple[str, ...]:
    counts = Counter(column.tolist()).most_common()
    return tuple([names[place] for place, count in counts if count >= LEAST and may[place]][:most])


def _rest_again(tries: Tries) -> float:
    """A day at most: of tries once a day causes say enough, however far apart those of the past
    were; 0 where few are known."""
    further = (tries.number > 1) & np.isin(tries.last, RESTS)
    gaps = (tries.at - tries.last_at)[further]
    return next(
        (
            low
            for low, high in pairwise(_GAPS_AGAIN)
            if ((gaps >= low) & (gaps < high)).sum() >= SUPPORT
        ),
        0.0,
    )


# The payers.


def _failed(data: Attempts) -> Column:
    """Hours at which the payer's last attempt before failed, in the payer's time; long ago where
    one was approved since."""
    places = np.arange(len(data))
    begins = np.maximum.accumulate(
        np.where(np.r_[True, data.payer[1:] != data.payer[:-1]], places, 0)
    )
    bad, good = _last_before(data.answer != APPROVED), _last_before(data.answer == APPROVED)
    counts = (bad >= begins) & (bad > good)
    return np.where(counts, data.at[np.maximum(bad, 0)] + data.offset, LONG_AGO)


class _Part(NamedTuple):
    """Attempts of some payers: rows of the data, where each payer's begin in them, which payer each
    is of."""

    rows: Column
    begins: Column
    payer: Column
    bins: Column


def _parts(data: Attempts, rows: Column) -> Iterator[_Part]:
    local, failed = data.at + data.offset, _failed(data)
    starts = np.flatnonzero(np.r_[True, data.payer[rows][1:] != data.payer[rows][:-1]])
    ends, begin = np.r_[starts[1:], len(rows)], 0
    while begin < len(starts):
        end = max(begin + 1, int(np.searchsorted(ends, starts[begin] + PART, side="right")))
        part = rows[starts[begin] : ends[end - 1]]
        payer = np.repeat(np.arange(end - begin), (ends - starts)[begin:end])
        bins = bins_of(local[part], days_since(local[part]), failed[part])
        yield _Part(part, starts[begin:end] - starts[begin], payer, bins)
        begin = end


def _at_first() -> tuple[Column, Column]:
    """The table and the prior before anything is seen."""
    dated, dateless = _THERE[:, :DATED], _THERE[:, DATED:]
    there = np.hstack(
        [dated, dated * 0.5, dateless * 0.5, dateless * 0.7, dateless * 0.9, dateless]
    )
    tables = [np.stack([yes, (1 - yes) * 0.7, (1 - yes) * 0.3]) for yes in (there, there * 0.5)]
    prior = np.full((COUNT, LEVELS), _EVEN / COUNT)
    for name, share in _HABITS.items():
        prior[RHYTHMS.index(name)] += share
    prior[IRREGULAR] = _IRREGULAR_SHARE
    return np.stack(tables), prior / prior.sum()


def _payers(data: Attempts) -> tuple[Column, Column]:
    base, prior = _at_first()
    table, habits = base, prior.sum(1)
    step = max(1, int(np.ceil(len(data) / PAYERS_FROM)))
    rows = np.flatnonzero(data.payer % step == 0)
    kind, outcome = (data.tries > 0).astype(np.int64), outcome_of(data.answer)
    parts = list(_parts(data, rows))
    for _ in range(PAYER_ROUNDS):
        look_up()
        seen, counts = np.zeros((KINDS, OUTCOMES, LEVELS, BINS)), np.zeros((COUNT, LEVELS))
        logs = logs_of(table).astype(np.float32)
        for part in parts:
            likely = likelihood(logs, part.bins, kind[part.rows], outcome[part.rows])
            weights = normal(
                np.add.reduceat(likely, part.begins, axis=0) + np.log(prior.reshape(-1))
            )
            counts += weights.sum(0).reshape(COUNT, LEVELS)
            each = weights[part.payer].reshape(len(part.rows), COUNT, LEVELS)
            place = (
                (kind[part.rows] * OUTCOMES + outcome[part.rows])[:, None] * BINS + part.bins
            ).reshape(-1)
            for level in range(LEVELS):
                weighed = np.bincount(place, each[:, :, level].reshape(-1), KINDS * OUTCOMES * BINS)
                seen[:, :, level] += weighed.reshape(KINDS, OUTCOMES, BINS)
        table = (seen + ANCHOR * base) / (seen.sum(1, keepdims=True) + ANCHOR)
        rhythms, levels = counts.sum(1) + HABITS_WEIGHT * habits, counts[:IRREGULAR].sum(0) + 1.0
        prior = np.vstack(
            [rhythms[:IRREGULAR, None] * levels / levels.sum(), counts[IRREGULAR:] + _EVEN]
        )
        prior /= prior.sum()
    return table, prior.reshape(-1)


# The tries.


class _Found(NamedTuple):
    """Tries of the past, their orders' together; `order`: its number, from 0."""

    tries: Tries
    approved: Column
    order: Column


class _Rows(NamedTuple):
    """Rows of each attempt: its own, those of its order's payment and of the attempt before, its
    number, and how many of its order's attempts before it lie within `LATELY`, and after the
    payer's last approval."""

    rows: Column
    head: Column
    before: Column
    number: Column
    lately: Column
    since: Column


def _tried(data: Attempts) -> _Rows:
    by_order = np.lexsort((data.tries, data.at, data.order))
    first = np.r_[True, data.order[by_order][1:] != data.order[by_order][:-1]]
    places = np.arange(len(data))
    begins = np.flatnonzero(first)[np.cumsum(first) - 1]
    head, before = by_order[begins], np.r_[0, by_order[:-1]]
    wide, order = _wide(data.order, data.at)[by_order], data.order[by_order] * len(data)
    lately = places - np.maximum(np.searchsorted(wide, wide - LATELY, side="right"), begins)
    good = _last_before(data.answer == APPROVED)[by_order]
    since = places - np.searchsorted(order + by_order, order + good, side="right")
    kept = ~first & (data.tries[head] == 0) & (data.answer[before] != APPROVED)
    return _Rows(
        *(column[kept] for column in (by_order, head, before, places - begins, lately, since))
    )


def _last_before(rows: Column) -> Column:
    """The last of the rows before each row; -1 where there is none."""
    last: Column = np.r_[-1, np.maximum.accumulate(np.where(rows, np.arange(len(rows)), -1))[:-1]]
    return last


def _wide(group: Column, at: Column) -> Column:
    """Times so far apart that no window reaches from one group into another."""
    places: Column = group * 1e7 + (at - at.min())
    return places


def _tries(
    data: Attempts,
    tried: _Rows,
    table: Column,
    prior: Column,
    keys: tuple[str, ...],
    issuers: tuple[str, ...],
) -> _Found:
    money, level = _money(data, table, prior)
    count = len(data)
    rows, head, before, number, own_lately, own_since = tried
    # What the payer's attempts before tell.
    places, failed = np.arange(count), data.answer != APPROVED
    start = np.maximum.accumulate(
        np.where(np.r_[True, data.payer[1:] != data.payer[:-1]], places, 0)
    )
    good, bad = _last_before(~failed), _last_before(failed)
    failures = np.cumsum(failed) - failed
    known = good >= start
    ago = np.where(known, (data.at - data.at[np.maximum(good, 0)]) / 24.0, NEVER)
    since = failures - failures[np.maximum(good, 0)]
    wide = _wide(data.payer, data.at)
    lately = (
        failures - failures[np.maximum(np.searchsorted(wide, wide - LATELY, side="right"), start)]
    )
    kin = places_of_keys(keys)
    key_of = np.array([place_of_key(kin, key) for key in data.keys], np.int64)
    issuer_of = _numbers(data.issuers, issuers)
    tries = Tries(
        at=data.at[rows],
        first_at=data.at[head],
        last_at=data.at[before],
        number=number,
        first=data.answer[head],
        last=data.answer[before],
        key=key_of[data.key[head]],
        issuer=issuer_of[data.issuer[rows]],
        offset=data.offset[rows],
        zone=data.zone[rows],
        credit=data.credit[rows],
        ago=ago[rows],
        since=np.where(
            known[rows], np.minimum(since[rows] - own_since, NO_APPROVAL - 1), NO_APPROVAL
        ),
        failures=np.maximum(lately[rows] - own_lately, 0),
        seen=(places - start)[rows] - number,
        money=money[rows],
        level=level[rows],
        prior_at=data.at[bad[rows]],
        prior=data.answer[bad[rows]],
    )
    order = np.unique(data.order[rows], return_inverse=True)[1]
    return _Found(tries, (data.answer[rows] == APPROVED).astype(float), order)


def _numbers(names: tuple[str, ...], known: tuple[str, ...]) -> Column:
    place_of = {name: place for place, name in enumerate(known, start=1)}
    return np.array([place_of.get(name, 0) for name in names], np.int64)


def _money(data: Attempts, table: Column, prior: Column) -> tuple[Column, Column]:
    """Logits of `Tries.money` and `Tries.level` for each attempt, by what was seen of the payer
    before."""
    kind, outcome = (data.tries > 0).astype(np.int64), outcome_of(data.answer)
    logs, any_day = logs_of(table), usual(table)
    money, level = np.zeros(len(data)), np.zeros(len(data))
    for part in _parts(data, np.arange(len(data))):
        likely = likelihood(logs, part.bins, kind[part.rows], outcome[part.rows])
        before = np.cumsum(likely, axis=0) - likely
        weights = normal(before - before[part.begins][part.payer] + np.log(prior))
        money[part.rows] = logit_of(money_there(table, part.bins, weights))
        level[part.rows] = logit_of(weights @ any_day)
    return money, level


# The regression.


def _fit(
    answered: _Found, keys: int, issuers: int
) -> tuple[float, dict[str, Column], Column, Column]:
    """Bias, tables, weights, nodes."""
    t, yes, order = answered
    wanted, x = sizes(keys, issuers), np.stack(lines(t), axis=1)
    cut = {name: (place, wanted[name]) for name, place in places(t).items()}
    rate = (yes.sum() + 1.0) / (len(yes) + 2.0)
    bias, weights = float(np.log(rate / (1.0 - rate))), np.array([0.5, 0.5])
    tables = {name: np.zeros(size) for name, (_, size) in cut.items()}
    spread = dict.fromkeys(cut, 0.05)
    logits = bias + x @ weights
    heads = np.flatnonzero(np.r_[True, order[1:] != order[:-1]])
    held = (t.at - t.first_at)[:, None] < UNTIL
    nodes = _Nodes(order, t.first[heads], t.key[heads], keys)
    for turn in range(ROUNDS):
        look_up()
        each = np.where(held, HELD, chance_of(logits[:, None] + WILLING))
        share = np.where(
            held, 0.0, nodes.moved(np.where(yes[:, None] > 0, each, 1.0 - each))[order]
        )
        slope, bend = _steps(logits, yes, share)
        move = float(slope.sum() / (bend.sum() + 1e-9))
        move = float(np.clip(bias + move, -_BIAS_MAX, _BIAS_MAX)) - bias
        bias, logits = bias + move, logits + move
        for column in range(x.shape[1]):
            slope, bend = _steps(logits, yes, share)
            value = x[:, column]
            move = float(
                ((slope * value).sum() - 2.0 * (weights[column] - 0.5))
                / ((bend * value**2).sum() + 2.0)
            )
            weights[column] += move
            logits = logits + move * value
        for name, (place, size) in cut.items():
            slope, bend = (np.bincount(place, step, size) for step in _steps(logits, yes, share))
            table, prior = tables[name], spread[name]
            table += (moves := np.clip((slope - table / prior) / (bend + 1.0 / prior), -1.0, 1.0))
            logits = logits + moves[place]
            if turn >= 3:
                spread[name] = _spread(table, bend, prior)
    _extend(cut, tables)
    return bias, tables, weights, nodes.by_key


def _steps(logits: Column, yes: Column, share: Column) -> tuple[Column, Column]:
    """Slope and bend of the likelihood by the logit of each try; `share`: of the nodes at which it
    is not held."""
    each = chance_of(logits[:, None] + WILLING)
    return yes * share.sum(1) - (share * each).sum(1), (share * each * (1.0 - each)).sum(1)


def _spread(table: Column, bend: Column, prior: float) -> float:
    """Variance of a block's values, by MacKay's rule: what the data have fixed of them."""
    used = bend > 1e-9
    fixed = float((1.0 - 1.0 / (bend[used] + 1.0 / prior) / prior).sum())
    if fixed <= 0.05:
        return prior * 0.7
    return float(np.clip(((table[used] ** 2).sum() + 1e-3) / fixed, 1e-4, 2.0))


def _extend(cut: dict[str, tuple[Column, int]], tables: dict[str, Column]) -> None:
    """Extends each table: a bin hardly anybody tried takes its neighbour's part."""
    for names, size in ((BY_DELAY, len(DELAY) + 1), (BY_GAP, len(GAP) + 1)):
        known = np.flatnonzero(np.bincount(cut[names[0]][0], minlength=size) >= SUPPORT)
        for name in names if len(known) else ():
            table = tables[name].reshape(-1, size)
            table[:, known[-1] + 1 :] = table[:, [known[-1]]]
            table[:, : known[0]] = table[:, [known[0]]]


class _Nodes:
    """Nodes where orders stand: shares by class of the first decline, and by its key drawn to
    them."""

    def __init__(self, order: Column, first: Column, key: Column, keys: int) -> None:
        self._order, self._first, self._key = order, first, key
        self.by_key = np.tile(_AT_FIRST, (len(CLASSES), keys, 1))

    def moved(self, likely: Column) -> Column:
        """Orders × nodes, after one round by how likely each try's answer was at each."""
        orders, logs = len(self._first), np.log(np.maximum(likely, 1e-9))
        sums = np.stack(
            [np.bincount(self._order, logs[:, node], orders) for node in range(NODES)], axis=1
        )
        posterior = normal(sums + np.log(self.by_key[self._first, self._key]))
        classes, keys, _ = self.by_key.shape
        place = self._first * keys + self._key
        counts = np.stack(
            [np.bincount(place, posterior[:, node], classes * keys) for node in range(NODES)],
            axis=1,
        )
        counts = counts.reshape(classes, keys, NODES)
        by_class = counts.sum(1) + NODES_WEIGHT * _AT_FIRST
        shares = by_class / by_class.sum(1, keepdims=True)
        drawn = counts + KEY_WEIGHT * shares[:, None, :]
        self.by_key = drawn / drawn.sum(2, keepdims=True)
        return posterior
