"""How many days of partitions are left, for the operator's people: the notice on each page of theirs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from recoup.flows.world import World
from recoup.kernel.time import WallTime
from recoup.store.operation.partitions import read_days_left

FEW: Final = 5  # days; upkeep makes seven ahead, once an hour
_LOOKED_AT_EVERY: Final = timedelta(minutes=1)


@dataclass(slots=True)
class PartitionWatch:
    """Of one portal; one query a minute at most."""

    _left: int | None = None
    _seen_at: WallTime | None = None

    async def few_left(self, world: World) -> int | None:
        """Whole days until the first table has no partition; None while there are enough."""
        now = world.clocks.wall()
        if self._seen_at is None or now - self._seen_at >= _LOOKED_AT_EVERY:
            self._seen_at = now
            async with world.db.read() as connection:
                left = await read_days_left(connection, now)
            self._left = int(min(left.values()))
        return self._left if self._left is not None and self._left < FEW else None
