"""`/healthz` and `/readyz`. What stands in the way of other work is no reason to leave a balancer:
each world is looked at by a connection of its own, and by nothing that waits for a lock on a
table."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from recoup.db.operation.partitions import read_days_left
from recoup.db.operation.standing import HOMES, home_mark
from recoup.db.operation.upkeep import has_room, is_writable
from recoup.db.statement import Connection
from recoup.kernel.problem import Problem
from recoup.main.worlds import Running

ANSWER_SECONDS: Final = 2.0
ROOM_SECONDS: Final = 5.0
DAYS_SECONDS: Final = 0.5
_RETRY: Final = {"retry-after": "2"}
_BROKEN: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
_AWAY: Final = (Problem, TimeoutError, *_BROKEN)


class _Probe:
    """Probe of one world, over one connection at most. Anybody may ask: one answer is for all who
    came before it was begun. Each check for room writes: one in some seconds is enough. `_room`:
    when it was checked, and what it found."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._kept = AsyncExitStack()
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._begun, self._why = float("-inf"), ""
        self._room = (float("-inf"), True)
        self.days_left: int | None = None

    async def ask(self) -> str:
        """Reason why it is not ready; empty where it is."""
        came = monotonic()
        async with self._turn:
            if self._begun <= came:
                begun = monotonic()
                self._why = await self._answer()
                self._begun = begun
            return self._why

    async def close(self) -> None:
        self._connection = None
        await self._kept.aclose()

    async def _answer(self) -> str:
        """A kept connection that broke says nothing: a new one is tried."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._connection is not None:
                    with suppress(*_BROKEN):
                        return await self._ask_once()
                return await self._ask_once()
        except asyncpg.exceptions.TargetServerAttributeNotMatched:
            return "read-only"
        except _AWAY:
            return "database"

    async def _ask_once(self) -> str:
        async with self._own() as connection:
            if not await is_writable(connection):
                return "read-only"
            if not await self._has_room(connection):
                return "no room"
            for home in HOMES:  # each may be on a server of its own
                try:
                    await home_mark(connection, home)
                except _BROKEN:
                    return f"home {home.value}"
            with suppress(TimeoutError):  # it looks at tables: the last that was known stays
                async with asyncio.timeout(DAYS_SECONDS):
                    left = await read_days_left(connection, self._running.world.clocks.wall())
                    self.days_left = int(min(left.values()))
        return ""

    async def _has_room(self, connection: Connection) -> bool:
        tried_at, is_roomy = self._room
        if (now := monotonic()) >= tried_at + ROOM_SECONDS:
            is_roomy = await has_room(connection)
            self._room = now, is_roomy
        return is_roomy

    @asynccontextmanager
    async def _own(self) -> AsyncIterator[Any]:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._kept.enter_async_context(
                    self._running.world.db.apart()
                )
            yield self._connection
        except BaseException:
            await self.close()
            raise


def probes(
    opened: Sequence[Running], is_draining: Callable[[], bool], kept: AsyncExitStack
) -> list[Route]:
    """`opened` fills when the worlds open; `kept` ends with them."""
    by_world: dict[str, _Probe] = {}

    def probe(running: Running) -> _Probe:
        if (known := by_world.get(running.world.known_as)) is None:
            known = by_world[running.world.known_as] = _Probe(running)
            kept.push_async_callback(known.close)
        return known

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if is_draining():
            return JSONResponse({"ready": False, "why": "closing"}, 503, {"connection": "close"})
        probes = [probe(running) for running in opened]
        worlds = [running.world for running in opened]
        whys = dict(
            zip(
                (world.known_as for world in worlds),
                await asyncio.gather(*(world_probe.ask() for world_probe in probes)),
                strict=True,
            )
        )
        for world in worlds:
            if not whys[world.known_as] and world.standing.refuses_all:
                whys[world.known_as] = "mark"
        for name in {world.name for world in worlds}:  # a cell costs its own merchants only
            cells = [whys[world.known_as] for world in worlds if world.name == name]
            if all(cells):
                return JSONResponse({"ready": False, "why": cells[0]}, 503, _RETRY)
        away = {cell: why for cell, why in whys.items() if why}
        held = [world.known_as for world in worlds if world.standing.is_quarantined]
        # Ready all the same: taken out of its proxy a door could not take managed orders, nor show
        # what happened.
        more: dict[str, object] = {"quarantine": held} if held else {}
        more |= {"away": away} if away else {}
        days = [
            world_probe.days_left for world_probe in probes if world_probe.days_left is not None
        ]
        return JSONResponse({"ready": True, "partition_days_left": min(days, default=None)} | more)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
