"""How many pages of one person are made at once: who asks for many waits, and not everybody else."""

from asyncio import Semaphore
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem

AT_ONCE: Final = 4
WAITING_MAX: Final = 32


class AtOnce:
    """Of one process."""

    def __init__(self) -> None:
        self._rooms: dict[UUID, _Room] = {}

    @asynccontextmanager
    async def of(self, user_id: UUID) -> AsyncIterator[None]:
        """Raises: Problem(too_many_requests)."""
        room = self._rooms.setdefault(user_id, _Room())
        if room.count >= AT_ONCE + WAITING_MAX:
            raise Problem(
                "too_many_requests",
                "You opened too many pages at once.",
                retry_after_seconds=5,
                cure="Try again in a few seconds.",
            )
        room.count += 1
        try:
            async with room.places:
                yield
        finally:
            room.count -= 1
            if not room.count:
                self._rooms.pop(user_id, None)


class _Room:
    """`count`: whose page is made and who waits."""

    def __init__(self) -> None:
        self.places, self.count = Semaphore(AT_ONCE), 0
