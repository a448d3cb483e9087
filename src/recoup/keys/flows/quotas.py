"""Quotas of partners: which one a call counts for, and how many it may make in a minute. Kept for a
while: each call asks."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from recoup.db.statement import Read
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.store.partners import Partner, find_partner, partner_of

KEPT_SECONDS: Final = 10.0
KEPT_MAX: Final = 50_000
T = TypeVar("T")


class Quotas:
    """Quotas, one set for each process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._partners: dict[UUID, tuple[float, UUID | None]] = {}
        self._limits: dict[UUID, tuple[float, Partner | None]] = {}

    async def of(
        self, merchant_id: UUID | None, partner_id: UUID | None
    ) -> tuple[UUID, int] | None:
        """(partner, calls a minute); None for a merchant without a partner, and while the database
        is away."""
        try:
            if partner_id is None and merchant_id is not None:
                known = self._partners.get(merchant_id)
                if (
                    known is not None
                    and known[1] is None
                    and self._world.clocks.monotonic() - known[0] < KEPT_SECONDS
                ):
                    return None
                partner_id = await self._partner_of(merchant_id)
            return (
                (partner_id, await self._limit_of(partner_id)) if partner_id is not None else None
            )
        except Problem:
            return None

    async def _partner_of(self, merchant_id: UUID) -> UUID | None:
        return await self._kept(self._partners, merchant_id, partner_of)

    async def _limit_of(self, partner_id: UUID) -> int:
        partner = await self._kept(self._limits, partner_id, find_partner)
        return partner.calls_per_minute if partner is not None else 0

    async def _kept(
        self,
        kept: dict[UUID, tuple[float, T]],
        key: UUID,
        read: Callable[[Read, UUID], Awaitable[T]],
    ) -> T:
        now = self._world.clocks.monotonic()
        known = kept.get(key)
        if known is not None and now - known[0] < KEPT_SECONDS:
            return known[1]
        async with self._world.db.connection() as connection:
            quota = await read(connection, key)
        if len(kept) >= KEPT_MAX:
            kept.clear()
        kept[key] = (now, quota)
        return quota
