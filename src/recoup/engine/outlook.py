"""An order's chances by causes and by a regression together.

Each is wrong in its own way: what the engine knows of causes holds where little was seen, what a
regression has counted also where the causes are others. Log-odds are their mean; the regression's
weight grows with the tries that it was learned from. Chances are rounded before they are compared,
so that every machine decides the same.
"""

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

import numpy as np

from recoup.engine.belief import Belief
from recoup.engine.bins import place_of_key
from recoup.engine.blocks import LATELY, NEVER, NO_APPROVAL, Tries
from recoup.engine.chances import Ground
from recoup.engine.instants import chances_of
from recoup.engine.pay_days import (
    LONG_AGO,
    Array,
    alike,
    bins_of,
    days_since,
    likelihood,
    money_there,
    normal,
    outcome_of,
)
from recoup.engine.plan import Candidate, Opens, waited
from recoup.engine.regression import SLOTS, Weighed, by_node, chance_of, logit_of
from recoup.rescue.rules.answer_classes import APPROVED
from recoup.rescue.rules.facts import Facts, hours_of

_STEP: Final = 3.0  # hours
_OF_A_DAY: Final = 2
_DIGITS: Final = 6
_TINY: Final = 1e-12


def instants_of(
    ground: Ground, earliest: float, end: float, opens: Opens | None, *, now_too: bool
) -> Array:
    """The earliest and each third hour after it, where somebody has tried before, or all where
    policies leave none of those; `now_too`: the earliest all the same."""
    if earliest >= end:
        return np.empty(0)
    grid = np.arange(earliest // _STEP * _STEP + _STEP / 2, end, _STEP)
    grid = np.concatenate(([earliest], grid[grid > earliest]))
    if opens is not None:
        opened = {
            at for instant in grid.tolist() if (at := opens(instant)) is not None and at < end
        }
        grid = np.array(sorted(opened))
    tried = _tried(ground, grid)
    if not tried.any():
        return grid
    tried[0] |= now_too
    instants: Array = grid[tried]
    return instants


def _tried(ground: Ground, instants: Array) -> Array:
    """True for each instant at an hour that somebody has tried."""
    slots: Array = _weighed(ground).slots[
        ((instants + ground.offset) % 24 // (24 // SLOTS)).astype(np.int64)
    ]
    return slots


def best_of_days(
    ground: Ground, belief: Belief, facts: Facts, instants: Array, most: int
) -> list[Candidate]:
    """The two best of each day, of those again the `most` best, and the first."""
    weighed = _weighed(ground)
    causes, willing = chances_of(ground, belief, instants)
    both = _mean(causes, _learned(ground, weighed, facts, instants), weighed.weight)
    day = (instants + ground.offset) // 24
    counts = both / waited(belief, instants, instants[0])
    order = np.lexsort((-counts, day))
    rank = np.arange(len(day)) - np.searchsorted(day[order], day[order])
    kept = order[rank < _OF_A_DAY]
    kept = np.union1d(kept[np.argsort(-counts[kept], kind="stable")[:most]], [0])
    # A plan asks what a try adds in each rhythm: all of them are scaled alike.
    own, chances = causes[kept], both[kept]
    scaled = np.minimum(
        1.0, willing[kept] * np.divide(chances, own, out=np.ones(len(own)), where=own > 0.0)
    )
    return list(map(Candidate, instants[kept].tolist(), chances.tolist(), scaled.tolist()))


def mean_with(
    ground: Ground, belief: Belief, facts: Facts, instants: Sequence[float]
) -> list[float]:
    """The chances of both."""
    weighed, at = _weighed(ground), np.array(instants)
    means: list[float] = _mean(
        chances_of(ground, belief, at)[0], _learned(ground, weighed, facts, at), weighed.weight
    ).tolist()
    return means


def _mean(causes: Array, learned: Array, weight: float) -> Array:
    """Mean of both chances by log-odds."""
    mean = (1.0 - weight) * logit_of(causes) + weight * logit_of(learned)
    return np.where(causes > 0.0, np.round(chance_of(mean), _DIGITS), 0.0)


class _Stage(NamedTuple):
    """State before an attempt: as `blocks.Tries`. `failures`: when others failed; `failed`: as
    `bins_of`; `looks`: how many attempts were seen."""

    last_at: float
    last: int
    number: int
    ago_from: float | None
    since: int
    failures: list[float]
    seen: int
    prior_at: float
    prior: int
    failed: float
    looks: int


class _Look(NamedTuple):
    at: float
    answer: int
    tries: int


def _learned(ground: Ground, weighed: Weighed, facts: Facts, instants: Array) -> Array:
    """The regression's chances, after each of the order's tries has failed."""
    own = [
        _Look(hours_of(look.at), look.answer, look.tries) for look in (facts.first, *facts.tries)
    ]
    others = [_Look(hours_of(look.at), look.answer, look.tries) for look in facts.looks]
    tried = [look.at for look in own[1:]]
    stages = [
        _stage(
            own[:number],
            [other for other in others if other.at < at],
            number + facts.earlier,
            ground.offset,
        )
        for number, at in enumerate([*tried, inf], start=1)
    ]
    weights = _weights(ground, weighed, sorted([*own, *others]), [stage.looks for stage in stages])
    at, count = np.concatenate((tried, instants)), len(tried)
    rows = np.repeat(np.arange(len(stages)), [*(1 for _ in tried), len(instants)])
    local, failed = at + ground.offset, _each(rows, [stage.failed for stage in stages])
    kinds, kind = alike(local[count:], stages[-1].failed)
    asked = np.concatenate((np.arange(count), count + kinds))
    bins = bins_of(local[asked], days_since(local[asked]), failed[asked])
    now = money_there(weighed.pays, bins[count:], weights[-1])[kind]
    money = np.concatenate((money_there(weighed.pays, bins[:count], weights[:-1]), now))
    ago = _each(rows, [-NEVER if stage.ago_from is None else stage.ago_from for stage in stages])
    parts = zip(stages, np.split(at, np.arange(1, len(stages))), strict=True)
    lately = [
        len(stage.failures) - np.searchsorted(stage.failures, part - LATELY, side="right")
        for stage, part in parts
    ]
    tries = Tries(
        at=at,
        first_at=np.full(len(at), own[0].at),
        last_at=_each(rows, [stage.last_at for stage in stages]),
        number=_each(rows, [stage.number for stage in stages]),
        first=np.full(len(at), own[0].answer),
        last=_each(rows, [stage.last for stage in stages]),
        key=np.full(len(at), place_of_key(weighed.key_of, facts.first_key)),
        issuer=np.full(len(at), weighed.issuer_of.get(facts.issuer, 0)),
        offset=np.full(len(at), ground.offset),
        zone=np.full(len(at), int(ground.zone_known)),
        credit=np.full(len(at), int(ground.credit)),
        ago=np.where(ago == -NEVER, NEVER, (at - ago) / 24.0),
        since=_each(rows, [stage.since for stage in stages]),
        failures=np.concatenate(lately),
        seen=_each(rows, [stage.seen for stage in stages]),
        money=logit_of(money),
        level=_each(rows, logit_of(weights @ weighed.usual).tolist()),
        prior_at=_each(rows, [stage.prior_at for stage in stages]),
        prior=_each(rows, [stage.prior for stage in stages]),
    )
    each = by_node(weighed.logits(tries), at - own[0].at)
    at_first = np.log(np.maximum(weighed.nodes[own[0].answer, tries.key[0]], _TINY))
    nodes = normal(at_first + np.log(np.maximum(1.0 - each[:count], _TINY)).sum(axis=0))
    chances: Array = np.round(each[count:] @ nodes, _DIGITS)
    return chances


def _each(rows: Array, of_stages: Sequence[float]) -> Array:
    return np.array(of_stages)[rows]


def _stage(own: Sequence[_Look], others: Sequence[_Look], number: int, offset: float) -> _Stage:
    newest = max((*own, *others))
    approved = max((other.at for other in others if other.answer == APPROVED), default=None)
    failures = [other for other in others if other.answer != APPROVED]
    prior = max((own[-1], *failures))
    since = (
        NO_APPROVAL
        if approved is None
        else min(NO_APPROVAL - 1, sum(failure.at > approved for failure in failures))
    )
    return _Stage(
        own[-1].at,
        own[-1].answer,
        number,
        approved,
        since,
        sorted(failure.at for failure in failures),
        len(others),
        prior.at,
        prior.answer,
        LONG_AGO if newest.answer == APPROVED else newest.at + offset,
        len(own) + len(others),
    )


def _weights(
    ground: Ground, weighed: Weighed, seen: Sequence[_Look], looks: Sequence[int]
) -> Array:
    """Weights of the hypotheses, once so many of the attempts were seen; oldest first."""
    local = np.array([look.at for look in seen]) + ground.offset
    answer = np.array([look.answer for look in seen])
    failed = np.concatenate(([LONG_AGO], np.where(answer == APPROVED, LONG_AGO, local)[:-1]))
    bins = bins_of(local, days_since(local), failed)
    kind = np.array([min(look.tries, 1) for look in seen])
    likely = likelihood(weighed.logs, bins, kind, outcome_of(answer))
    return normal(np.cumsum(likely, axis=0)[np.array(looks) - 1] + weighed.log_habits)


def _weighed(ground: Ground) -> Weighed:
    """Made once a model, which has a regression."""
    regression, tables = ground.model.learned.regression, ground.model.tables
    assert regression is not None
    weighed: Weighed | None = tables.get("regression")
    if weighed is None:
        weighed = tables["regression"] = Weighed(regression)
    return weighed
