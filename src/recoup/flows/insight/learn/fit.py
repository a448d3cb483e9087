"""Learns the coefficients by expectation and maximisation: what payers' rhythms and orders' holds are, given the
coefficients; then the coefficients, given those. Each step is a few passes over columns.

A coefficient stays near its prior until enough attempts speak for another (ridge); issuers stay near what holds for
all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from recoup.flows.insight.learn.attempts import Column, Features
from recoup.rules.rescue.engine.bins import GAP, HOLDS, HOURS, SINCE, TRIES, WEEKDAYS
from recoup.rules.rescue.engine.classes import APPROVED, CLASSES, FUNDS, HARD, SOFT
from recoup.rules.rescue.engine.rhythms import AMPLE, IRREGULAR, RHYTHMS

_R: Final = len(RHYTHMS)
_K: Final = len(CLASSES)
_ROUNDS: Final = 15
_PRIOR_PAYERS: Final = 20.0
_SHAPE: Final = 30.0
_STEPS: Final = 3
_H: Final = len(HOLDS) + 1
_SHAPE_FROM: Final = 3  # rounds with the prior's profile, until rhythms are told apart
_UNTIL: Final = np.array([*HOLDS, 1e9])
_HABITS: Final = {"biweekly-5": 0.11, "biweekly-12": 0.11, "weekly-4": 0.05, "halves-15": 0.08, "semi-15": 0.03,
                  "halves-1": 0.03, "working-1": 0.05, "monthly-1": 0.02, "business-end": 0.05, "month-end": 0.02,
                  "working-3": 0.03, "working-15": 0.02, "irregular": 0.05, "ample": 0.1}  # fmt: skip
# What history shows after an answer is also who was tried again: `after` takes that up while the rest is learned, and
# decisions go by these. Learned ones cost four orders of a hundred in worlds.
_AFTER_ANSWERS: Final = (1.0, 0.0, 0.5, 0.5, 0.5, 0.0)
_UNDATED: Final = (-1.8, 4.0)  # irregular, ample
# By class of the first decline: nothing holds the order, or it is held for good; the rest mends in time.
_HELD: Final = ((0.9, 0.05), (0.5, 0.2), (0.25, 0.35), (0.4, 0.1), (0.3, 0.1), (0.02, 0.95))
_TINY: Final = 1e-9
_BLOCK: Final = 2048  # rows of attempts × rhythms that the processor's cache holds


@dataclass(slots=True)
class Coefficients:
    """As `rules.rescue.engine.model` has them, in columns; of issuers, the difference to all."""

    since: Column
    stale: Column
    after: Column
    special: Column  # irregular, ample, first
    refusal_after: Column
    refusal_tries: Column
    refusal_hours: Column
    refusal_weekdays: Column
    refusal_flags: Column  # first, new day, new month
    issuer_refusal: Column
    issuer_hours: Column
    issuer_weekdays: Column
    generic: Column  # by issuer; the last is of all
    rhythms: Column
    holds: Column  # classes × lengths
    holds_by_code: Column
    issuer_holds: Column  # issuers × classes × lengths, against `holds`
    held_answers: Column  # by class of the first decline


def start(issuers: int, keys: int) -> Coefficients:
    """Weak priors: money is likelier soon after it came, banks refuse one in six, a quarter of orders is dead."""
    profile = np.array([-2.5, -1.3, -0.3, 0.3, 0.6, 0.6, 0.5, 0.2, -0.2, -0.6, -1.2, -1.8, -2.1, -2.4, -2.7, -2.7,
                        -2.5])  # fmt: skip
    stale = -np.linspace(2.5, 0.5, len(GAP))
    holds = holds_prior()
    return Coefficients(
        np.stack([profile, profile]), np.stack([stale * 0.5, stale]), np.zeros(_K), np.array([*_UNDATED, 0.0]),
        np.full((_K, len(GAP)), -1.6), np.zeros(TRIES), np.zeros(HOURS), np.zeros(WEEKDAYS), np.array([-1.6, 0.0, 0.0]),
        np.zeros(issuers), np.zeros((issuers, HOURS)), np.zeros((issuers, WEEKDAYS)), np.full(issuers + 1, 0.3),
        rhythm_prior(), holds, np.tile(holds[SOFT], (keys, 1)), np.ones((issuers, _K, _H)), held_prior(),
    )  # fmt: skip


def fit(data: Features) -> Coefficients:
    c = start(len(data.issuers), len(data.keys))
    c.holds_by_code[data.key] = c.holds[data.answer]
    bins = _bins_of(data)
    for number in range(_ROUNDS):
        weights, held = _expect(data, c)
        _learn_holds(data, c, held)
        for _step in range(_STEPS):
            _climb(data, c, weights, bins, shape=number >= _SHAPE_FROM)
            _pool(c, data.pooled)
    return c


class _Bins(NamedTuple):
    """Which coefficient of `since` and of `stale` each attempt × rhythm is about; `is_stale` chooses those of the
    latter."""

    since: Column
    stale: Column
    is_stale: Column


def _bins_of(data: Features) -> _Bins:
    is_stale = _stale(data)
    stale = np.broadcast_to(((data.before == FUNDS) * len(GAP) + data.gap_bin)[:, None], is_stale.shape)
    return _Bins((data.zone[:, None] * len(SINCE) + data.since_bin)[:, :IRREGULAR].ravel(), stale[is_stale], is_stale)


def _blocks(data: Features) -> Iterator[tuple[slice, Features]]:
    """A part of the rows at a time: what is made of it on the way stays in the cache."""
    columns = {name: getattr(data, name) for name in Features.__slots__ if name not in ("keys", "issuers", "pooled")}
    for begin in range(0, len(data), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        some = {name: column[rows] for name, column in columns.items()}
        yield rows, Features(**some, keys=data.keys, issuers=data.issuers, pooled=data.pooled)


def _pool(c: Coefficients, pooled: Column) -> None:
    """What holds for all holds for those of whom nothing of their own is learned."""
    c.issuer_refusal[pooled] = c.issuer_hours[pooled] = c.issuer_weekdays[pooled] = 0.0
    c.issuer_holds[pooled] = 1.0
    c.generic[:-1][pooled] = c.generic[-1]


def rhythm_prior() -> Column:
    """Published habits, weakly: each second Friday leads, then half months; a quarter for all others alike."""
    weights = np.full(_R, 0.3 / _R)
    for name, share in _HABITS.items():
        for index, rhythm in enumerate(RHYTHMS):
            if rhythm == name or rhythm.startswith(name + "-"):
                weights[index] += share
    weights /= weights.sum()
    return weights


def holds_prior() -> Column:
    """Nothing holds an order that lacks money; half of the generic ones mend in time, a third never."""
    prior = np.zeros((_K, _H))
    for klass, (free, never) in enumerate(_HELD):
        prior[klass, 0], prior[klass, 1:-1], prior[klass, -1] = free, (1 - free - never) / (_H - 2), never
    prior[FUNDS, 1:-1] = 0.0  # what brings money in time is a rhythm, not the end of a hold
    prior[:, 0] += 1e-6
    prior /= prior.sum(1, keepdims=True)
    return prior


def held_prior() -> Column:
    """An order that is held answers as at first."""
    prior = np.full((_K, _K), 0.05)
    prior[:, SOFT] = 0.2
    np.fill_diagonal(prior, 1.0)
    prior[:, APPROVED] = 0.0
    prior /= prior.sum(1, keepdims=True)
    return prior


def logits(data: Features, c: Coefficients) -> tuple[Column, Column]:
    """Of the bank refusing (attempts), and of money being there (attempts × rhythms)."""
    retry = data.tries > 0
    refusal = np.where(retry, c.refusal_after[data.before, data.gap_bin] + data.new_day * c.refusal_flags[1]
                       + data.new_month * c.refusal_flags[2], c.refusal_flags[0])  # fmt: skip
    refusal += c.refusal_tries[data.tries] + c.refusal_hours[data.hour] + c.refusal_weekdays[data.weekday]
    refusal += c.issuer_refusal[data.issuer] + c.issuer_hours[data.issuer, data.hour]
    refusal += c.issuer_weekdays[data.issuer, data.weekday]
    money = c.since[data.zone[:, None], data.since_bin]
    money[:, IRREGULAR], money[:, AMPLE] = c.special[0], c.special[1]
    money += np.where(_stale(data), c.stale[(data.before == FUNDS).astype(int), data.gap_bin][:, None], 0.0)
    money += np.where(retry, c.after[data.before], c.special[2])[:, None]
    return refusal, money


def _stale(data: Features) -> Column:
    stale = data.stale.copy()
    stale[:, AMPLE] = False
    return stale


def _chance(logit: Column) -> Column:
    chance: Column = 1.0 / (1.0 + np.exp(-np.clip(logit, -30, 30)))
    return chance


def _likelihoods(data: Features, c: Coefficients) -> Column:
    refusal, money = logits(data, c)
    no, there = _chance(refusal)[:, None], _chance(money)
    generic = c.generic[data.issuer][:, None]
    answer = data.answer[:, None]
    found = np.where(answer == APPROVED, (1 - no) * there, no)
    found = np.where(answer == FUNDS, (1 - no) * (1 - there) * (1 - generic), found)
    found = np.where(answer == SOFT, no + (1 - no) * (1 - there) * generic, found)
    found = np.where(answer == HARD, _TINY, found)
    found += _TINY
    return found


def _expect(data: Features, c: Coefficients) -> tuple[Column, Column]:
    """Attempts × rhythms: how likely each payer has the rhythm and nothing holds the order then; and by order, how
    likely each length of its hold is."""
    likely = np.empty((len(data), _R))
    for part, some in _blocks(data):
        likely[part] = _likelihoods(some, c)
    first, retry = data.tries == 0, data.tries > 0
    orders, payers = int(data.order.max()) + 1, int(data.payer.max()) + 1
    held_class = 1 - c.holds[data.answer, 0]
    elsewhere = (1 - held_class)[:, None] * likely + (held_class * c.held_answers[data.answer, data.answer])[:, None]
    by_payer = np.zeros((payers, _R))
    np.add.at(by_payer, data.payer[first], np.log(elsewhere[first]))
    owner = np.zeros(orders, np.int64)
    owner[data.order] = data.payer
    prior = first_holds(data, c, orders)
    log_free, log_held = np.log(likely), np.log(c.held_answers[data.first_answer, data.answer] + _TINY)
    rows = np.nonzero(retry)[0][np.argsort(data.order[retry], kind="stable")]
    which, begin = np.unique(data.order[rows], return_index=True)
    joint = np.empty((len(which), _H, _R))
    for length in range(_H):
        free = (data.since_first[rows] >= _UNTIL[length])[:, None]
        joint[:, length] = np.add.reduceat(np.where(free, log_free[rows], log_held[rows][:, None]), begin, axis=0)
    joint += np.log(np.maximum(prior[which], 1e-300))[:, :, None]
    top = joint.max(1)
    joint = np.exp(joint - top[:, None])
    mass = joint.sum(1)
    np.add.at(by_payer, owner[which], top + np.log(mass))
    by_payer += np.log(c.rhythms)
    posterior = np.exp(by_payer - by_payer.max(1, keepdims=True))
    posterior /= posterior.sum(1, keepdims=True)
    tried = np.unique(data.payer[retry])
    c.rhythms = (posterior[tried].sum(0) + _PRIOR_PAYERS * rhythm_prior()) / (len(tried) + _PRIOR_PAYERS)
    joint /= mass[:, None]
    held = prior
    held[which] = np.einsum("olr,or->ol", joint, posterior[owner[which]])
    share = (1 - held_class)[:, None] * likely / elsewhere
    place = np.searchsorted(which, data.order[rows])
    open_by = np.cumsum(joint, axis=1)
    passed = np.searchsorted(_UNTIL, data.since_first[rows], side="right") - 1
    share[rows] = open_by[place, passed]
    return posterior[data.payer] * share, held


def first_holds(data: Features, c: Coefficients, orders: int) -> Column:
    """By order, what its first decline says of the length of its hold."""
    first = data.tries == 0
    prior = np.tile(c.holds[SOFT], (orders, 1))
    own = c.holds_by_code[data.key[first]] * c.issuer_holds[data.issuer[first], data.answer[first]]
    prior[data.order[first]] = own / own.sum(1, keepdims=True)
    return prior


def _learn_holds(data: Features, c: Coefficients, held: Column) -> None:
    """Pooled step by step: a class, a code, an issuer's class. Only orders that were tried again tell anything."""
    tried = np.zeros(len(held), bool)
    tried[data.order[data.tries > 0]] = True
    first = (data.tries == 0) & (data.answer != APPROVED) & tried[data.order]
    rows, answer, key, issuer = held[data.order[first]], data.answer[first], data.key[first], data.issuer[first]
    sums = np.zeros((_K, _H))
    np.add.at(sums, answer, rows)
    c.holds = _pooled(sums, holds_prior(), 10.0)
    of_key = np.tile(c.holds[SOFT], (len(data.keys), 1))
    of_key[data.key] = c.holds[data.answer]
    sums = np.zeros_like(of_key)
    np.add.at(sums, key, rows)
    c.holds_by_code = _pooled(sums, of_key, 20.0)
    sums = np.zeros((len(data.issuers), _K, _H))
    np.add.at(sums, (issuer, answer), rows)
    own = _pooled(sums, np.broadcast_to(c.holds, sums.shape), 30.0)
    c.issuer_holds = np.clip(own / np.maximum(c.holds, _TINY), 0.05, 20.0)
    retry = data.tries > 0
    length = np.searchsorted(_UNTIL, data.since_first[retry], side="right") - 1
    still = 1 - np.cumsum(held, axis=1)[data.order[retry], length]
    answers = held_prior() * 10.0
    np.add.at(answers, (data.first_answer[retry], data.answer[retry]), still)
    answers[:, APPROVED] = 0.0
    c.held_answers = answers / answers.sum(1, keepdims=True)


def _pooled(sums: Column, prior: Column, weight: float) -> Column:
    pooled: Column = (sums + weight * prior) / (sums.sum(-1, keepdims=True) + weight)
    return pooled


def _climb(data: Features, c: Coefficients, weights: Column, bins: _Bins, *, shape: bool) -> None:
    """One diagonal Newton step on every coefficient, with an answer that has two causes shared between them."""
    rows = len(data)
    gradient, curve, soft, funds = (np.empty(rows) for _ in range(4))
    slope, bend = np.empty((rows, _R)), np.empty((rows, _R))
    for part, some in _blocks(data):
        gradient[part], curve[part], slope[part], bend[part], soft[part], funds[part] = _slopes(some, c, weights[part])
    _climb_refusal(data, c, gradient, curve)
    _climb_money(data, c, slope, bend, bins, shape)
    _learn_generic(data, c, soft, funds)


def _slopes(data: Features, c: Coefficients, weights: Column) -> tuple[Column, ...]:
    """By attempt, gradient and curve of the refusal's logit; by attempt × rhythm, of the money's; and how much of the
    missing money was told as generic, how much as such."""
    refusal, money = logits(data, c)
    no, there = _chance(refusal)[:, None], _chance(money)
    soft, judged = (data.answer == SOFT)[:, None], (data.answer != HARD)[:, None]
    generic = c.generic[data.issuer][:, None]
    hidden = (1 - no) * (1 - there) * generic
    other = ((data.answer != APPROVED) & (data.answer != FUNDS) & (data.answer != SOFT))[:, None]
    by_bank = np.where(other, 1.0, np.where(soft, no / (no + hidden + _TINY), 0.0))
    weights = weights * judged
    gradient, curve = (weights * (by_bank - no)).sum(1), weights.sum(1) * (no * (1 - no))[:, 0]
    rest = weights * (1 - by_bank)
    slope, bend = rest * ((data.answer == APPROVED)[:, None] - there), rest * there * (1 - there)
    return gradient, curve, slope, bend, (rest * soft).sum(1), (rest * (data.answer == FUNDS)[:, None]).sum(1)


def _climb_refusal(data: Features, c: Coefficients, gradient: Column, curve: Column) -> None:
    retry = data.tries > 0
    issuers = len(data.issuers)
    flags = c.refusal_flags
    _step(flags[:1], np.zeros((~retry).sum(), np.int64), gradient[~retry], curve[~retry], 1.0, -1.6)
    _step(c.refusal_after.reshape(-1), (data.before * len(GAP) + data.gap_bin)[retry], gradient[retry], curve[retry],
          2.0, None, smooth=len(GAP))  # fmt: skip
    for index, mask in ((1, data.new_day), (2, data.new_month)):
        rows = retry & mask
        _step(flags[index : index + 1], np.zeros(rows.sum(), np.int64), gradient[rows], curve[rows], 3.0, 0.0)
    _step(c.refusal_tries[1:], data.tries[retry] - 1, gradient[retry], curve[retry], 3.0, 0.0)
    _step(c.refusal_hours, data.hour, gradient, curve, 5.0, 0.0)
    _step(c.refusal_weekdays, data.weekday, gradient, curve, 5.0, 0.0)
    _step(c.issuer_refusal, data.issuer, gradient, curve, 3.0, 0.0)
    _step(c.issuer_hours.reshape(-1), data.issuer * HOURS + data.hour, gradient, curve, 8.0, 0.0)
    _step(c.issuer_weekdays.reshape(-1), data.issuer * WEEKDAYS + data.weekday, gradient, curve, 8.0, 0.0)
    assert c.issuer_hours.shape == (issuers, HOURS)


def _climb_money(
    data: Features, c: Coefficients, gradient: Column, curve: Column, bins: _Bins, shape: bool
) -> None:  # fmt: skip
    dated, prior = slice(0, IRREGULAR), start(1, 1)
    if shape:
        _step(c.since.reshape(-1), bins.since, gradient[:, dated].ravel(), curve[:, dated].ravel(), _SHAPE,
              prior.since.reshape(-1))  # fmt: skip
    c.since += 0.05 * (c.since[::-1] - c.since)
    _step(c.stale.reshape(-1), bins.stale, gradient[bins.is_stale], curve[bins.is_stale], _SHAPE,
          prior.stale.reshape(-1))  # fmt: skip
    np.minimum(c.stale, 0.0, out=c.stale)
    retry, everything = data.tries > 0, np.zeros(len(data), np.int64)
    for index, column in ((0, IRREGULAR), (1, AMPLE)):
        _step(c.special[index : index + 1], everything, gradient[:, column], curve[:, column], 3.0, _UNDATED[index])
    whole, bend = gradient.sum(1), curve.sum(1)
    _step(c.special[2:3], everything[~retry], whole[~retry], bend[~retry], 1.0, 0.0)
    _step(c.after, data.before[retry], whole[retry], bend[retry], 3.0, 0.0)


def _learn_generic(data: Features, c: Coefficients, soft: Column, funds: Column) -> None:
    of_all = (soft.sum() + 50.0) / (soft.sum() + funds.sum() + 200.0)
    size = len(data.issuers)
    own, seen = np.bincount(data.issuer, soft, size), np.bincount(data.issuer, soft + funds, size)
    c.generic = np.clip(np.r_[(own + 20 * of_all) / (seen + 20), of_all], 0.001, 0.98)


def _step(values: Column, where: Column, gradient: Column, curve: Column, ridge: float,
          prior: float | Column | None, smooth: int = 0) -> None:  # fmt: skip
    """In place. `prior`: where a coefficient stays without data; without one, near its neighbours in rows of
    `smooth`."""
    size = len(values)
    slope, bend = np.bincount(where, gradient, size), np.bincount(where, curve, size)
    if prior is None:
        rows = values.reshape(-1, smooth)
        near = np.stack([np.c_[rows[:, :1], rows[:, :-1]], np.c_[rows[:, 1:], rows[:, -1:]]]).mean(0).ravel()
    else:
        near = np.broadcast_to(prior, size)
    pull = ridge * 0.25
    values += np.clip((slope - pull * (values - near)) / (bend + pull + 1e-6), -1.0, 1.0) * 0.7
    np.clip(values, -12.0, 12.0, out=values)


def named(c: Coefficients) -> dict[str, Any]:
    """The parts of `rules.rescue.engine.model.Learned` that are coefficients of all issuers."""
    return {
        "money": {"since": c.since.tolist(), "stale": c.stale.tolist(), "after": _AFTER_ANSWERS,
                  "irregular": float(c.special[0]), "ample": float(c.special[1]), "first": float(c.special[2])},
        "refusal": {"first": float(c.refusal_flags[0]), "after": c.refusal_after.tolist(),
                    "tries": c.refusal_tries.tolist(), "hours": c.refusal_hours.tolist(),
                    "weekdays": c.refusal_weekdays.tolist(), "new_day": float(c.refusal_flags[1]),
                    "new_month": float(c.refusal_flags[2])},
        "rhythms": c.rhythms.tolist(), "generic": float(c.generic[-1]),
        "holds": c.holds.tolist(), "held_answers": c.held_answers.tolist(),
    }  # fmt: skip
