"""Which partner a call counts for, and how many it may make in a minute. Kept for a while: each call asks."""

from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.store.read.partners import find_partner, partner_of

KEPT_SECONDS: Final = 10.0
KEPT_MAX: Final = 50_000


class Quotas:
    """One a process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._partners: dict[UUID, tuple[float, UUID | None]] = {}
        self._limits: dict[UUID, tuple[float, int]] = {}

    async def of(self, merchant_id: UUID | None, partner_id: UUID | None) -> tuple[UUID, int] | None:
        """(partner, calls a minute); None for a merchant without a partner, and while the database is away."""
        try:
            if partner_id is None and merchant_id is not None:
                partner_id = await self._partner_of(merchant_id)
            return (partner_id, await self._limit_of(partner_id)) if partner_id is not None else None
        except Problem:
            return None

    async def _partner_of(self, merchant_id: UUID) -> UUID | None:
        now = self._world.clocks.monotonic()
        kept = self._partners.get(merchant_id)
        if kept is not None and now - kept[0] < KEPT_SECONDS:
            return kept[1]
        async with self._world.db.connection() as connection:
            found = await partner_of(connection, merchant_id)
        if len(self._partners) >= KEPT_MAX:
            self._partners.clear()
        self._partners[merchant_id] = (now, found)
        return found

    async def _limit_of(self, partner_id: UUID) -> int:
        now = self._world.clocks.monotonic()
        kept = self._limits.get(partner_id)
        if kept is not None and now - kept[0] < KEPT_SECONDS:
            return kept[1]
        async with self._world.db.connection() as connection:
            partner = await find_partner(connection, partner_id)
        limit = partner.calls_per_minute if partner is not None else 0
        if len(self._limits) >= KEPT_MAX:
            self._limits.clear()
        self._limits[partner_id] = (now, limit)
        return limit
