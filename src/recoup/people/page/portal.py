"""Portal services that every page has at hand; what some need is made when the first of them asks
for it."""

from asyncio import Semaphore
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

from starlette.routing import BaseRoute

from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants

if TYPE_CHECKING:
    from recoup.people.flows.sessions import Session


AT_ONCE: Final = 4
WAITING_MAX: Final = 32


class AtOnce:
    """Per-process limit on what a user does at once."""

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
                "Try again in a few seconds.",
                retry_after_seconds=5,
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


class Portal(Services):
    """Running portal. `shared`: services that other doors of this process use too. `attend`: counts
    what needs the person who is signed in."""

    def __init__(self, world: World, *shared: object, attend: "Attend") -> None:
        super().__init__(world, *shared)
        self.world, self.merchants, self.attend = world, self.get(Merchants), attend
        self.at_once = AtOnce()  # pages of one person
        self.pages: list[BaseRoute] = []  # all of them, filled in when they are made


if TYPE_CHECKING:
    Attend = Callable[[Portal, Session], Awaitable[Session]]
