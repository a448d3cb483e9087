"""Payers' rhythms and orders' holds, given the coefficients: the expectation of `fit`."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from recoup.engine.belief import UNTIL
from recoup.engine.bins import HOLDS
from recoup.engine.learn.attempts import Column
from recoup.engine.learn.coefficients import (
    BLOCK,
    TINY,
    Coefficients,
    lean_of,
    refusal_of,
    rhythm_prior,
    scarce_of,
)
from recoup.engine.learn.features import Features
from recoup.engine.rhythms import RHYTHMS
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, HARD, SOFT

_R: Final = len(RHYTHMS)
_H: Final = len(HOLDS) + 1
_PRIOR_PAYERS: Final = 20.0
_MIXED: Final = 10  # steps a round, for shares of rhythms move slowly
_UNTIL: Final = np.array(UNTIL)


class Retried(NamedTuple):
    """Orders that were tried as often again: `orders`, and their tries, in `rows` that stand
    together. `passed`: orders × tries, up to which length holds have ended by then."""

    orders: Column
    rows: slice
    passed: Column


def arranged(data: Features) -> tuple[Features, list[Retried]]:
    """The payments first, then what was tried again: orders with as many tries together, the tries
    of each by `passed`."""
    orders = int(data.order.max()) + 1
    retry = data.tries > 0
    count = np.bincount(data.order[retry], minlength=orders)
    passed = passed_of(data)
    rows = np.lexsort((passed, data.order, count[data.order], retry))
    retried, begin = [], len(data) - int(retry.sum())
    for tries in np.unique(count[count > 0]).tolist():
        same = np.flatnonzero(count == tries)
        part = slice(begin, begin + len(same) * tries)
        retried.append(Retried(same, part, passed[rows[part]].reshape(-1, tries)))
        begin = part.stop
    return data.sorted_by(rows), retried


def passed_of(data: Features) -> Column:
    """Up to which length holds have ended, by attempt."""
    ended: Column = np.searchsorted(_UNTIL, data.since_first, side="right") - 1
    return ended


def expect(data: Features, c: Coefficients, tried: list[Retried]) -> tuple[Column, Column]:
    """Attempts × rhythms: how likely each payer has the rhythm and nothing holds the order then;
    and by order, how likely each length of its hold is. `data`, `tried` as arranged."""
    orders, payers = int(data.order.max()) + 1, int(data.payer.max()) + 1
    share, by_payer = np.empty((len(data), _R)), np.zeros((payers, _R))
    owner, credit, again = (
        np.zeros(orders, np.int64),
        np.zeros(payers, np.int64),
        np.zeros(payers, bool),
    )
    owner[data.order], credit[data.payer], again[data.payer[data.tries > 0]] = (
        data.payer,
        data.payer_credit,
        True,
    )
    answers, held = _Answers(data, c), first_holds(data, c, orders)
    for part in _blocks(0, int((data.tries == 0).sum()), 1):
        likely, held_class = answers.likely(part), 1 - c.holds[data.answer[part], 0]
        # An order that is held is answered so whatever the rhythm.
        free = (1 - held_class)[:, None] * likely
        held_so = held_class * np.einsum("ij,ij->i", likely, c.rhythms[data.credit[part]])
        elsewhere = free + held_so[:, None]
        _add(by_payer, data.payer[part], np.log(elsewhere))
        np.divide(free, elsewhere, out=share[part])
    joint = []
    for tries_of in tried:
        count, tries = tries_of.passed.shape
        states = _States(tries_of.passed, held[tries_of.orders])
        mass_of_state = np.empty((count, tries + 1, _R))
        for part in _blocks(0, count, tries):
            rows = slice(
                tries_of.rows.start + part.start * tries, tries_of.rows.start + part.stop * tries
            )
            mass = _by_state(
                mass_of_state[part],
                np.log(answers.likely(rows)),
                answers.held[rows],
                states.prior[part],
            )
            _add(by_payer, owner[tries_of.orders[part]], mass)
            free = share[rows].reshape(-1, tries, _R)
            free[:, 0] = mass_of_state[part, 0]
            for state in range(1, tries):
                np.add(free[:, state - 1], mass_of_state[part, state], out=free[:, state])
        joint.append((states, mass_of_state))
    likely = np.exp(by_payer - by_payer.max(1, keepdims=True))
    for kind in (0, 1):
        some_likely = likely[again & (credit == kind)]
        for _ in range(_MIXED):
            c.rhythms[kind] = _mixed(some_likely, c.rhythms[kind])
    posterior = likely * c.rhythms[credit]
    posterior /= posterior.sum(1, keepdims=True)
    for tries_of, (states, mass_of_state) in zip(tried, joint, strict=True):
        held[tries_of.orders] = states.by_length(
            np.einsum("osr,or->os", mass_of_state, posterior[owner[tries_of.orders]])
        )
    for part in _blocks(0, len(data), 1):
        share[part] *= posterior[data.payer[part]]
    return share, held


def _add(sums: Column, where: Column, rows: Column) -> None:
    """Each row to that of its owner. Flat: whole rows are added many times as slowly."""
    places = where[:, None] * _R + np.arange(_R)
    np.add.at(sums.reshape(-1), places.ravel(), rows.ravel())


def _blocks(begin: int, end: int, rows_each: int) -> Iterator[slice]:
    step = max(1, BLOCK // rows_each)
    for first in range(begin, end, step):
        yield slice(first, min(first + step, end))


class _Answers:
    """Likelihoods of each attempt's answer, by rhythm: what it is with money, and more or less
    without. `held`: the logarithm of how likely it is where a hold answers."""

    def __init__(self, data: Features, c: Coefficients) -> None:
        no, generic = refusal_of(data, c), c.generic[data.issuer]
        kinds = [
            data.answer == APPROVED,
            data.answer == FUNDS,
            data.answer == SOFT,
            data.answer == HARD,
        ]
        self._cell, self._missing = data.cell, lean_of(c) * (1 - scarce_of(c))
        self._with = (
            np.select(kinds, [1 - no, np.zeros_like(no), no, np.full_like(no, TINY)], no) + TINY
        )
        self._more = np.select(
            kinds[:3], [no - 1, (1 - no) * (1 - generic), (1 - no) * generic], 0.0
        )
        # What is held for lack of money answers as if there were none.
        answers = c.held_answers[data.first_answer, data.answer] + TINY
        without = np.where(data.answer == HARD, TINY, self._with + self._more)
        self.held = np.log(np.where(data.first_answer == FUNDS, without, answers))

    def likely(self, rows: slice) -> Column:
        chances: Column = self._missing.take(self._cell[rows])
        chances *= self._more[rows, None]
        chances += self._with[rows, None]
        return chances


class _States:
    """An order's hold ends before its first try, between two of them, or after the last: as far as
    its tries tell, lengths in one state are alike. `prior`: orders × states."""

    def __init__(self, passed: Column, by_length: Column) -> None:
        count, tries = passed.shape
        self._by_length = by_length
        ends = np.c_[passed + 1, np.full(count, _H)]
        sums = np.c_[np.zeros(count), np.cumsum(by_length, axis=1)]
        until = np.take_along_axis(sums, ends, axis=1)
        self.prior = np.maximum(np.diff(until, prepend=0.0, axis=1), 1e-300)
        self._state = (passed[:, :, None] < np.arange(_H)).sum(1)

    def by_length(self, by_state: Column) -> Column:
        """Each state's chance over its lengths, as they were before."""
        chances: Column = self._by_length * np.take_along_axis(
            by_state / self.prior, self._state, axis=1
        )
        return chances


def _by_state(by_state: Column, log_free: Column, log_held: Column, prior: Column) -> Column:
    """Fills `by_state`: orders × states × rhythms, adding up to 1 over the states. Answers the
    logarithm of what they added up to."""
    tries = by_state.shape[1] - 1
    by_state[:, :tries], by_state[:, tries] = log_free.reshape(-1, tries, _R), 0.0
    for state in reversed(range(tries - 1)):
        by_state[:, state] += by_state[:, state + 1]
    before = np.log(prior)
    before[:, 1:] += np.cumsum(log_held.reshape(-1, tries), axis=1)
    by_state += before[:, :, None]
    top = by_state.max(1)
    by_state -= top[:, None]
    np.exp(by_state, out=by_state)
    mass = by_state.sum(1)
    by_state /= mass[:, None]
    total: Column = top + np.log(mass)
    return total


def first_holds(data: Features, c: Coefficients, orders: int) -> Column:
    """The length of each order's hold, as its first decline suggests."""
    first = data.tries == 0
    prior = np.tile(c.holds[SOFT], (orders, 1))
    own = c.holds_by_code[data.key[first]] * c.issuer_holds[data.issuer[first], data.answer[first]]
    prior[data.order[first]] = own / own.sum(1, keepdims=True)
    return prior


def _mixed(likely: Column, shares: Column) -> Column:
    """The shares of rhythms that explain those payers better than `shares`, near the prior where
    they are few."""
    posterior = shares * (likely.T @ (1.0 / (likely @ shares)))
    mixed: Column = (posterior + _PRIOR_PAYERS * rhythm_prior()) / (len(likely) + _PRIOR_PAYERS)
    return mixed
