"""The last part of the time held out, and the chances that a model gives its tries: by the functions that decide, with
what was known before each.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from math import log, sqrt
from typing import Final, NamedTuple

import numpy as np

from recoup.flows.insight.learn.attempts import Attempts, Column, chosen
from recoup.rules.rescue.engine.belief import believed, ground_of
from recoup.rules.rescue.engine.chances import hours_of, instant_of
from recoup.rules.rescue.engine.classes import APPROVED, HARD
from recoup.rules.rescue.engine.facts import LOOKS_MAX, Facts, Look
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.plan import candidates
from recoup.rules.rescue.engine.trial import HELD_OUT_DAYS_MAX, HELD_OUT_LEAST, HELD_OUT_SHARE, Trial

SCORED_MAX: Final = 4_000  # tries; whole payers, spread evenly
_SURELY: Final = 1e-6
_RATE_WEIGHT: Final = 20.0  # tries as good as seen at the rate of all, in each cell of the plain rates
_INSTANT: Final = 1e-6
_ROWS_BEFORE: Final = 8 * LOOKS_MAX


class HeldOut(NamedTuple):
    """`before`: what a model is trained on. `at`: hours since 1970, where the held-out time begins. `tries` are all of
    the held-out time, as rows of `attempts`; `approved` how many of them were."""

    attempts: Attempts
    before: Attempts
    at: float
    tries: Column
    approved: int


class Scored(NamedTuple):
    """One try of the held-out time; `before`: the class of the decline before it."""

    payer: int
    facts: Facts
    at: float
    before: int
    tries: int
    approved: bool


Chance = Callable[[Scored], float]


def hold_out(attempts: Attempts) -> HeldOut:
    """The last fifth of the time, four weeks at most, from the beginning of a day of UTC on."""
    first, last = float(attempts.at.min()), float(attempts.at.max())
    at = (last - min((last - first) / HELD_OUT_SHARE, HELD_OUT_DAYS_MAX * 24.0)) // 24.0 * 24.0
    late = (attempts.at >= at) & (attempts.tries > 0)
    approved = int((attempts.answer[late] == APPROVED).sum())
    return HeldOut(attempts, chosen(attempts, attempts.at < at), at, np.flatnonzero(late), approved)


def without_largest(held: HeldOut, owners: Column) -> HeldOut | None:
    """Without the tries of the owner of most. None: the others' are too few to judge by."""
    owner = owners[held.attempts.payer[held.tries]]
    others = held.tries[owner != np.bincount(owner).argmax()]
    approved = int((held.attempts.answer[others] == APPROVED).sum())
    return held._replace(tries=others, approved=approved) if len(others) >= HELD_OUT_LEAST else None


def try_out(held: HeldOut, chance: Chance, compared_with: str, compared: Chance) -> Trial:
    """Both are asked about the same tries."""
    sums, counts, losses, others = defaultdict[int, float](float), defaultdict[int, int](int), 0.0, 0.0
    for one in scored(held):
        mine, other = _loss(chance(one), one.approved), _loss(compared(one), one.approved)
        losses, others = losses + mine, others + other
        sums[one.payer] += other - mine
        counts[one.payer] += 1
    number = sum(counts.values())
    mean = (others - losses) / number
    error = sqrt(sum((total - mean * counts[payer]) ** 2 for payer, total in sums.items())) / number
    return Trial(instant_of(held.at), number, round(losses / number, 6), compared_with, round(others / number, 6),
                 round(error, 6))  # fmt: skip


def by_model(model: Model) -> Chance:
    def chance(one: Scored) -> float:
        ground = ground_of(model, one.facts, one.facts.zone or 0)
        return candidates(ground, believed(ground, one.facts), one.at, one.at + _INSTANT)[0].chance

    return chance


def by_plain_rates(before: Attempts) -> Chance:
    """How often tries were approved by the class of the decline before and the number of the try, drawn to the rate of
    all where there were few."""
    rows = np.flatnonzero(before.tries > 0)
    approved, classes = before.answer[rows] == APPROVED, _answers_before(before)[rows]
    rate = float((approved.sum() + 1.0) / (len(rows) + 2.0))
    won, seen = defaultdict[tuple[int, int], float](float), defaultdict[tuple[int, int], float](float)
    for cell, yes in zip(zip(classes.tolist(), before.tries[rows].tolist(), strict=True), approved, strict=True):
        won[cell] += bool(yes)
        seen[cell] += 1.0

    def chance(one: Scored) -> float:
        cell = one.before, one.tries
        return (won.get(cell, 0.0) + _RATE_WEIGHT * rate) / (seen.get(cell, 0.0) + _RATE_WEIGHT)

    return chance


def scored(held: HeldOut) -> Iterator[Scored]:
    """`SCORED_MAX` of the held-out tries, or all."""
    data = held.attempts
    payers = np.unique(data.payer[held.tries])
    step = max(1.0, len(held.tries) / SCORED_MAX)
    chosen_payers = payers[(np.arange(int(len(payers) / step)) * step).astype(int)]
    starts = np.searchsorted(data.payer, chosen_payers)
    ends = np.searchsorted(data.payer, chosen_payers, side="right")
    late = set(held.tries.tolist())
    for payer, start, end in zip(chosen_payers.tolist(), starts.tolist(), ends.tolist(), strict=True):
        for row in range(start, end):
            one = _scored(data, payer, max(start, row - _ROWS_BEFORE), row) if row in late else None
            if one is not None:
                yield one


def _scored(data: Attempts, payer: int, begin: int, row: int) -> Scored | None:
    """None for a try whose payment lies before the rows that are looked at."""
    order = data.order[row]
    own = [n for n in range(begin, row) if data.order[n] == order]
    if not own or data.tries[own[0]] > 0:
        return None
    looks = [_look(data, n) for n in range(begin, row) if data.order[n] != order]
    facts = Facts(
        first=_look(data, own[0]), first_key=data.keys[data.key[own[0]]], issuer=data.issuers[data.issuer[row]],
        zone=round(float(data.offset[row]) * 60), zone_known=bool(data.zone[row]),
        tries=tuple(_look(data, n) for n in own[1:]), looks=tuple(looks[-LOOKS_MAX:]), credit=bool(data.credit[row]),
    )  # fmt: skip
    at = hours_of(instant_of(float(data.at[row])))
    return Scored(payer, facts, at, int(data.answer[own[-1]]), int(data.tries[row]), data.answer[row] == APPROVED)


def _look(data: Attempts, row: int) -> Look:
    return Look(instant_of(float(data.at[row])), int(data.answer[row]), int(data.tries[row]))


def _answers_before(data: Attempts) -> Column:
    """By row, the class of the attempt before it in its order; hard where it is the first."""
    by_order = np.lexsort((data.tries, data.order))
    found = np.full(len(data), HARD)
    found[by_order[1:]] = data.answer[by_order[:-1]]
    found[data.tries == 0] = HARD
    return found


def _loss(chance: float, approved: bool) -> float:
    sure = min(max(chance, _SURELY), 1.0 - _SURELY)
    return -log(sure if approved else 1.0 - sure)
