"""Runs due work. Each kind has one flow, which a subject above adds to `DUE`."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog

from recoup.kernel.cause import begin_later
from recoup.kernel.extended import Extended
from recoup.kernel.problem import Problem, in_words
from recoup.kit.world import World
from recoup.orders.store.due_work import Due, claim, claim_of_each, merchants_in_turn, postpone
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.places import DUE, Flow

log = structlog.get_logger()
BATCH = 128
IN_FLIGHT_MAX = 512
ROOM_SECONDS = 0.01
# While the oldest work fills the room: a few pieces of each merchant in turn, in places of their
# own.
IN_TURN_MAX = 128
EACH_IN_TURN = 4
MERCHANTS_IN_TURN = 256
TURN_SECONDS = 0.1
# The next worker begins them anew: one that shall end does not wait for them.
BEGUN_ANEW = frozenset({"backtest", "export"})
WAITS = 6  # tries that may fail unremarked where something else is awaited


FLOWS: Mapping[str, Flow] = Extended({}, DUE, dict)


async def run_due(
    world: World, orders: Orders, *, merchant_id: UUID | None = None, limit: int = BATCH
) -> int:
    """Claims what is due now, runs it side by side, and answers how much it was."""
    async with world.db.connection() as connection:
        batch = await claim(connection, world.clocks.wall(), limit, merchant_id=merchant_id)
    await asyncio.gather(*(run_one(world, orders, due) for due in batch))
    return len(batch)


class DueWork:
    """The worker's way: side by side up to a bound, so that one slow call holds up nothing else;
    and in turn, so that the very many of one merchant do not either. One a process."""

    def __init__(self, world: World, orders: Orders) -> None:
        self._world, self.orders = world, orders
        self._out: dict[asyncio.Task[None], str] = {}
        self._had_turn, self._turn_at = UUID(int=0), 0.0

    async def claim(self, *, merchant_id: UUID | None = None) -> int:
        """Starts what is due and has room; answers how much. Waits, but not long, until a claim is
        worth it."""
        if len(self._out) > IN_FLIGHT_MAX - BATCH:
            await asyncio.wait(self._out, timeout=ROOM_SECONDS)
        room = min(BATCH, IN_FLIGHT_MAX - len(self._out))
        batch: list[Due] = []
        if room > 0:
            async with self._world.db.connection() as connection:
                batch = await claim(
                    connection, self._world.clocks.wall(), room, merchant_id=merchant_id
                )
            self._begin(batch)
        is_full = len(batch) >= room
        if is_full and merchant_id is None:
            await self._take_turn()
        return len(batch) if room > 0 else 1

    async def _take_turn(self) -> None:
        """More waits than there is room for: of the next merchants some is begun, however much of
        others is older."""
        now, world = self._world.clocks.monotonic(), self._world
        room = min(BATCH, IN_FLIGHT_MAX + IN_TURN_MAX - len(self._out))
        if room <= 0 or now - self._turn_at < TURN_SECONDS:
            return
        self._turn_at = now
        merchants = await merchants_in_turn(world.db, self._had_turn, MERCHANTS_IN_TURN)
        batch = await claim_of_each(
            world.db.alone, world.clocks.wall(), room, merchants, EACH_IN_TURN
        )
        self._begin(batch)
        if len(batch) == room:
            self._had_turn = max(due.merchant_id for due in batch)  # those behind had none yet
        else:
            self._had_turn = merchants[-1] if len(merchants) == MERCHANTS_IN_TURN else UUID(int=0)

    def _begin(self, batch: list[Due]) -> None:
        for due in batch:
            task = asyncio.create_task(run_one(self._world, self.orders, due))
            self._out[task] = due.kind
            task.add_done_callback(self._out.pop)

    async def drain(self) -> None:
        """Waits for what is out, but for what is begun anew."""
        for task, kind in self._out.items():
            if kind in BEGUN_ANEW:
                task.cancel()
        while self._out:
            await asyncio.wait(self._out)


async def run_one(world: World, orders: Orders, due: Due) -> None:
    """Runs a piece of due work; a failure is logged, kept with the work, and tried again later,
    more and more seldom."""
    begin_later("worker", due.subject_id)
    try:
        world.standing.check()
        await FLOWS[due.kind](world, orders, due)
    except Exception as error:  # noqa: BLE001 - whatever it was, the others go on
        message = in_words(error)
        waits = isinstance(error, Problem) and error.code == "unavailable" and due.tries < WAITS
        say = log.debug if waits else log.warning
        say(
            "due work failed",
            kind=due.kind,
            subject=str(due.subject_id),
            tries=due.tries,
            error=message[:200],
        )
        until = world.clocks.wall() + min(
            timedelta(minutes=10), timedelta(seconds=0.5) * 2 ** min(due.tries, 12)
        )
        try:
            await postpone(world.db.alone, due, until, message)
        except Problem:
            pass  # the database is away; the lease runs out by itself
