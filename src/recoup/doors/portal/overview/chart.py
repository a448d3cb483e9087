"""Bars by day as geometry: the template draws them as SVG, without a script and without styles of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

WIDTH: Final = 1120
HEIGHT: Final = 210
_LEFT, _TOP, _BASE = 44.0, 14.0, 184.0
_LABEL: Final = 75  # units that a day's name takes


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: `rescued` at the bottom up to `split`, then what is lost, and above `open_from` what is open. Lengths
    in units of the view box."""

    day: date
    declined: int
    rescued: int
    open: int
    x: float
    width: float
    top: float
    open_from: float
    split: float
    label: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def base(self) -> float:
        return _BASE


@dataclass(frozen=True, slots=True)
class Chart:
    """`grid`: (height, what it stands for), from the bottom."""

    bars: tuple[Bar, ...]
    grid: tuple[tuple[float, int], ...]
    left: float = _LEFT
    width: int = WIDTH
    height: int = HEIGHT


def chart(days: Sequence[tuple[date, int, int, int]], width: int = WIDTH) -> Chart:
    """`days`: (day, declined, rescued, open), each day once and in order."""
    most = max((declined for _, declined, _, _ in days), default=0)
    step = step_of(most)
    top = step * max(1, -(-most // step))
    each = (width - _LEFT) / max(1, len(days))
    every = max(1, -(-len(days) * _LABEL // (width - int(_LEFT))))

    def y(value: int) -> float:
        return round(_BASE - (_BASE - _TOP) * value / top, 1)

    bars = tuple(
        Bar(
            day,
            declined,
            rescued,
            still_open,
            round(_LEFT + each * n + each * 0.15, 1),
            round(min(40.0, each * 0.7), 1),
            y(declined),
            y(declined - still_open),
            y(rescued),
            n % every == 0,
        )
        for n, (day, declined, rescued, still_open) in enumerate(days)
    )
    return Chart(bars, tuple((y(value), value) for value in range(0, top + 1, step)), width=width)


def step_of(most: int) -> int:
    """A round step of which at most five reach `most`."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * 5 >= most:
                return step * factor
        step *= 10
