"""Whose file is read next: each keeps a database connection for as long as it takes, and pages need some, too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

AT_ONCE: Final = 3
OF_MERCHANT: Final = 2  # so that one merchant's many files do not stand before another's


class Turns:
    """Of one process. First come, first served."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._own: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, merchant_id: UUID) -> AsyncIterator[None]:
        own = self._own.setdefault(merchant_id, asyncio.Semaphore(OF_MERCHANT))
        async with own, self._all:
            yield
