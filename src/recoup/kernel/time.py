"""Two clocks that are never mixed up.

Business time is what an order lives by (retries, expiry, network windows, the dates it shows); a
sandbox merchant's can be moved forward. Wall time is everything else (tokens, signatures, leases,
time-outs, ids).
"""

import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NewType

from recoup.kernel.frozen import frozen

DRIFT_MAX: Final = 0.001  # a second of a machine's clock is one of the database's, but for so much
# Counts on while a machine is suspended, where there is such a clock: what is due by then is late
# afterwards.
STEADY: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
SKEW_SECONDS_MAX: Final = 2.0  # between the clocks of a machine and of its database

BusinessTime = NewType("BusinessTime", datetime)
WallTime = NewType("WallTime", datetime)


@frozen
class Clocks:
    """The machine's clocks. Offsets are microseconds between a merchant's business time and wall
    time."""

    def wall(self) -> WallTime:
        return WallTime(datetime.now(UTC))

    def business(self, offset_us: int) -> BusinessTime:
        return business_at(self.wall(), offset_us)

    def monotonic(self) -> float:
        return time.clock_gettime(STEADY)


class DatabaseClocks(Clocks):
    """Wall time by the database's clock, which all processes of an installation share: what one
    leases or sends until a moment, the others judge by the same clock. Between two measurements the
    machine's monotonic clock counts, so that a wall clock that is set anew moves nothing. Until the
    first measurement it is the machine's wall time."""

    __setattr__ = object.__setattr__  # measurements move it

    def __init__(self, machine: Clocks | None = None) -> None:
        self._machine = machine or Clocks()
        self._at: WallTime | None = None
        self._measured, self._unsure = 0.0, 0.0

    def wall(self) -> WallTime:
        if self._at is None:
            return self._machine.wall()
        return WallTime(self._at + timedelta(seconds=self._machine.monotonic() - self._measured))

    def monotonic(self) -> float:
        return self._machine.monotonic()

    def measured(self, at: datetime, started: float, ended: float) -> None:
        """The database said `at` between two readings of the monotonic clock. A slow answer says
        less than a quick one did lately."""
        unsure, passed = (ended - started) / 2, ended - self._measured
        if self._at is None or unsure <= self._unsure + 0.001 + passed * DRIFT_MAX:
            self._at, self._measured, self._unsure = WallTime(at), (started + ended) / 2, unsure

    @property
    def unsure_seconds(self) -> float:
        """Seconds by which the last measurement may be wrong, to either side."""
        return self._unsure

    @property
    def ahead_seconds(self) -> float:
        """Seconds by which the machine's wall clock is ahead of the database's."""
        return (self._machine.wall() - self.wall()) / timedelta(seconds=1)


def wall_ms() -> int:
    """Milliseconds since 1970, for ids."""
    return time.time_ns() // 1_000_000


def business_at(wall: WallTime, offset_us: int) -> BusinessTime:
    return BusinessTime(wall + timedelta(microseconds=offset_us))


def to_utc(moment: datetime, zone: tzinfo = UTC) -> datetime | None:
    """A moment from outside as it may be kept: databases know no offset beyond 15:59. One without
    an offset is meant in `zone`; None for what lies beyond all dates."""
    try:
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def of_these_days(moment: datetime, zone: tzinfo = UTC) -> datetime | None:
    """Converts as `to_utc`; None also for what is not of the years 2000 to 2200."""
    utc = to_utc(moment, zone)
    return utc if utc is not None and 2000 <= utc.year <= 2200 else None


def whole_millisecond(moment: datetime) -> datetime:
    """The end of the millisecond that `iso` wrote; a moment that is named more finely as it is."""
    return moment if moment.microsecond % 1000 else moment + timedelta(microseconds=999)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso(moment: datetime) -> str:
    """ISO 8601, UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
