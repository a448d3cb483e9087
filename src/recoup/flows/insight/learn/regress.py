"""Learns the regression from tries of the past, each by a model that has not seen its payer: the ridge of each column
as strong as its own coefficients ask for (empirical Bayes), and the orders' nodes by expectation and maximisation."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from recoup.flows.insight.learn.attempts import Attempts, Column
from recoup.flows.insight.learn.features import ROWS_BEFORE, facts_at
from recoup.kernel.stop import look_up, stoppable
from recoup.rules.rescue.engine.belief import ground_of, trail
from recoup.rules.rescue.engine.bins import APPROVED, CLASSES
from recoup.rules.rescue.engine.chances import local_day
from recoup.rules.rescue.engine.columns import (
    before_tries,
    of_day,
    of_hour,
    of_parts,
    of_time,
    staying,
    weekday_of,
)
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.regression import (
    COLUMNS,
    ISSUER,
    ISSUER_HOUR,
    ISSUER_LAST,
    ISSUER_WEEKDAY,
    LOGIT_MAX,
    NODES,
    Regression,
)

ISSUER_PARTS: Final = ((0, ISSUER_LAST), (ISSUER_LAST, ISSUER_HOUR), (ISSUER_HOUR, ISSUER_WEEKDAY),
                       (ISSUER_WEEKDAY, ISSUER))  # fmt: skip


class Tries(NamedTuple):
    """`bins`: tries × columns, in the order of `COLUMNS`; `places`: tries × parts of an issuer's row, a place in that
    row. `order`: numbered from 0; `klass`, `key`: of its first decline."""

    bins: Column
    places: Column
    issuer: Column
    key: Column
    order: Column
    klass: Column
    approved: Column

    def __len__(self) -> int:
        return len(self.order)


def tries_of(data: Attempts, payers: Column, models: Sequence[Model]) -> Tries:
    """Of those payers; the n-th payer's chances are those of the n-th model, counted around."""
    bins, places, rest = list[tuple[int, ...]](), list[tuple[int, ...]](), list[tuple[int, ...]]()
    starts = np.searchsorted(data.payer, payers).tolist()
    ends = np.searchsorted(data.payer, payers, side="right").tolist()
    for payer, start, end in stoppable(zip(payers.tolist(), starts, ends, strict=True), 100):
        for own in _orders(data, start, end):
            for number, (columns, issuers) in enumerate(_of_order(data, start, own, models[payer % len(models)]), 1):
                row = own[number]
                bins.append(columns)
                places.append(issuers)
                first = own[0]
                of_order = data.issuer[row], data.key[first], data.order[row], data.answer[first]
                rest.append((*map(int, of_order), int(data.answer[row] == APPROVED)))
    issuer, key, order, klass, approved = np.array(rest, np.int64).reshape(-1, 5).T
    return Tries(
        np.array(bins, np.int64).reshape(-1, len(COLUMNS)),
        np.array(places, np.int64).reshape(-1, len(ISSUER_PARTS)),
        issuer,
        key,
        np.unique(order, return_inverse=True)[1],
        klass,
        approved,
    )


def _orders(data: Attempts, start: int, end: int) -> Iterator[list[int]]:
    """Rows of each order that was tried again, from its payment on."""
    by_order = defaultdict[int, list[int]](list)
    for row, order in enumerate(data.order[start:end].tolist(), start):
        by_order[order].append(row)
    for own in by_order.values():
        if len(own) > 1 and data.tries[own[0]] == 0:
            yield own


def _of_order(
    data: Attempts, start: int, own: list[int], model: Model
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Of each of its tries, by what was known before it."""
    mine = set(own)
    facts = facts_at(data, own, [row for row in range(max(start, own[-1] - ROWS_BEFORE), own[-1]) if row not in mine])
    ground = ground_of(model, facts, 0)
    for at, situation, parts in before_tries(ground, facts, trail(ground, facts)):
        day = local_day(ground, at)
        columns = (
            *staying(situation),
            *of_day(situation, day),
            *of_hour(situation, int((at + ground.offset) % 24)),
            *of_time(situation, at),
            *of_parts(*parts),
        )
        yield (
            columns,
            (0, ISSUER_LAST + situation.last, ISSUER_HOUR + int(at % 24) // 3, ISSUER_WEEKDAY + weekday_of(day)),
        )


_K: Final = len(CLASSES)
_ROUNDS: Final = 45
_RIDGE_EACH: Final = 3  # rounds
_RIDGE: Final = 30.0
_RIDGE_LEAST, _RIDGE_MOST = 1.5, 400.0
_STEP: Final = 0.8
_START: Final = -1.0
_SHARES: Final = (0.25, 0.15, 0.2, 0.2, 0.12, 0.08)  # of orders at each node, before any is seen
_ALIKE: Final = 20.0  # orders as good as seen of each class, spread as all are
_EVEN: Final = 2.0  # orders as good as seen at each node
_HALF_WEIGHT: Final = 10_000  # tries from which half of a chance is the regression's


class _Part(NamedTuple):
    """A column's coefficients as they are learned; `where` the last of them are for tries that have none."""

    values: Column
    where: Column


def regressed(data: Attempts, tries: Tries, lines: Column, known: Collection[str]) -> Regression:
    """`lines`: a mask of issuers that may have a row of their own. `known`: the codes that may have a coefficient."""
    issuers = np.unique(tries.issuer[lines[tries.issuer]])
    parts = [_Part(np.zeros(size + 1), tries.bins[:, n]) for n, size in enumerate(COLUMNS.values())]
    parts.append(_Part(np.zeros(len(data.keys) + 1), tries.key))
    place = np.full(len(lines), len(issuers))
    place[issuers] = np.arange(len(issuers))
    for n, (begin, end) in enumerate(ISSUER_PARTS):
        width = end - begin
        values = np.zeros(len(issuers) * width + 1)
        where = place[tries.issuer] * width + tries.places[:, n] - begin
        parts.append(_Part(values, np.minimum(where, len(values) - 1)))
    bias, shares = _fitted(parts, tries)
    of_issuers = zip(parts[-len(ISSUER_PARTS) :], ISSUER_PARTS, strict=True)
    rows = np.concatenate([p.values[:-1].reshape(len(issuers), end - begin) for p, (begin, end) in of_issuers], axis=1)
    assert rows.shape == (len(issuers), ISSUER)
    seen = [one for one in np.unique(tries.key).tolist() if data.keys[one] in known]
    return Regression(
        tries=len(tries),
        weight=len(tries) / (len(tries) + _HALF_WEIGHT),
        bias=_bounded(bias),
        columns={name: _row(part.values[:-1]) for name, part in zip(COLUMNS, parts, strict=False)},
        issuers={data.issuers[one]: _row(row) for one, row in zip(issuers.tolist(), rows, strict=True)},
        keys={data.keys[one]: _bounded(float(parts[len(COLUMNS)].values[one])) for one in seen},
        frailty=tuple(tuple(row) for row in shares.tolist()),
    )


def _fitted(parts: list[_Part], tries: Tries) -> tuple[float, Column]:
    """Coefficients are moved in place. Answers the bias, and classes × nodes."""
    orders, nodes, yes = int(tries.order.max()) + 1, np.array(NODES), tries.approved[:, None] > 0
    klass = np.zeros(orders, np.int64)
    klass[tries.order] = tries.klass
    shares, ridges = np.tile(np.array(_SHARES), (_K, 1)), np.full(len(parts), _RIDGE)
    bias, logit = _START, np.full(len(tries), _START)
    for number in range(_ROUNDS):
        look_up()
        at_node = _at_node(logit, tries.order, orders, yes, shares[klass], nodes)
        shares = _shares(at_node, klass)
        weights = np.ascontiguousarray(at_node[tries.order].T)
        for n, (values, where) in enumerate(parts):
            slope, curve = _slopes(logit, weights, tries.approved, nodes)
            pull, bend = np.bincount(where, slope, len(values)), np.bincount(where, curve, len(values))
            step = np.clip((pull - ridges[n] * values) / (bend + ridges[n]), -1.0, 1.0) * _STEP
            step[-1] = 0.0
            values += step
            logit += step[where]
            if number % _RIDGE_EACH == _RIDGE_EACH - 1:
                seen = bend > 0.0
                spread = ((values[seen] ** 2).sum() + (1.0 / (bend[seen] + ridges[n])).sum() + 0.02) / (seen.sum() + 1)
                ridges[n] = min(_RIDGE_MOST, max(_RIDGE_LEAST, 1.0 / spread))
        slope, curve = _slopes(logit, weights, tries.approved, nodes)
        moved = float(np.clip(slope.sum() / (curve.sum() + 1.0), -0.5, 0.5))
        bias += moved
        logit += moved
    return bias, shares


def _at_node(logit: Column, order: Column, orders: int, yes: Column, shares: Column, nodes: Column) -> Column:
    """Orders × nodes: how likely each order stands there, by how its tries ended."""
    signed = np.where(yes, 1.0, -1.0) * (logit[:, None] + nodes)
    likelihoods = -np.logaddexp(0.0, -signed)
    likely = np.stack([np.bincount(order, column, orders) for column in likelihoods.T], axis=1) + np.log(shares)
    found: Column = np.exp(likely - likely.max(1, keepdims=True))
    found /= found.sum(1, keepdims=True)
    return found


def _shares(at_node: Column, klass: Column) -> Column:
    """Classes × nodes, drawn to all orders where they are few."""
    of_all = (at_node.sum(0) + _EVEN) / (len(at_node) + _EVEN * len(NODES))
    sums = np.zeros((_K, len(NODES)))
    np.add.at(sums, klass, at_node)
    found: Column = (sums + _ALIKE * of_all) / (np.bincount(klass, minlength=_K)[:, None] + _ALIKE)
    return found


def _slopes(logit: Column, weights: Column, approved: Column, nodes: Column) -> tuple[Column, Column]:
    """Of the logarithm of the likelihood, by try: gradient and curve. `weights`: nodes × tries, adding up to 1."""
    chance = 1.0 / (1.0 + np.exp(-nodes)[:, None] * np.exp(-logit))
    weights = weights * chance
    gradient: Column = approved - weights.sum(0)
    weights *= 1.0 - chance
    return gradient, weights.sum(0)


def _row(values: Column) -> tuple[float, ...]:
    return tuple(_bounded(one) for one in values.tolist())


def _bounded(value: float) -> float:
    return min(LOGIT_MAX, max(-LOGIT_MAX, value))
