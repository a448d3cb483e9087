"""The last part of the time held out, and the chances that a model gives its tries: by the
functions that decide, with what was known before each."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, log, sqrt
from typing import Final, NamedTuple

import numpy as np

from recoup.engine.learn.attempts import Attempts, Column, chosen
from recoup.engine.learn.features import ROWS_BEFORE, facts_at
from recoup.engine.trial import HELD_OUT_DAYS_MAX, HELD_OUT_LEAST, HELD_OUT_SHARE, Trial
from recoup.rescue.rules.answer_classes import APPROVED, HARD
from recoup.rescue.rules.facts import MERCHANTS_MIN, Facts, hours_of, instant_of
from recoup.rescue.rules.model import Model


def most_of_each(counts: Iterable[int], parts: int, least: int) -> float:
    """Up to how many of each owner's are taken, so that nobody's are more than one of `parts` of
    all that are taken. Where the others have too few for that, as many as it takes to have `least`
    of all. An only owner's are all taken.

    `counts`: how many each owner has.
    """
    sizes = sorted((int(count) for count in counts if count), reverse=True)
    rest = sum(sizes)
    if rest <= least or len(sizes) < 2:
        return inf
    for larger, size in enumerate(sizes):
        by_share = rest / (parts - larger) if larger < parts else 0.0
        by_least = (least - rest) / larger if larger else 0.0
        if size <= max(by_share, by_least):
            return max(by_share, by_least)
        rest -= size
    return least / len(sizes)


def shared_out(data: Attempts, parts: int, least: int) -> Attempts:
    """Leaves out customers of owners who have more than `most_of_each` of the attempts."""
    counts = np.bincount(data.payer)
    most = most_of_each(np.bincount(data.owner).tolist(), parts, least)
    owner = data.owner[np.searchsorted(data.payer, np.arange(len(counts)))]
    within = payers_within(owner, counts, most)
    return data if within.all() else chosen(data, within[data.payer])


def payers_within(owner: Column, counts: Column, most: float) -> Column:
    """A mask of payers: of each owner the first, as they are numbered, who have no more than `most`
    together. Nobody who has more than that alone is among them.

    `owner`, `counts`: by payer, whose customer it is, and how many attempts are theirs.
    """
    by_owner = np.argsort(owner, kind="stable")
    fits = counts[by_owner] <= most
    sums = np.cumsum(np.where(fits, counts[by_owner], 0))
    first = np.searchsorted(owner[by_owner], owner[by_owner])
    before = np.where(first > 0, sums[first - 1], 0)
    taken = np.zeros(len(owner), bool)
    taken[by_owner] = fits & (sums - before <= most)
    return taken


SCORED_MAX: Final = 4_000  # tries; whole payers, spread evenly
SCORED_PARTS: Final = 2  # of one owner at most half of those, where the others have enough
TRAINED_PARTS: Final = (
    4  # of five owners or more, each has at most a quarter of the attempts that are trained on,
)
TRAINED_LEAST: Final = 20_000  # as long as there are so many
RATES_PARTS: Final = 2  # of one owner at most half of what the plain rates are counted from,
RATES_LEAST: Final = 2_000  # likewise
_SURELY: Final = 1e-6
_RATE_WEIGHT: Final = (
    20.0  # tries as good as seen at the rate of all, in each cell of the plain rates
)


class HeldOut(NamedTuple):
    """Attempts held out of training. `before`: what a model is trained on, of each owner within its
    share. `at`: hours since 1970, where the held-out time begins. `tries` are all of the held-out
    time, as rows of `attempts`."""

    attempts: Attempts
    before: Attempts
    at: float
    tries: Column


class Scored(NamedTuple):
    """An attempt of the held-out time; `before`: the class of the decline before it."""

    owner: int
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
    before = chosen(attempts, attempts.at < at)
    if np.count_nonzero(np.bincount(before.owner)) >= MERCHANTS_MIN:
        before = shared_out(before, TRAINED_PARTS, TRAINED_LEAST)
    return HeldOut(attempts, before, at, np.flatnonzero(late))


class Tried(NamedTuple):
    """`trial`: of all tries; or, if it is better only with those of one owner, `only_by`, of all
    others'. `but_for`: an owner without whose tries it would be better."""

    trial: Trial
    only_by: int | None = None
    but_for: int | None = None


class _Losses(NamedTuple):
    """Losses by payer: whose customer it is, how many attempts there are, and the sums of the
    losses of both."""

    owner: Column
    tries: Column
    mine: Column
    others: Column


def try_out(
    at: float, tries: Sequence[Scored], chance: Chance, compared_with: str, compared: Chance
) -> Tried:
    """Scores both chances on the same attempts, held out from `at` on. Better is what is better
    without any one owner's attempts too; where the others have too few to judge by, that owner's
    are not left out."""
    losses = _losses(tries, chance, compared)
    of_all, without = _trial(at, losses, compared_with), []
    for owner in np.unique(losses.owner).tolist():
        others = _Losses(*(column[losses.owner != owner] for column in losses))
        if others.tries.sum() >= HELD_OUT_LEAST:
            without.append(Tried(_trial(at, others, compared_with), owner))
    better = of_all.verdict == "better"
    extreme = (min if better else max)(without, key=_surplus, default=None)
    if extreme is None or extreme.trial.verdict == of_all.verdict:
        return Tried(of_all)
    return extreme if better else Tried(of_all, but_for=extreme.only_by)


def _surplus(tried: Tried) -> float:
    return tried.trial.compared_score - tried.trial.score - tried.trial.score_error


def _losses(tries: Sequence[Scored], chance: Chance, compared: Chance) -> _Losses:
    by_payer: dict[int, list[float]] = {}
    for attempt in tries:
        sums = by_payer.setdefault(attempt.payer, [attempt.owner, 0, 0.0, 0.0])
        sums[1] += 1
        sums[2] += _loss(chance(attempt), attempt.approved)
        sums[3] += _loss(compared(attempt), attempt.approved)
    columns = np.array(list(by_payer.values()), float).T
    return _Losses(columns[0].astype(np.int64), *columns[1:])


def _trial(at: float, losses: _Losses, compared_with: str) -> Trial:
    number = int(losses.tries.sum())
    gained = losses.others - losses.mine
    error = sqrt(float(((gained - gained.sum() / number * losses.tries) ** 2).sum())) / number
    mine, others = (
        round(float(column.sum()) / number, 6) for column in (losses.mine, losses.others)
    )
    return Trial(instant_of(at), number, mine, compared_with, others, round(error, 6))


def by_model(model: Model) -> Chance:
    def chance(attempt: Scored) -> float:
        return model.chances_at(attempt.facts, attempt.facts.zone or 0, [attempt.at])[0]

    return chance


def by_plain_rates(before: Attempts) -> Chance:
    """Rates of approval by the class of the decline before and the number of the attempt, drawn to
    the rate of all where there were few."""
    before = shared_out(before, RATES_PARTS, RATES_LEAST)
    rows = np.flatnonzero(before.tries > 0)
    approved, classes = before.answer[rows] == APPROVED, _answers_before(before)[rows]
    rate = float((approved.sum() + 1.0) / (len(rows) + 2.0))
    won, seen = (
        defaultdict[tuple[int, int], float](float),
        defaultdict[tuple[int, int], float](float),
    )
    for cell, yes in zip(
        zip(classes.tolist(), before.tries[rows].tolist(), strict=True), approved, strict=True
    ):
        won[cell] += bool(yes)
        seen[cell] += 1.0

    def chance(attempt: Scored) -> float:
        cell = attempt.before, attempt.tries
        return (won.get(cell, 0.0) + _RATE_WEIGHT * rate) / (seen.get(cell, 0.0) + _RATE_WEIGHT)

    return chance


def scored(held: HeldOut) -> Iterator[Scored]:
    """`SCORED_MAX` of the held-out tries, or all that can be judged; of each owner within its
    share."""
    data = held.attempts
    payers, counts = np.unique(data.payer[held.tries], return_counts=True)
    owner = data.owner[np.searchsorted(data.payer, payers)]
    most = most_of_each(np.bincount(owner, counts).tolist(), SCORED_PARTS, SCORED_MAX)
    within = payers_within(owner, counts, most)
    payers, step = payers[within], max(1.0, float(counts[within].sum()) / SCORED_MAX)
    chosen_payers = payers[(np.arange(int(len(payers) / step)) * step).astype(int)]
    starts = np.searchsorted(data.payer, chosen_payers)
    ends = np.searchsorted(data.payer, chosen_payers, side="right")
    late = set(held.tries.tolist())
    for payer, start, end in zip(
        chosen_payers.tolist(), starts.tolist(), ends.tolist(), strict=True
    ):
        for row in range(start, end):
            attempt = (
                _scored(data, payer, max(start, row - ROWS_BEFORE), row) if row in late else None
            )
            if attempt is not None:
                yield attempt


def _scored(data: Attempts, payer: int, begin: int, row: int) -> Scored | None:
    """The attempt with its facts; None where its payment lies before the rows that are looked
    at."""
    order = data.order[row]
    own = [n for n in range(begin, row) if data.order[n] == order]
    if not own or data.tries[own[0]] > 0:
        return None
    facts = facts_at(data, own, [n for n in range(begin, row) if data.order[n] != order])
    at = hours_of(instant_of(float(data.at[row])))
    approved = bool(data.answer[row] == APPROVED)
    return Scored(
        int(data.owner[row]),
        payer,
        facts,
        at,
        int(data.answer[own[-1]]),
        int(data.tries[row]),
        approved,
    )


def _answers_before(data: Attempts) -> Column:
    """The class of the attempt before in the same order, by row; hard where it is the first."""
    by_order = np.lexsort((data.tries, data.order))
    answers = np.full(len(data), HARD)
    answers[by_order[1:]] = data.answer[by_order[:-1]]
    answers[data.tries == 0] = HARD
    return answers


def _loss(chance: float, approved: bool) -> float:
    sure = min(max(chance, _SURELY), 1.0 - _SURELY)
    return -log(sure if approved else 1.0 - sure)
