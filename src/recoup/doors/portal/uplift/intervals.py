"""Intervals by week as geometry: the template draws them as SVG, without a script and without styles of their own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

WIDTH: Final = 1120
HEIGHT: Final = 210
_LEFT, _TOP, _BASE = 44.0, 14.0, 184.0
_LABEL: Final = 75  # units that a day's name takes
_STEPS: Final = (1, 2, 5, 10, 20, 50)  # points between two lines


@dataclass(frozen=True, slots=True)
class Interval:
    """One week. Lengths in units of the view box; `low`, `high` and `difference` in points."""

    on: date
    low: float
    high: float
    difference: float
    x: float
    width: float
    top: float
    bottom: float
    middle: float
    label: bool

    @property
    def centre(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """`grid`: (height, points), from the bottom."""

    intervals: tuple[Interval, ...]
    grid: tuple[tuple[float, int], ...]
    left: float = _LEFT
    width: int = WIDTH
    height: int = HEIGHT


def chart(looks: Sequence[Mapping[str, Any]], width: int = WIDTH) -> Chart | None:
    """Of looks with an interval; None without any."""
    shown = [one for one in looks if one["low"] is not None]
    if not shown:
        return None
    lowest: float = min(0.0, *(100 * one["low"] for one in shown))
    highest: float = max(0.0, *(100 * one["high"] for one in shown))
    step: int = next((step for step in _STEPS if (highest - lowest) / step <= 6), 100)
    bottom, top = math.floor(lowest / step) * step, max(1, math.ceil(highest / step)) * step
    each = (width - _LEFT) / len(shown)
    every = max(1, -(-len(shown) * _LABEL // (width - int(_LEFT))))

    def y(points: float) -> float:
        return round(_BASE - (_BASE - _TOP) * (points - bottom) / (top - bottom), 1)

    intervals = tuple(
        Interval(
            date.fromisoformat(one["on"]),
            100 * one["low"],
            100 * one["high"],
            100 * one["difference"],
            round(_LEFT + at * each + each * 0.3, 1),
            round(each * 0.4, 1),
            y(100 * one["high"]),
            y(100 * one["low"]),
            y(100 * one["difference"]),
            at % every == 0,
        )
        for at, one in enumerate(shown)
    )
    return Chart(intervals, tuple((y(points), points) for points in range(bottom, top + 1, step)), width=width)
