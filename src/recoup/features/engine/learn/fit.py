"""Learns the coefficients by expectation and maximisation: what payers' rhythms and orders' holds are, given the
coefficients; then the coefficients, given those. Each step is a few passes over columns.

A coefficient stays near its prior until enough attempts speak for another (ridge); issuers stay near what holds for
all.
"""

from typing import Final

import numpy as np

from recoup.features.engine.bins import GAP, HOLDS, HOURS, STANDINGS, WEEKDAYS
from recoup.features.engine.learn.attempts import Column
from recoup.features.engine.learn.causes import Causes
from recoup.features.engine.learn.coefficients import (
    AMPLE_LOGIT,
    LEAN,
    TINY,
    Coefficients,
    held_prior,
    holds_prior,
    irregular_prior,
    start,
)
from recoup.features.engine.learn.expect import arranged, expect, passed_of
from recoup.features.engine.learn.features import (
    ABUNDANT,
    DATED,
    DATELESS,
    IDLE_OF,
    RETRY,
    SINCE_OF,
    STALE,
    STALE_OF,
    STANDING,
    Features,
)
from recoup.kernel.stop import look_up
from recoup.rules.rescue.answer_classes import APPROVED, CLASSES, SOFT

_K: Final = len(CLASSES)
_H: Final = len(HOLDS) + 1
_ROUNDS: Final = 15
_SHAPE: Final = 30.0
_LEAN: Final = 20.0
_STEPS: Final = 3
_RATE: Final = 0.15  # up to nine coefficients of an attempt move in one step
_SHAPE_FROM: Final = 3  # rounds with the prior's profile, until rhythms are told apart


def fit(data: Features) -> Coefficients:
    c, klass = start(len(data.issuers), len(data.keys)), _class_of_keys(data)
    c.holds_by_code = c.holds[klass]
    data, tried = arranged(data)
    causes = Causes(data)
    for number in range(_ROUNDS):
        look_up()
        weights, held = expect(data, c, tried)
        _learn_holds(data, c, held, klass)
        causes.weigh(weights)
        for _step in range(_STEPS):
            _climb(data, c, causes, shape=number >= _SHAPE_FROM)
            _pool(c, data.pooled)
    return c


def _pool(c: Coefficients, pooled: Column) -> None:
    """What holds for all holds for those of whom nothing of their own is learned."""
    c.issuer_refusal[pooled] = c.issuer_hours[pooled] = c.issuer_weekdays[pooled] = 0.0
    c.issuer_holds[pooled] = 1.0
    c.generic[:-1][pooled] = c.generic[-1]


def _class_of_keys(data: Features) -> Column:
    """What each code mostly is, for it may be another thing in another network."""
    counts = np.zeros((len(data.keys), _K), np.int64)
    np.add.at(counts, (data.key, data.answer), 1)
    return np.where(counts.any(1), counts.argmax(1), SOFT)


def _learn_holds(data: Features, c: Coefficients, held: Column, klass: Column) -> None:
    """Pooled step by step: a class, a code, an issuer's class. Only orders that were tried again tell anything."""
    tried = np.zeros(len(held), bool)
    tried[data.order[data.tries > 0]] = True
    first = (data.tries == 0) & (data.answer != APPROVED) & tried[data.order]
    rows, answer, key, issuer = held[data.order[first]], data.answer[first], data.key[first], data.issuer[first]
    sums = np.zeros((_K, _H))
    np.add.at(sums, answer, rows)
    c.holds = _pooled(sums, holds_prior(), 10.0)
    sums = np.zeros_like(c.holds_by_code)
    np.add.at(sums, key, rows)
    c.holds_by_code = _pooled(sums, c.holds[klass], 20.0)
    sums = np.zeros((len(data.issuers), _K, _H))
    np.add.at(sums, (issuer, answer), rows)
    own = _pooled(sums, np.broadcast_to(c.holds, sums.shape), 30.0)
    c.issuer_holds = np.clip(own / np.maximum(c.holds, TINY), 0.05, 20.0)
    retry = data.tries > 0
    still = 1 - np.cumsum(held, axis=1)[data.order[retry], passed_of(data)[retry]]
    answers = held_prior() * 10.0
    np.add.at(answers, (data.first_answer[retry], data.answer[retry]), still)
    answers[:, APPROVED] = 0.0
    c.held_answers = answers / answers.sum(1, keepdims=True)


def _pooled(sums: Column, prior: Column, weight: float) -> Column:
    pooled: Column = (sums + weight * prior) / (sums.sum(-1, keepdims=True) + weight)
    return pooled


def _climb(data: Features, c: Coefficients, causes: Causes, *, shape: bool) -> None:
    """One diagonal Newton step on every coefficient, with an answer that has two causes shared between them."""
    found = causes.shared(c)
    _climb_refusal(data, c, found.gradient, found.curve)
    _climb_money(c, found.slope, found.bend, shape)
    _learn_generic(data, c, found.soft, found.funds)
    _learn_lean(c, found.lean, found.judged)


def _climb_refusal(data: Features, c: Coefficients, gradient: Column, curve: Column) -> None:
    retry = data.tries > 0
    issuers = len(data.issuers)
    flags = c.refusal_flags
    _step(flags[:1], np.zeros((~retry).sum(), np.int64), gradient[~retry], curve[~retry], 1.0, -1.6)
    _step(
        c.refusal_after.reshape(-1),
        (data.before * len(GAP) + data.gap_bin)[retry],
        gradient[retry],
        curve[retry],
        2.0,
        None,
        smooth=len(GAP),
    )
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


def _climb_money(c: Coefficients, slope: Column, bend: Column, shape: bool) -> None:
    """`slope`, `bend`: by cell."""
    prior = start(1, 1)
    if shape:
        _step(c.since.reshape(-1), SINCE_OF, slope[DATED], bend[DATED], _SHAPE, prior.since.reshape(-1))
    c.since += 0.05 * (c.since[::-1] - c.since)
    stale = np.flatnonzero(STALE)
    _step(c.stale.reshape(-1), STALE_OF[stale], slope[stale], bend[stale], _SHAPE, prior.stale.reshape(-1))
    np.minimum(c.stale, 0.0, out=c.stale)
    _step(c.ample, 0 * STANDING[ABUNDANT], slope[ABUNDANT], bend[ABUNDANT], 3.0, AMPLE_LOGIT)
    _step(c.irregular.reshape(-1), IDLE_OF, slope[DATELESS], bend[DATELESS], 3.0, irregular_prior().ravel())
    _step(c.after, STANDING[RETRY], slope[RETRY], bend[RETRY], 3.0, 0.0)


def _learn_lean(c: Coefficients, lean: Column, judged: Column) -> None:
    met = np.bincount(STANDING[~RETRY], lean[~RETRY], STANDINGS)
    asked = np.bincount(STANDING[~RETRY], judged[~RETRY], STANDINGS)
    c.lean = (met + _LEAN * LEAN) / (asked + _LEAN)


def _learn_generic(data: Features, c: Coefficients, soft: Column, funds: Column) -> None:
    of_all = (soft.sum() + 50.0) / (soft.sum() + funds.sum() + 200.0)
    size = len(data.issuers)
    own, seen = np.bincount(data.issuer, soft, size), np.bincount(data.issuer, soft + funds, size)
    c.generic = np.clip(np.r_[(own + 20 * of_all) / (seen + 20), of_all], 0.001, 0.98)


def _step(
    values: Column,
    where: Column,
    gradient: Column,
    curve: Column,
    ridge: float,
    prior: float | Column | None,
    smooth: int = 0,
) -> None:
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
    values += np.clip((slope - pull * (values - near)) / (bend + pull + 1e-6), -1.0, 1.0) * _RATE
    np.clip(values, -12.0, 12.0, out=values)
