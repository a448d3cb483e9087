"""A model from attempts: its shape from some payers, as many as there are until enough are; the
counts from all."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from recoup.engine.bins import GAP, HOLDS, HOURS, RESTS, STANDINGS, WEEKDAYS
from recoup.engine.learn.attempts import Attempts, Column, chosen
from recoup.engine.learn.coefficients import (
    AMPLE_LOGIT,
    BLOCK,
    LEAN,
    TINY,
    Coefficients,
    held_prior,
    holds_prior,
    irregular_prior,
    lean_of,
    named,
    refusal_of,
    scarce_of,
    start,
)
from recoup.engine.learn.expect import arranged, expect, passed_of
from recoup.engine.learn.features import (
    ABUNDANT,
    CELLS,
    DATED,
    DATELESS,
    IDLE_OF,
    RETRY,
    SINCE_OF,
    STALE,
    STALE_OF,
    STANDING,
    Features,
    features_of,
)
from recoup.engine.learn.regress import PAYER_MAX, TRIES_LEAST, regressed
from recoup.engine.model import FORMAT, Learned, Model, Regression, checked
from recoup.kernel.stop import look_up
from recoup.rescue.rules.answer_classes import APPROVED, CLASSES, FUNDS, HARD, SOFT


class Shared(NamedTuple):
    """Sums for one climb: by attempt, `gradient` and `curve` of the refusal's logit, and how much
    of the missing money was answered as generic (`soft`) and as such (`funds`); by cell, `slope`
    and `bend` of the money's logit, the weight of attempts that the bank did not refuse (`judged`),
    and of those among them in a time of little money (`lean`)."""

    gradient: Column
    curve: Column
    soft: Column
    funds: Column
    slope: Column
    bend: Column
    lean: Column
    judged: Column


class Causes:
    """An approval shows money, and an answer of its own cause the bank: their sums by cell stay for
    a round. A soft decline may be either, by each step's coefficients."""

    def __init__(self, data: Features) -> None:
        self._data = data
        self._rows = {kind: np.flatnonzero(data.answer == kind) for kind in (APPROVED, FUNDS, SOFT)}
        self._cell = {kind: data.cell[rows] for kind, rows in self._rows.items()}
        self._other = ~np.isin(data.answer, (APPROVED, FUNDS, SOFT, HARD))

    def weigh(self, weights: Column) -> None:
        """`weights`: attempts × rhythms, how likely each is what answered."""
        self._whole = np.where(self._data.answer == HARD, 0.0, weights.sum(1))
        self._approved, self._funds = (
            np.bincount(self._cell[kind].ravel(), weights[self._rows[kind]].ravel(), CELLS)
            for kind in (APPROVED, FUNDS)
        )
        self._soft = weights[self._rows[SOFT]]

    def shared(self, c: Coefficients) -> Shared:
        no, scarce, lean = refusal_of(self._data, c), scarce_of(c), lean_of(c)
        there = 1 - lean * (1 - scarce)
        rows = self._rows[SOFT]
        by_bank, soft_cells = self._of_soft(no[rows], c.generic[self._data.issuer[rows]], 1 - there)
        bank = np.where(self._other, self._whole, 0.0)
        bank[rows] = by_bank
        missing = self._funds + soft_cells
        approved = self._approved * lean * scarce / there
        met = approved + missing
        soft = np.zeros_like(no)
        soft[rows] = self._whole[rows] - by_bank
        return Shared(
            gradient=bank - self._whole * no,
            curve=self._whole * no * (1 - no),
            soft=soft,
            funds=np.where(self._data.answer == FUNDS, self._whole, 0.0),
            slope=approved - met * scarce,
            bend=met * scarce * (1 - scarce),
            lean=met,
            judged=self._approved + missing,
        )

    def _of_soft(self, no: Column, generic: Column, missing: Column) -> tuple[Column, Column]:
        """The bank's share of each soft decline; by cell, the lack of money."""
        by_bank, by_cell = np.empty(len(no)), np.zeros(CELLS)
        for begin in range(0, len(no), BLOCK):
            part = slice(begin, begin + BLOCK)
            cell, weights = self._cell[SOFT][part], self._soft[part]
            hidden = missing.take(cell)
            hidden *= ((1 - no[part]) * generic[part])[:, None]
            own = no[part, None]
            rest = weights * (hidden + TINY) / (own + hidden + TINY)
            by_bank[part] = (weights - rest).sum(1)
            by_cell += np.bincount(cell.ravel(), rest.ravel(), CELLS)
        return by_bank, by_cell


_K: Final = len(CLASSES)
_H: Final = len(HOLDS) + 1
_ROUNDS: Final = 15
_SHAPE: Final = 30.0
_LEAN: Final = 20.0
_STEPS: Final = 3
_RATE: Final = 0.15  # up to nine coefficients of an attempt move in one step
_SHAPE_FROM: Final = 3  # rounds with the prior's profile, until rhythms are told apart


def fit(data: Features) -> Coefficients:
    """Learns the coefficients by expectation and maximisation: what payers' rhythms and orders'
    holds are, given the coefficients; then the coefficients, given those. Each step is a few passes
    over columns.

    A coefficient stays near its prior until enough attempts speak for another (ridge); issuers stay
    near what holds for all.
    """
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
    """Gives issuers of which nothing of their own is learned what holds for all."""
    c.issuer_refusal[pooled] = c.issuer_hours[pooled] = c.issuer_weekdays[pooled] = 0.0
    c.issuer_holds[pooled] = 1.0
    c.generic[:-1][pooled] = c.generic[-1]


def _class_of_keys(data: Features) -> Column:
    """The class that each code mostly is, for it may be another thing in another network."""
    counts = np.zeros((len(data.keys), _K), np.int64)
    np.add.at(counts, (data.key, data.answer), 1)
    return np.where(counts.any(1), counts.argmax(1), SOFT)


def _learn_holds(data: Features, c: Coefficients, held: Column, klass: Column) -> None:
    """Pooled step by step: a class, a code, an issuer's class. Only orders that were tried again
    tell anything."""
    tried = np.zeros(len(held), bool)
    tried[data.order[data.tries > 0]] = True
    first = (data.tries == 0) & (data.answer != APPROVED) & tried[data.order]
    rows, answer, key, issuer = (
        held[data.order[first]],
        data.answer[first],
        data.key[first],
        data.issuer[first],
    )
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
    """Takes a diagonal Newton step on every coefficient, with an answer that has two causes shared
    between them."""
    shared = causes.shared(c)
    _climb_refusal(data, c, shared.gradient, shared.curve)
    _climb_money(c, shared.slope, shared.bend, shape)
    _learn_generic(data, c, shared.soft, shared.funds)
    _learn_lean(c, shared.lean, shared.judged)


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
        _step(
            flags[index : index + 1],
            np.zeros(rows.sum(), np.int64),
            gradient[rows],
            curve[rows],
            3.0,
            0.0,
        )
    _step(c.refusal_tries[1:], data.tries[retry] - 1, gradient[retry], curve[retry], 3.0, 0.0)
    _step(c.refusal_hours, data.hour, gradient, curve, 5.0, 0.0)
    _step(c.refusal_weekdays, data.weekday, gradient, curve, 5.0, 0.0)
    _step(c.issuer_refusal, data.issuer, gradient, curve, 3.0, 0.0)
    _step(c.issuer_hours.reshape(-1), data.issuer * HOURS + data.hour, gradient, curve, 8.0, 0.0)
    _step(
        c.issuer_weekdays.reshape(-1),
        data.issuer * WEEKDAYS + data.weekday,
        gradient,
        curve,
        8.0,
        0.0,
    )
    assert c.issuer_hours.shape == (issuers, HOURS)


def _climb_money(c: Coefficients, slope: Column, bend: Column, shape: bool) -> None:
    """`slope`, `bend`: by cell."""
    prior = start(1, 1)
    if shape:
        _step(
            c.since.reshape(-1),
            SINCE_OF,
            slope[DATED],
            bend[DATED],
            _SHAPE,
            prior.since.reshape(-1),
        )
    c.since += 0.05 * (c.since[::-1] - c.since)
    stale = np.flatnonzero(STALE)
    _step(
        c.stale.reshape(-1),
        STALE_OF[stale],
        slope[stale],
        bend[stale],
        _SHAPE,
        prior.stale.reshape(-1),
    )
    np.minimum(c.stale, 0.0, out=c.stale)
    _step(c.ample, 0 * STANDING[ABUNDANT], slope[ABUNDANT], bend[ABUNDANT], 3.0, AMPLE_LOGIT)
    _step(
        c.irregular.reshape(-1),
        IDLE_OF,
        slope[DATELESS],
        bend[DATELESS],
        3.0,
        irregular_prior().ravel(),
    )
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
    """Moves the values by one step, in place. `prior`: where a coefficient stays without data;
    without one, near its neighbours in rows of `smooth`."""
    size = len(values)
    slope, bend = np.bincount(where, gradient, size), np.bincount(where, curve, size)
    if prior is None:
        rows = values.reshape(-1, smooth)
        near = (
            np.stack([np.c_[rows[:, :1], rows[:, :-1]], np.c_[rows[:, 1:], rows[:, -1:]]])
            .mean(0)
            .ravel()
        )
    else:
        near = np.broadcast_to(prior, size)
    pull = ridge * 0.25
    values += np.clip((slope - pull * (values - near)) / (bend + pull + 1e-6), -1.0, 1.0) * _RATE
    np.clip(values, -12.0, 12.0, out=values)


SHAPE_MAX: Final = 60_000  # attempts that the coefficients are fitted to
REGRESSED_MAX: Final = 150_000  # the same, of the regression
ISSUERS_MAX: Final = 5_000
KEYS_MAX: Final = 500
RESTS_HOURS: Final = (0.0, 1.0, 3.0, 6.0, 12.0, 20.0)
SOON_LEAST: Final = 50  # tries of which a share says something
NEARLY: Final = 0.8


def train(data: Attempts, made_from: str, issuers: Column | None = None) -> Model:
    """The same attempts give the same model. `made_from` says where they came from; `issuers`: a
    mask of those that may have a line of their own."""
    lines = _lines(data) if issuers is None else issuers & _lines(data)
    plain = _by_causes(data, made_from, lines)
    regression = _regression(data, lines, plain["holds_by_code"])
    if regression is not None:
        plain["regression"] = msgspec.to_builtins(regression[0])
        plain["rest_again"] = max(plain["rest"], regression[1])
    return checked(msgspec.convert(_rounded(plain), Learned))


def _by_causes(data: Attempts, made_from: str, lines: Column) -> dict[str, Any]:
    c = fit(features_of(_some(data, SHAPE_MAX), ~lines))
    known = np.argsort(-np.bincount(data.key, minlength=len(data.keys)), kind="stable")[:KEYS_MAX]
    return named(c) | {
        "format": FORMAT,
        "made_from": made_from,
        "data_from": _day(data, np.min),
        "data_until": _day(data, np.max),
        "attempts": len(data),
        "payers": data.payers,
        "issuers": _issuers(data, c, lines),
        "holds_by_code": {data.keys[n]: c.holds_by_code[n].tolist() for n in known.tolist()},
        "rest": rest_of(data),
    }


def rest_of(data: Attempts) -> float:
    """Hours after a failure from which on tries have been seen to do nearly as well as later ones.
    No history tries so soon at random: of what nobody tried a model knows nothing, and would pick
    just that."""
    rows = np.lexsort((data.tries, data.at, data.order))
    order, at, answer = data.order[rows], data.at[rows], data.answer[rows]
    again = np.r_[False, order[1:] == order[:-1]] & np.isin(np.r_[APPROVED, answer[:-1]], RESTS)
    gap, won = (at - np.r_[0.0, at[:-1]])[again], answer[again] == APPROVED
    late = won[gap >= RESTS_HOURS[-1]]
    for begins, ends in pairwise(RESTS_HOURS):
        soon = won[(gap >= begins) & (gap < ends)]
        if min(len(soon), len(late)) >= SOON_LEAST and soon.mean() >= NEARLY * late.mean():
            return begins
    return RESTS_HOURS[-1]


def _regression(
    data: Attempts, lines: Column, known: Collection[str]
) -> tuple[Regression, float] | None:
    """The regression; None where attempts are too few."""
    people = np.bincount(data.payer) <= PAYER_MAX
    some = data if people.all() else chosen(data, people[data.payer])
    if np.count_nonzero(some.tries) < TRIES_LEAST:
        return None
    return regressed(_some(some, REGRESSED_MAX), lines, known)


def _some(data: Attempts, most: int) -> Attempts:
    taken = _spread(data, most)
    return data if taken.all() else chosen(data, taken[data.payer])


def _spread(data: Attempts, most: int) -> Column:
    """A mask of payers, spread evenly, whose attempts are about `most`."""
    step = max(1.0, len(data) / most)
    taken = np.zeros(data.payers, bool)
    taken[(np.arange(int(data.payers / step)) * step).astype(int)] = True
    return taken


def _lines(data: Attempts) -> Column:
    """Issuers with a line of their own: where there are too many, the ones with the most attempts:
    each line is a thousand bytes."""
    counts = np.bincount(data.issuer, minlength=len(data.issuers))
    lines = np.zeros(len(counts), bool)
    lines[np.argsort(-counts, kind="stable")[:ISSUERS_MAX]] = True
    return lines


def _issuers(data: Attempts, c: Coefficients, lines: Column) -> dict[str, Any]:
    counts = np.bincount(data.issuer, minlength=len(data.issuers))
    return {
        issuer: {
            "attempts": int(counts[n]),
            "refusal": float(c.issuer_refusal[n]),
            "hours": c.issuer_hours[n].tolist(),
            "weekdays": c.issuer_weekdays[n].tolist(),
            "generic": float(c.generic[n]),
            "holds": c.issuer_holds[n].tolist(),
        }
        for n, issuer in enumerate(data.issuers)
        if lines[n]
    }


def _day(data: Attempts, of: Any) -> str:
    return (
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=float(of(data.at)))).date().isoformat()
    )


def _rounded(value: Any) -> Any:
    """Six digits: more is noise, and what is printed is what is computed with."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(number) for key, number in value.items()}
    return [_rounded(number) for number in value] if isinstance(value, list | tuple) else value
