"""What is expected of a way to go on, fitted to what came of it: least squares with a small ridge. Pure.

Sums are made one after the other, so that every machine fits the same.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from recoup.rules.backtest.episode import Features

RIDGE: Final = 1.0
_FREE: Final = 1e-9  # of the mean: it is not drawn to nothing
_OWN: Final = 2  # columns before the bins: the mean and the chance


class Fitted(NamedTuple):
    coefficients: Sequence[float]
    highest: float

    def at(self, one: Features) -> float:
        """From 0 to `highest`."""
        found = self.coefficients[0] + self.coefficients[1] * one.chance
        for place in one.bins:
            found += self.coefficients[place + _OWN]
        return min(self.highest, max(0.0, found))


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
            places = [one + _OWN for one in row.bins]
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
    """Of the lower half. It is positive by its ridge."""
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
    size, found = len(factor), list(right)
    for row in range(size):
        for place in range(row):
            found[row] -= factor[row][place] * found[place]
        found[row] /= factor[row][row]
    for row in reversed(range(size)):
        for place in range(row + 1, size):
            found[row] -= factor[place][row] * found[place]
        found[row] /= factor[row][row]
    return found
