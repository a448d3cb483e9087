"""Estimates of what a policy would have rescued of orders that others decided about, with an
interval. Pure.

Doubly robust for each decision: an expectation fitted in two folds by payer, put right by what the
orders show that went the policy's way, each with its weight; the weights of each decision add up to
the orders. The interval is made of every order's influence, added up by payer.

An order's weight is how likely the policy is to do what was done, over how likely the arms together
are, each with its share: at most one over the share of the comparison group. Where the policy
stops, the order ends with its weight.
"""

import hashlib
import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from recoup.backtest.rules.episode import Episode, Features, Step
from recoup.kernel.frozen import frozen
from recoup.uplift.rules.comparison import half_width, mixture

RIDGE: Final = 1.0
_FREE: Final = 1e-9  # of the mean: it is not drawn to nothing
_OWN: Final = 2  # columns before the bins: the mean and the chance


class Fitted(NamedTuple):
    """Expectation of a way to go on, fitted to what came of it: least squares with a small ridge.
    Pure.

    Sums are made one after the other, so that every machine fits the same.
    """

    coefficients: Sequence[float]
    highest: float

    def at(self, features: Features) -> float:
        """The expected value, from 0 to `highest`."""
        value = self.coefficients[0] + self.coefficients[1] * features.chance
        for place in features.bins:
            value += self.coefficients[place + _OWN]
        return min(self.highest, max(0.0, value))


class Design:
    """Rows, worked out once for all that is fitted to them. `bins`: how many columns there are."""

    def __init__(self, rows: Sequence[Features], bins: int) -> None:
        self._rows, self._size = rows, bins + _OWN
        matrix = [[0.0] * self._size for _ in range(self._size)]
        top, second = matrix[0], matrix[1]
        for row in rows:
            chance = row.chance
            top[0] += 1.0
            second[0] += chance
            second[1] += chance * chance
            places = [place + _OWN for place in row.bins]
            for place in places:
                line = matrix[place]
                line[0] += 1.0
                line[1] += chance
                for other in places:
                    line[other] += 1.0
        for place in range(self._size):
            matrix[place][place] += RIDGE if place else _FREE
        self._factor = _cholesky(matrix)

    def fit(self, targets: Sequence[float], highest: float) -> Fitted:
        """`targets[i]`: of row i."""
        sums = [0.0] * self._size
        for row, target in zip(self._rows, targets, strict=True):
            if target:
                sums[0] += target
                sums[1] += row.chance * target
                for place in row.bins:
                    sums[place + _OWN] += target
        return Fitted(_solved(self._factor, sums), highest)


def _cholesky(matrix: list[list[float]]) -> list[list[float]]:
    """Cholesky factor of the lower half. It is positive by its ridge."""
    size = len(matrix)
    factor = [[0.0] * size for _ in range(size)]
    for row in range(size):
        own = factor[row]
        for column in range(row + 1):
            other, left = factor[column], matrix[row][column]
            for place in range(column):
                left -= own[place] * other[place]
            own[column] = math.sqrt(max(left, _FREE)) if row == column else left / other[column]
    return factor


def _solved(factor: list[list[float]], right: Sequence[float]) -> list[float]:
    size, solution = len(factor), list(right)
    for row in range(size):
        for place in range(row):
            solution[row] -= factor[row][place] * solution[place]
        solution[row] /= factor[row][row]
    for row in reversed(range(size)):
        for place in range(row + 1, size):
            solution[row] -= factor[place][row] * solution[place]
        solution[row] /= factor[row][row]
    return solution


CLIP_LEAST: Final = 10.0


class Weighed(NamedTuple):
    """`weights`: after each decision up to the one where the order ends, clipped; the last one
    stays. `raw`: the last one, unclipped. `unsupported`: the weight that was lost where the policy
    names what no arm could do."""

    weights: tuple[float, ...]
    raw: float
    unsupported: float

    @property
    def last(self) -> float:
        return self.weights[-1] if self.weights else 1.0


def clip_at(orders: int) -> float:
    return max(CLIP_LEAST, math.sqrt(orders) / 2)


def weigh(episode: Episode, clip: float) -> Weighed:
    likely, weight, weights, unsupported = list(episode.shares), 1.0, list[float](), 0.0
    for step in episode.steps:
        if step.named is None:
            break
        nobody_could = not any(
            share * could for share, could in zip(likely, step.could, strict=True)
        )
        if nobody_could and not step.same:
            unsupported += min(weight, clip)
        if step.same:
            likely = [share * chance for share, chance in zip(likely, step.arms, strict=True)]
        whole = sum(likely)
        if step.same and whole <= 0.0:  # it was done, and no arm says that it does that
            unsupported += min(weight, clip)
        weight = 1.0 / whole if step.same and whole > 0.0 else 0.0
        weights.append(min(weight, clip))
        if not weight:
            break
    return Weighed(tuple(weights), weight, unsupported)


NORMAL_90: Final = 1.645
LOOKED_AT: Final = 2_000  # orders at which an interval for any look is narrowest
SENDS_MAX: Final = 30.0  # of an order; no policy plans more
DAYS_MAX: Final = 90.0
_FOLDS: Final = 2

Reward = Callable[[Step], float]
Measure = Literal["rescued", "sends", "days"]
_MEASURES: Final[Mapping[Measure, tuple[Reward, float]]] = {
    "rescued": (lambda step: step.reward, 1.0),
    "sends": (lambda step: step.sends, SENDS_MAX),
    "days": (lambda step: step.days * step.reward, DAYS_MAX),
}


@frozen
class Overlap:
    """Overlap: how much the orders say about the policy. `effective`: payers that count, (Σω)²/Σω²;
    `followed`: share of orders that went its way to their end; `unsupported`, `clipped`: shares of
    weight that no arm could do, and that was cut off; `largest`: one payer's share."""

    orders: int
    payers: int
    effective: float
    followed: float
    unsupported: float
    clipped: float
    largest: float


@frozen
class Estimate:
    """`value`: a mean over all orders. `influence`: of each order, in their order. `error`: a
    standard error. `above`, `below`: how much more and less it may be by what no arm could do."""

    value: float
    influence: Sequence[float]
    error: float
    above: float = 0.0
    below: float = 0.0

    @property
    def half_width(self) -> float:
        return NORMAL_90 * self.error + (self.above + self.below) / 2

    @property
    def interval(self) -> tuple[float, float]:
        half = NORMAL_90 * self.error
        return self.value - self.below - half, self.value + self.above + half


class Expected(NamedTuple):
    """Expected value of one order: at its first decision, and at each decision up to its end how
    much better it went than expected."""

    first: float
    surplus: tuple[float, ...]


class Evaluation:
    """Evaluation of a policy over orders, made once; each measure costs a fit. `bins`: how many
    columns features have."""

    def __init__(self, orders: Sequence[Episode], bins: int) -> None:
        self._orders, clip = orders, clip_at(len(orders))
        self._weighed = [weigh(order, clip) for order in orders]
        self._means = _means(self._weighed)
        self._folds = [fold_of(order.payer) for order in orders]
        self._depth = max((len(order.steps) for order in orders), default=0)
        self._bins = bins
        self._designs: dict[tuple[int, int], tuple[list[int], Design]] = {}
        self._kept: dict[Measure, list[Expected]] = {}
        self.overlap = self.overlap_of()

    def overlap_of(self, part: Sequence[bool] | None = None) -> Overlap:
        """The overlap of all orders, or of those of a part."""
        if part is None:
            return _overlap(self._orders, self._weighed)
        places = [place for place, inside in enumerate(part) if inside]
        return _overlap(
            [self._orders[place] for place in places], [self._weighed[place] for place in places]
        )

    def mean(
        self, measure: Measure = "rescued", weights: Sequence[float] | None = None
    ) -> Estimate:
        """The mean of an order; with `weights`, as a share of what orders weigh: their amounts, or
        1 and 0 for a part of them. Days of an order that is not rescued are 0."""
        count = len(self._orders)
        if weights is None:
            return self.of({measure: [1.0] * count})
        mean = sum(weights) / count if count else 0.0
        scaled = [weight / mean for weight in weights] if mean else [0.0] * count
        estimate = self.of({measure: scaled})
        # A ratio: whoever has more of the weight moves the denominator too.
        moved = [
            influence - estimate.value * (weight - 1.0)
            for influence, weight in zip(estimate.influence, scaled, strict=True)
        ]
        return Estimate(
            estimate.value, array("d", moved), clustered(self._payers(), moved), estimate.above
        )

    def of(self, weights: Mapping[Measure, Sequence[float]]) -> Estimate:
        """The mean of a sum of measures, each weighted for each order: rescued amounts less the
        cost of sends."""
        parts, weighings = [self._expected(weight) for weight in weights], list(weights.values())
        above = self.overlap.unsupported if "rescued" in weights else 0.0
        return self._summed(parts, weighings, above)

    def _summed(
        self, parts: Sequence[Sequence[Expected]], weights: Sequence[Sequence[float]], above: float
    ) -> Estimate:
        count = len(self._orders)
        if not count:
            return Estimate(math.nan, array("d"), math.nan)
        firsts, surplus = (
            array("d", bytes(8 * count)),
            [[0.0] * len(weighed.weights) for weighed in self._weighed],
        )
        for expected, weighing in zip(parts, weights, strict=True):
            for place, (own, weight) in enumerate(zip(expected, weighing, strict=True)):
                firsts[place] += weight * own.first
                for step, value in enumerate(own.surplus):
                    surplus[place][step] += weight * value
        gained = [0.0] * len(self._means)
        for weighed, values in zip(self._weighed, surplus, strict=True):
            for step, value in enumerate(values):
                gained[step] += weighed.weights[step] * value
        gained = [
            total / (count * mean) if mean else 0.0
            for total, mean in zip(gained, self._means, strict=True)
        ]
        first = sum(firsts) / count
        influence = self._influence(firsts, first, surplus, gained)
        return Estimate(first + sum(gained), influence, clustered(self._payers(), influence), above)

    def _influence(
        self,
        firsts: Sequence[float],
        first: float,
        surplus: Sequence[Sequence[float]],
        gained: Sequence[float],
    ) -> Sequence[float]:
        """An order that has ended keeps its last weight, and takes part in each later mean."""
        after = [0.0] * (len(gained) + 1)
        for step in reversed(range(len(gained))):
            after[step] = after[step + 1] + (
                gained[step] / self._means[step] if self._means[step] else 0.0
            )
        influences = array("d")
        for own, weighed, values in zip(firsts, self._weighed, surplus, strict=True):
            influence = own - first
            for step, value in enumerate(values):
                if self._means[step]:
                    influence += weighed.weights[step] / self._means[step] * (value - gained[step])
            influences.append(influence - weighed.last * after[len(values)])
        return influences

    def _expected(self, measure: Measure) -> list[Expected]:
        """Fitted backwards from the last decision, in each fold without its own payers."""
        if measure in self._kept:
            return self._kept[measure]
        reward, highest = _MEASURES[measure]
        fits = [self._fits(fold, reward, highest) for fold in range(_FOLDS)]
        expected = []
        for order, weighed, fold in zip(self._orders, self._weighed, self._folds, strict=True):
            models = fits[1 - fold]
            surplus = []
            for step in range(len(weighed.weights)):
                decision = order.steps[step]
                if not weighed.weights[step] or decision.taken is None:
                    surplus.append(0.0)
                    continue
                going_on = _named(order, step + 1, models)
                surplus.append(reward(decision) + going_on - models[step].at(decision.taken))
            expected.append(Expected(_named(order, 0, models), tuple(surplus)))
        self._kept[measure] = expected
        return expected

    def _fits(self, fold: int, reward: Reward, highest: float) -> list[Fitted]:
        """Fits the payers of that fold, one model for each decision."""
        models: list[Fitted] = [Fitted([0.0] * (self._bins + 2), highest)] * self._depth
        for step in reversed(range(self._depth)):
            places, design = self._design(fold, step)
            targets = [
                reward(self._orders[place].steps[step])
                + _named(self._orders[place], step + 1, models)
                for place in places
            ]
            models[step] = design.fit(targets, highest)
        return models

    def _design(self, fold: int, step: int) -> tuple[list[int], Design]:
        design = self._designs.get((fold, step))
        if design is None:
            places, rows = list[int](), []
            for place, order in enumerate(self._orders):
                if self._folds[place] == fold and step < len(order.steps):
                    taken = order.steps[step].taken
                    if taken is not None:
                        places.append(place)
                        rows.append(taken)
            design = self._designs[fold, step] = places, Design(rows, self._bins)
        return design

    def _payers(self) -> Iterable[str]:
        return (order.payer for order in self._orders)


def fold_of(payer: str) -> int:
    return hashlib.sha256(payer.encode("utf-8", "surrogatepass")).digest()[0] % _FOLDS


def at_any_look(low: float, high: float, orders: int) -> tuple[float, float]:
    """The 90 % interval of one look, as wide as it holds however often one looks."""
    error = (high - low) / 2 / NORMAL_90
    half = half_width(error * error, orders, mixture(LOOKED_AT, 0.1), 0.1)
    return (low + high) / 2 - half, (low + high) / 2 + half


def clustered(payers: Iterable[str], influence: Sequence[float]) -> float:
    """The standard error of a mean, a payer's orders taken together."""
    sums: dict[str, float] = {}
    for payer, value in zip(payers, influence, strict=True):
        sums[payer] = sums.get(payer, 0.0) + value
    return (
        math.sqrt(sum(total * total for total in sums.values())) / len(influence)
        if len(influence)
        else math.nan
    )


def _named(episode: Episode, step: int, models: Sequence[Fitted]) -> float:
    """The value of the policy's way from that decision on; nothing after the end, and where it
    stops."""
    if step >= len(episode.steps):
        return 0.0
    named = episode.steps[step].named
    return models[step].at(named) if named is not None else 0.0


def _means(weighed: Sequence[Weighed]) -> list[float]:
    """Means of the weights of each decision, over all orders."""
    depth = max((len(episode.weights) for episode in weighed), default=0)
    sums = [0.0] * depth
    for episode in weighed:
        for step, weight in enumerate(episode.weights):
            sums[step] += weight
        for step in range(len(episode.weights), depth):
            sums[step] += episode.last
    return [total / len(weighed) for total in sums]


def _overlap(orders: Sequence[Episode], weighed: Sequence[Weighed]) -> Overlap:
    by_payer: dict[str, float] = {}
    for order, weight in zip(orders, weighed, strict=True):
        by_payer[order.payer] = by_payer.get(order.payer, 0.0) + weight.last
    total, count = sum(by_payer.values()), max(1, len(orders))
    squares = sum(weight * weight for weight in by_payer.values())
    raw = sum(episode.raw for episode in weighed)
    return Overlap(
        len(orders),
        len(by_payer),
        total * total / squares if squares else 0.0,
        sum(episode.raw > 0.0 for episode in weighed) / count,
        sum(episode.unsupported for episode in weighed) / count,
        sum(episode.raw - episode.last for episode in weighed if episode.raw > episode.last) / raw
        if raw
        else 0.0,
        max(by_payer.values(), default=0.0) / total if total else 0.0,
    )
