"""Two clocks that are never mixed up.

Business time is what an order lives by (retries, expiry, network windows, the dates it shows); a sandbox
merchant's can be moved forward. Wall time is everything else (tokens, signatures, leases, time-outs, ids).
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NewType

BusinessTime = NewType("BusinessTime", datetime)
WallTime = NewType("WallTime", datetime)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The machine's clocks. Offsets are microseconds between a merchant's business time and wall time."""

    def wall(self) -> WallTime:
        return WallTime(datetime.now(UTC))

    def business(self, offset_us: int) -> BusinessTime:
        return business_at(self.wall(), offset_us)

    def monotonic(self) -> float:
        return time.monotonic()


def wall_ms() -> int:
    """Milliseconds since 1970, for ids."""
    return time.time_ns() // 1_000_000


def business_at(wall: WallTime, offset_us: int) -> BusinessTime:
    return BusinessTime(wall + timedelta(microseconds=offset_us))


def iso(moment: datetime) -> str:
    """ISO 8601, UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
