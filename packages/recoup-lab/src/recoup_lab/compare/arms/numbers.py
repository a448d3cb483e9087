"""What a plain regression is told of an order and of instants, as columns of numbers. Instants are hours since 1970."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from recoup.rules.rescue.engine.bins import CLASSES

Columns = np.ndarray[Any, Any]
_DELAYS: Final = (6, 18, 30, 54, 84, 132, 204, 288, 408, 540)  # hours
_HOURS: Final = 3  # of the day, in one column
_LONG_AGO: Final = 100.0  # days
_LATELY: Final = 240.0  # hours
_ALIKE: Final = 2.0  # attempts as good as seen at the payer's own rate
_EVEN: Final = 0.5


class Seen(NamedTuple):
    """An attempt of the payer's. `tries`: how many of its order came before it."""

    at: float
    approved: bool
    tries: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What holds of the order whatever the instant. `tries`: when it was tried; `offset`: hours east of UTC; `klass`,
    as `engine.classes`, of the last decline; `rates`: logits of the pooled shares of approvals of its code and of its
    issuer; `others`: the payer's attempts of other orders, oldest first."""

    first_at: float
    tries: tuple[float, ...]
    offset: float
    klass: int
    credit: bool
    amount: int
    rates: tuple[float, ...]
    others: Sequence[Seen]


def columns(situation: Situation, instants: Sequence[float]) -> Columns:
    """Instants × features."""
    at = np.array(instants, float)
    day, month_day = _days(at, situation.offset)
    delay, last = at - situation.first_at, situation.tries[-1] if situation.tries else situation.first_at
    number = len(situation.tries)
    parts = [
        _each(
            at,
            (
                np.log1p(number),
                float(number > 0),
                np.log1p(situation.amount),
                float(situation.credit),
                *situation.rates,
            ),
        ),
        np.log1p(delay)[:, None],
        np.log1p(at - last)[:, None] * (1.0 if number else 0.0),
        _one_of(np.searchsorted(_DELAYS, delay, side="right"), len(_DELAYS) + 1),
        _one_of(((at + situation.offset) % 24 // _HOURS).astype(int), 24 // _HOURS),
        _one_of((day + 3) % 7, 7),
        _one_of(month_day, 31),
        _each(at, np.eye(len(CLASSES))[situation.klass]),
        _record(situation, at, day, month_day),
    ]
    return np.concatenate(parts, axis=1)


def _record(situation: Situation, at: Columns, day: Columns, month_day: Columns) -> Columns:
    """How the payer's other attempts ended: all, repeated ones, on the same weekday, about the same day of a month;
    and how long ago the last approval was."""
    if not situation.others:
        return np.zeros((len(at), 8))
    seen = np.array(situation.others, float)
    won = seen[:, 1]
    days, month_days = _days(seen[:, 0], situation.offset)
    again = seen[:, 2] > 0
    rate = (won.sum() + _EVEN * _ALIKE) / (len(won) + _ALIKE)
    retried = (won[again].sum() + rate * _ALIKE) / (again.sum() + _ALIKE)
    weekday = ((day[:, None] - days) % 7 == 0).astype(float)
    near = (month_day[:, None] - month_days + 1) % 31 <= 2
    near = near.astype(float)
    by_weekday = (weekday @ won + rate * _ALIKE) / (weekday.sum(1) + _ALIKE)
    by_day = (near @ won + rate * _ALIKE) / (near.sum(1) + _ALIKE)
    last = seen[won > 0, 0].max(initial=-1e9)
    since = np.minimum((at - last) / 24.0, _LONG_AGO)
    failed = float(((won == 0) & (seen[:, 0] > situation.first_at - _LATELY)).sum())
    stays = _each(at, (1.0, rate, retried, np.log1p(failed), np.log1p(len(won))))
    return np.concatenate([stays, np.stack([by_weekday, by_day, np.log1p(since)], axis=1)], axis=1)


def _days(at: Columns, offset: float) -> tuple[Columns, Columns]:
    """Where the card holder is: the day since 1970, and the day of its month from 0."""
    day = ((at + offset) // 24).astype(np.int64)
    dates = day.astype("datetime64[D]")
    return day, (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)


def _one_of(place: Columns, size: int) -> Columns:
    found: Columns = np.eye(size)[place]
    return found


def _each(at: Columns, values: Any) -> Columns:
    return np.tile(np.array(values, float), (len(at), 1))


def _chance(scaled: Columns, weights: Columns, bias: float) -> Columns:
    """A step of the fit may go far: beyond 30 either way a chance is as good as certain."""
    found: Columns = 1.0 / (1.0 + np.exp(-np.clip(scaled @ weights + bias, -30.0, 30.0)))
    return found


@dataclass(frozen=True, slots=True)
class Numbers:
    """A fitted regression: columns are centred and scaled before they are weighed."""

    mean: Columns
    scale: Columns
    weights: Columns
    bias: float

    def chances(self, rows: Columns) -> Columns:
        """To nine places: what machines compute differently beyond these chooses no instant."""
        return np.round(_chance((rows - self.mean) / self.scale, self.weights, self.bias), 9)


def fitted(rows: Columns, approved: Columns, ridge: float, steps: int = 8) -> Numbers:
    """By Newton's method. `ridge`: how strongly each weight of a scaled column is drawn to nothing."""
    mean, scale = rows.mean(0), np.maximum(rows.std(0), 1e-6)
    scaled = (rows - mean) / scale
    rate = (approved.sum() + 1.0) / (len(approved) + 2.0)
    bias, weights = float(np.log(rate / (1.0 - rate))), np.zeros(rows.shape[1])
    for _ in range(steps):
        chance = _chance(scaled, weights, bias)
        spread = chance * (1.0 - chance)
        bend = (scaled * spread[:, None]).T @ scaled + ridge * np.eye(len(weights))
        weights = weights + np.linalg.solve(bend, scaled.T @ (approved - chance) - ridge * weights)
        chance = _chance(scaled, weights, bias)
        bias += float((approved - chance).sum() / (chance * (1.0 - chance)).sum())
    return Numbers(mean, scale, weights, bias)
