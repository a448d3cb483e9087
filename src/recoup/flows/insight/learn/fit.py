"""Learns the coefficients by expectation and maximisation: what payers' rhythms and orders' holds are, given the
coefficients; then the coefficients, given those. Each step is a few passes over columns.

A coefficient stays near its prior until enough attempts speak for another (ridge); issuers stay near what holds for
all.
"""

from typing import Final, NamedTuple

import numpy as np

from recoup.flows.insight.learn.attempts import Column, Features
from recoup.flows.insight.learn.coefficients import (
    AMPLE_LOGIT,
    LEAN,
    TINY,
    Coefficients,
    blocks,
    chances,
    held_prior,
    holds_prior,
    irregular_prior,
    lean_of,
    stale_of,
    start,
)
from recoup.flows.insight.learn.expect import UNTIL, expect, tried_of
from recoup.rules.rescue.engine.bins import GAP, HOLDS, HOURS, IDLE, SINCE, WEEKDAYS
from recoup.rules.rescue.engine.classes import APPROVED, CLASSES, FUNDS, HARD, MISSING, SOFT, STANDINGS
from recoup.rules.rescue.engine.rhythms import AMPLE, IRREGULAR, RHYTHMS

_R: Final = len(RHYTHMS)
_K: Final = len(CLASSES)
_H: Final = len(HOLDS) + 1
_ROUNDS: Final = 15
_SHAPE: Final = 30.0
_LEAN: Final = 20.0
_STEPS: Final = 3
_RATE: Final = 0.15  # up to nine coefficients of an attempt move in one step
_SHAPE_FROM: Final = 3  # rounds with the prior's profile, until rhythms are told apart


def fit(data: Features) -> Coefficients:
    c = start(len(data.issuers), len(data.keys))
    c.holds_by_code[data.key] = c.holds[data.answer]
    bins, tried = _bins_of(data), tried_of(data)
    for number in range(_ROUNDS):
        weights, held = expect(data, c, tried)
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
    is_stale = stale_of(data)
    stale = np.broadcast_to(((data.money_before == MISSING) * len(GAP) + data.missing_bin)[:, None], is_stale.shape)
    return _Bins((data.zone[:, None] * len(SINCE) + data.since_bin)[:, :IRREGULAR].ravel(), stale[is_stale], is_stale)


def _pool(c: Coefficients, pooled: Column) -> None:
    """What holds for all holds for those of whom nothing of their own is learned."""
    c.issuer_refusal[pooled] = c.issuer_hours[pooled] = c.issuer_weekdays[pooled] = 0.0
    c.issuer_holds[pooled] = 1.0
    c.generic[:-1][pooled] = c.generic[-1]


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
    c.issuer_holds = np.clip(own / np.maximum(c.holds, TINY), 0.05, 20.0)
    retry = data.tries > 0
    length = np.searchsorted(UNTIL, data.since_first[retry], side="right") - 1
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
    gradient, curve, soft, funds, lean, judged = (np.empty(rows) for _ in range(6))
    slope, bend = np.empty((rows, _R)), np.empty((rows, _R))
    for part, some in blocks(data):
        (gradient[part], curve[part], slope[part], bend[part], soft[part], funds[part], lean[part], judged[part]) = (
            _slopes(some, c, weights[part])
        )
    _climb_refusal(data, c, gradient, curve)
    _climb_money(data, c, slope, bend, bins, shape)
    _learn_generic(data, c, soft, funds)
    _learn_lean(data, c, lean, judged)


def _slopes(data: Features, c: Coefficients, weights: Column) -> tuple[Column, ...]:
    """By attempt, gradient and curve of the refusal's logit; by attempt × rhythm, of the money's; and how much of the
    missing money was told as generic, how much as such."""
    no, scarce, there = chances(data, c)
    soft, judged = (data.answer == SOFT)[:, None], (data.answer != HARD)[:, None]
    generic = c.generic[data.issuer][:, None]
    hidden = (1 - no) * (1 - there) * generic
    other = ((data.answer != APPROVED) & (data.answer != FUNDS) & (data.answer != SOFT))[:, None]
    by_bank = np.where(other, 1.0, np.where(soft, no / (no + hidden + TINY), 0.0))
    weights = weights * judged
    gradient, curve = (weights * (by_bank - no)).sum(1), weights.sum(1) * (no * (1 - no))[:, 0]
    rest = weights * (1 - by_bank)
    approved, lean = (data.answer == APPROVED)[:, None], lean_of(data, c)
    lean = rest * np.where(approved, lean * scarce / there, 1.0)
    slope, bend = lean * (approved - scarce), lean * scarce * (1 - scarce)
    told = (rest * (data.answer == FUNDS)[:, None]).sum(1)
    return gradient, curve, slope, bend, (rest * soft).sum(1), told, lean.sum(1), rest.sum(1)


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


def _climb_money(data: Features, c: Coefficients, gradient: Column, curve: Column, bins: _Bins, shape: bool) -> None:
    dated, prior = slice(0, IRREGULAR), start(1, 1)
    if shape:
        _step(
            c.since.reshape(-1),
            bins.since,
            gradient[:, dated].ravel(),
            curve[:, dated].ravel(),
            _SHAPE,
            prior.since.reshape(-1),
        )
    c.since += 0.05 * (c.since[::-1] - c.since)
    _step(
        c.stale.reshape(-1), bins.stale, gradient[bins.is_stale], curve[bins.is_stale], _SHAPE, prior.stale.reshape(-1)
    )
    np.minimum(c.stale, 0.0, out=c.stale)
    everything = np.zeros(len(data), np.int64)
    _step(c.ample, everything, gradient[:, AMPLE], curve[:, AMPLE], 3.0, AMPLE_LOGIT)
    idle, retry = data.money_before * len(IDLE) + data.idle_bin, data.tries > 0
    _step(c.irregular.reshape(-1), idle, gradient[:, IRREGULAR], curve[:, IRREGULAR], 3.0, irregular_prior().ravel())
    _step(c.after, data.money_before[retry], gradient.sum(1)[retry], curve.sum(1)[retry], 3.0, 0.0)


def _learn_lean(data: Features, c: Coefficients, lean: Column, judged: Column) -> None:
    first = data.tries == 0
    met = np.bincount(data.money_before[first], lean[first], STANDINGS)
    asked = np.bincount(data.money_before[first], judged[first], STANDINGS)
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
