"""Chances of one order's instants, and the next try of those that are worth most together. Instants are
hours since 1970."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from recoup.rules.rescue.engine.bins import APPROVED
from recoup_lab.compare.arms.hypotheses.model import UNTIL, WILLING, Learned, by_node, chance_of, logit_of
from recoup_lab.compare.arms.hypotheses.payer import (
    IRREGULAR,
    LEVELS,
    LONG_AGO,
    TRY,
    Array,
    bins_of,
    days_since,
    likelihood,
    money_there,
    normal,
    outcome_of,
    posted,
    undated_bin,
)
from recoup_lab.compare.arms.hypotheses.tries import GAP, NEVER, NO_APPROVAL, NUMBERS, Tries, gap_bin

PLAN_MAX: Final = 6
KEPT: Final = 100  # hypotheses that a plan distinguishes
LATELY: Final = 240.0
_OF_A_DAY: Final = 2
_OPEN: Final = 3  # nodes that nothing holds come first


class Seen(NamedTuple):
    """An attempt: its answer's class, and how many attempts of its order came before."""

    at: float
    answer: int
    tries: int


@dataclass(frozen=True, slots=True)
class Situation:
    """`others`: the payer's attempts of other orders. `key`, `issuer`: places in the model's lists."""

    first: Seen
    tries: tuple[Seen, ...]
    others: tuple[Seen, ...]
    key: int
    issuer: int
    offset: float
    zone: int
    credit: int

    @property
    def last(self) -> Seen:
        return self.tries[-1] if self.tries else self.first


@dataclass(frozen=True, slots=True)
class Outlook:
    """At each instant the logit; `there`: instants × hypotheses. `weights`, `nodes`: how likely each is now."""

    instants: Array
    logits: Array
    there: Array
    weights: Array
    nodes: Array

    def some(self, rows: Array) -> "Outlook":
        return Outlook(self.instants[rows], self.logits[rows], self.there[rows], self.weights, self.nodes)


def outlook(model: Learned, order: Situation, instants: Array) -> Outlook:
    trail = _trail(model, order)
    nodes = model.nodes[order.first.answer, order.key]
    for number, one in enumerate(order.tries):
        at = np.array([one.at])
        tries, _ = _rows(model, order, at, trail[number], number + 1)
        nodes = nodes * (1.0 - by_node(model.logits(tries), at - order.first.at)[0])
    tries, there = _rows(model, order, instants, trail[-1], len(order.tries) + 1)
    return Outlook(instants, model.logits(tries), there, trail[-1], nodes / nodes.sum())


def _trail(model: Learned, order: Situation) -> Array:
    """Weights of the hypotheses before each of the order's tries, and after all that was seen."""
    own = (order.first, *order.tries)
    seen, failed, last = sorted((*order.others, *own)), list[float](), LONG_AGO
    for one in seen:
        failed.append(last)
        last = LONG_AGO if one.answer == APPROVED else one.at + order.offset
    local = np.array([one.at for one in seen]) + order.offset
    kind = np.array([min(one.tries, 1) for one in seen])
    bins = bins_of(local, days_since(local), np.array(failed))
    likely = likelihood(model.logs, bins, kind, outcome_of(np.array([one.answer for one in seen])))
    places = [*(seen.index(one) for one in own[:-1]), len(seen) - 1]
    return normal((np.cumsum(likely, axis=0) + np.log(model.prior))[places])


def _rows(model: Learned, order: Situation, instants: Array, weights: Array, number: int) -> tuple[Tries, Array]:
    begin, count = float(instants[0]), len(instants)
    own = (order.first, *order.tries)[:number]
    others = [one for one in order.others if one.at < begin]
    newest = max((*others, *own))
    failed = LONG_AGO if newest.answer == APPROVED else newest.at + order.offset
    local = instants + order.offset
    there = money_there(model.money, bins_of(local, days_since(local), np.full(count, failed)))
    approved = max((one.at for one in others if one.answer == APPROVED), default=None)
    failures = np.array([one.at for one in others if one.answer != APPROVED])
    prior = max((own[-1], *(one for one in others if one.answer != APPROVED)))

    def each(value: float) -> Array:
        return np.full(count, value)

    tries = Tries(
        at=instants,
        first_at=each(order.first.at),
        last_at=each(own[-1].at),
        number=np.full(count, number),
        first=np.full(count, order.first.answer),
        last=np.full(count, own[-1].answer),
        key=np.full(count, order.key),
        issuer=np.full(count, order.issuer),
        offset=each(order.offset),
        zone=np.full(count, order.zone),
        credit=np.full(count, order.credit),
        ago=each(NEVER) if approved is None else (instants - approved) / 24.0,
        since=np.full(
            count, NO_APPROVAL if approved is None else min(NO_APPROVAL - 1, int((failures > approved).sum()))
        ),
        failures=(failures > instants[:, None] - LATELY).sum(1) if len(failures) else each(0.0),
        seen=each(float(len(others))),
        money=logit_of(there @ weights),
        level=each(float(logit_of(float(weights @ model.usual)))),
        prior_at=each(prior.at),
        prior=np.full(count, prior.answer),
    )
    return tries, there


def best_of_days(found: Outlook, offset: float) -> Outlook:
    """The best two instants of each day at the card holder."""
    day = np.floor((found.instants + offset) / 24.0).astype(np.int64)
    order = np.lexsort((-found.logits, day))
    rank = np.arange(len(day)) - np.searchsorted(day[order], day[order])
    return found.some(np.sort(order[rank < _OF_A_DAY]))


def next_at(model: Learned, order: Situation, found: Outlook, prices: Sequence[float], gap: float) -> float | None:
    """When to send next, of the tries that are worth most together; None when none is worth its price. From the last of
    them back: what those that follow are worth after a failure at each instant. `gap`: hours between two at least."""
    depth, count = min(PLAN_MAX, len(prices)), len(found.instants)
    if not depth or not count:
        return None
    delay, last, number = found.instants - order.first.at, order.last, len(order.tries) + 1
    each = by_node(found.logits, delay)
    first = each @ found.nodes
    usual = each[np.argsort(-first, kind="stable")[: max(1, count // 8)]].mean(0)
    between = found.instants[None, :] - found.instants[:, None]
    stays = found.logits - _beside(model, number, found.instants - last.at, last.answer)
    then = stays + _money_after(model, order, found)
    nodes = [found.nodes]
    for _ in range(depth - 1):
        left = nodes[-1] * (1.0 - usual)
        nodes.append(left / left.sum())
    value = np.zeros(count)
    for step in range(depth - 1, 0, -1):
        logits = then + _beside(model, number + step, np.maximum(between, 0.0), last.answer)
        free = (nodes[step][_OPEN:] * (delay[:, None] >= UNTIL[_OPEN:])).sum(1)
        chance = free * chance_of(logits)
        for node in range(_OPEN):
            chance = chance + nodes[step][node] * chance_of(logits + WILLING[node])
        worth = np.where(between >= gap, chance - prices[step] + (1.0 - chance) * value, 0.0)
        value = np.maximum(worth.max(1), 0.0)
    worth = np.round(first - prices[0] + (1.0 - first) * value, 6)
    best = int(worth.argmax())
    return float(found.instants[best]) if worth[best] > 0.0 else None


def _beside(model: Learned, number: int, gaps: Array, last: int) -> Array:
    """The part of the logit that the number and the gap make."""
    tables, place, of_number, size = model.tables, gap_bin(gaps), min(number, NUMBERS) - 1, len(GAP) + 1
    found: Array = (
        tables["last_number"][last * NUMBERS + of_number]
        + tables["gap"][place]
        + tables["class_gap"][last * size + place]
        + tables["number_gap"][of_number * size + place]
    )
    return found


def _money_after(model: Learned, order: Situation, found: Outlook) -> Array:
    """What a failure at the one instant (rows) changes in the logit of a later one: hypotheses that would have had
    money there count less, and the pay that it looked at is a poor one."""
    weight, kept = model.weights[0], np.argsort(-found.weights, kind="stable")[:KEPT]
    there, mean = found.there[:, kept], found.there @ found.weights
    chance = chance_of(found.logits[:, None] + weight * (logit_of(there) - logit_of(mean)[:, None]))
    failing = (1.0 - chance) * found.weights[kept]
    rhythm, level = kept // LEVELS, kept % LEVELS
    approved, local = model.money[TRY, APPROVED], found.instants + order.offset
    since = days_since(local)
    old, new = (bins_of(local, since, np.full(len(local), at))[:, rhythm] for at in (1e9, LONG_AGO))
    same, fresh = approved[level, old], approved[level, new]
    seen = posted(local, since)[:, rhythm]
    undated = rhythm == IRREGULAR
    after = np.empty((len(local), len(local)))
    for row, at in enumerate(local):
        money = np.where(seen <= at, same, fresh)
        if undated.any():
            money[:, undated] = approved[level[undated], undated_bin(local - at)[:, None]]
        after[row] = money @ failing[row] / max(float(failing[row].sum()), 1e-9)
    before = there @ found.weights[kept] / found.weights[kept].sum()
    return np.asarray(weight * (logit_of(after) - logit_of(before)[None, :]))
