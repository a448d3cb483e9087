"""What came back by each card route, as routes are learned from it. Hours that are over are read once an hour, the
present ones once a minute: of thousands of routes that is all there is to read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from recoup.kernel.time import WallTime
from recoup.store.cards.card_routes import RouteSums, sums_between
from recoup.store.statement import Read

LEARNED_FROM: Final = timedelta(days=28)
KEPT: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


class LearnedSums:
    """One a world and process."""

    def __init__(self) -> None:
        self._over: Mapping[str, RouteSums] = {}
        self._present: Mapping[str, RouteSums] = {}
        self._over_until: WallTime | None = None
        self._read_at: WallTime | None = None

    def of(self, route: str) -> tuple[int, int]:
        """Approvals, and those that were expected of the same sends, in millionths."""
        found = [one for one in (self._over.get(route), self._present.get(route)) if one is not None]
        return sum(one.approved for one in found), sum(one.expected for one in found)

    def forget(self) -> None:
        """They are read anew by the next call."""
        self._over_until = self._read_at = None

    async def read(self, db: Read, now: WallTime) -> None:
        """Nothing most of the time."""
        if self._read_at is not None and timedelta(0) <= now - self._read_at < KEPT:
            return
        until = _hour_before(now)
        if until != self._over_until:
            self._over = await sums_between(db, now - LEARNED_FROM, until)
            self._over_until = until
        self._present = await sums_between(db, until, now + _HOUR)
        self._read_at = now


def _hour_before(now: WallTime) -> WallTime:
    """The hour before the present one may still be written, by a clock that is behind."""
    return WallTime(now.replace(minute=0, second=0, microsecond=0) - _HOUR)
