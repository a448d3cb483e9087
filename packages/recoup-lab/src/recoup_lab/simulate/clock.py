"""Simulated time: it stands still until the simulation moves it.

Who waits for an answer has a stopwatch of their own: when their processor falls silent, for their
call alone the time is over; and each look at the watch may take a while. So patience ends at the
same point on every machine.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from recoup.kernel.time import BusinessTime, Clocks, WallTime, business_at

START: Final = WallTime(datetime(2026, 1, 5, tzinfo=UTC))
_LONG: Final = 3600.0


@dataclass(slots=True)
class _Stopwatch:
    """`each`: seconds that a look at it takes."""

    each: float
    waited: float = 0.0

    def look(self) -> float:
        self.waited += self.each
        return self.waited


_stopwatch: ContextVar[_Stopwatch | None] = ContextVar("stopwatch", default=None)


class SimClocks(Clocks):
    """Wall and business time alike; nobody's clock is moved against the other."""

    _now: WallTime
    __setattr__ = object.__setattr__  # these clocks do move

    def __init__(self) -> None:
        self._now = START

    def wall(self) -> WallTime:
        return self._now

    def business(self, offset_us: int) -> BusinessTime:
        return business_at(self._now, offset_us)

    def monotonic(self) -> float:
        watch = _stopwatch.get()
        return (self._now - START) / timedelta(seconds=1) + (watch.look() if watch else 0.0)

    def to(self, moment: datetime) -> None:
        """Forward only."""
        self._now = max(self._now, WallTime(moment))


def start_stopwatch(each: float = 0.0) -> None:
    """Starts a stopwatch in the task of one call: its patience is its own from here on, and that of
    the tasks that it starts."""
    _stopwatch.set(_Stopwatch(each))


def run_out_of_patience() -> None:
    """The counterpart says nothing: the call's caller waits no longer."""
    watch = _stopwatch.get()
    if watch is not None:
        watch.waited += _LONG
