"""Merchants' settings, read once and kept until they change; and the clock of one that somebody
names by its id.

A stale copy does no harm where it decides something: what is written is fenced by the merchant's
version, or reads the settings again under the order's lock. Readers that only show things may be a
second behind.
"""

import asyncio
from uuid import UUID

from recoup.db.statement import Read
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.store.merchants import MerchantSettings, load_merchant, offset_of

KEEP_SECONDS = 1.0
KEEP_MERCHANTS = 20_000


class Merchants:
    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[UUID, tuple[float, MerchantSettings]] = {}
        self._reading: dict[UUID, asyncio.Task[MerchantSettings]] = {}

    def known(self, merchant_id: UUID) -> MerchantSettings | None:
        """Settings as `get`, without reading."""
        kept = self._kept.get(merchant_id)
        return (
            kept[1]
            if kept is not None and self._world.clocks.monotonic() - kept[0] < KEEP_SECONDS
            else None
        )

    async def get(self, merchant_id: UUID) -> MerchantSettings:
        """Callers that come together read once.

        Raises: Problem(forbidden) for a merchant that this world does not have.
        """
        known = self.known(merchant_id)
        if known is not None:
            return known
        now = self._world.clocks.monotonic()
        reading = self._reading.get(merchant_id)
        if reading is None:
            reading = self._reading[merchant_id] = asyncio.create_task(self._read(merchant_id, now))
        return await asyncio.shield(reading)

    async def _read(self, merchant_id: UUID, now: float) -> MerchantSettings:
        me = asyncio.current_task()
        try:
            known = await caller_settings(self._world.db, merchant_id)
            if len(self._kept) >= KEEP_MERCHANTS:
                self._kept.clear()
            if self._reading.get(merchant_id) is me:  # not forgotten in the meantime
                self._kept[merchant_id] = (now, known)
            return known
        finally:
            if self._reading.get(merchant_id) is me:
                del self._reading[merchant_id]

    def forget(self, merchant_id: UUID) -> None:
        self._kept.pop(merchant_id, None)
        self._reading.pop(merchant_id, None)


async def caller_settings(db: Read, merchant_id: UUID) -> MerchantSettings:
    """Raises: Problem(forbidden) for a merchant that this world does not have."""
    known = await load_merchant(db, merchant_id)
    if known is None:
        raise Problem(
            "forbidden",
            "This merchant does not exist in this environment.",
            field="Mid",
            cure="Use a key of this environment.",
        )
    return known


async def known_offset(connection: Read, merchant_id: UUID) -> int:
    """Offset of its clock, in microseconds. Raises: Problem(not_found)."""
    offset = await offset_of(connection, merchant_id)
    if offset is None:
        raise no_such_merchant()
    return offset


def no_such_merchant() -> Problem:
    return Problem(
        "not_found",
        "There is no such merchant in this world.",
        cure="Check the id: `recoup bootstrap --json` prints one as mid.",
    )
