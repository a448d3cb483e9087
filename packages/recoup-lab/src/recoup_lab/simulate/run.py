"""A simulation from its first instant to its hash."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from recoup.flows.insight.verify import verify
from recoup.flows.messages.publish import publish_all
from recoup.flows.money.settle import close_pages
from recoup.gateways.keys.keyring import Keyring
from recoup.store.connect import connect
from recoup_lab.simulate import books
from recoup_lab.simulate.actors import ACTORS
from recoup_lab.simulate.contracts import contract_of
from recoup_lab.simulate.digest import digest
from recoup_lab.simulate.engine import outside_of, start
from recoup_lab.simulate.plan import TICKS, Plan, deals_of
from recoup_lab.simulate.shops import open_shop
from recoup_lab.simulate.sim import Sim, Wrong

# Seconds after an instant at which what became due shortly after it is worked on: answers that did not come, pauses.
MOMENTS: Final = (0, 1, 5, 20, 90, 600)
AFTERWARDS_DAYS_MAX: Final = 60  # until the last order has expired and everything is over
RESTART_DAYS: Final = 10
_SKETCHY: Final = {"default_statistics_target": "10"}  # of what ANALYZE samples
ANALYZE_DAYS: Final = (0, 2, 6, 14, 29)
# What comes again for ever is no work that is left.
FOR_EVER: Final = ("settlement", "reconciliation", "certificate", "advance_bounds")
_NEXT: Final = "SELECT min(greatest(due_at, coalesce(lease_until, due_at))) FROM due_work WHERE kind <> ALL($1)"


@dataclass(frozen=True, slots=True)
class Simulated:
    """`wrong`: the first thing that does not hold, or None. `counts`: what was done, how often. `checks`: how often
    everything was proved."""

    plan: Plan
    hash: str
    wrong: str | None
    counts: dict[str, int]
    faults: dict[str, int]
    deaths: dict[str, int]
    stages: dict[str, int]
    checks: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.plan.orders / self.seconds


async def simulate(dsn: str, keys: Keyring, plan: Plan, tell: Callable[[str], None] = lambda text: None) -> Simulated:
    """On an empty world database at `dsn` (as the owner); everything is left in it."""
    begun = time.perf_counter()
    outside = outside_of(dsn, keys, plan.seed, plan.faults)
    owner = await connect(dsn, **_SKETCHY)
    sim = Sim(plan, outside, await start(outside), owner)
    run = _Run(sim, tell)
    wrong, state_hash = None, ""
    try:
        try:
            await run.all()
        except Wrong as found:
            wrong = str(found)
        state_hash = await digest(sim)
        rows = await owner.fetch("SELECT stage, count(*)::int AS number FROM orders GROUP BY stage ORDER BY stage")
    finally:
        await sim.engine.world.db.close()
        await owner.close()
    faults = outside.issuer.counts + outside.book.counts + outside.bank.counts + outside.mail.counts
    return Simulated(
        plan,
        state_hash,
        wrong,
        dict(sorted(sim.counts.items())),
        dict(sorted(faults.items())),
        dict(sorted(sim.deaths.items())),
        {r["stage"]: r["number"] for r in rows},
        run.checks,
        time.perf_counter() - begun,
    )


class _Run:
    def __init__(self, sim: Sim, tell: Callable[[str], None]) -> None:
        self._sim, self._tell = sim, tell
        self.checks = 0

    async def all(self) -> None:
        """Raises: Wrong."""
        sim = self._sim
        sim.shops = [await open_shop(sim, number) for number in range(sim.plan.merchants)]
        sim.pages = {shop.scope.merchant_id: 0 for shop in sim.shops}
        for deal in deals_of(sim.plan):
            sim.deals[deal.name] = deal
            sim.by_tick[deal.tick].append(deal)
        last = sim.plan.days * TICKS
        for tick in range(last):
            await self._tick(tick)
            await self._night(tick)
        await self._afterwards(last)
        await self._prove(None)
        self._hold(await books.at_the_end(sim, FOR_EVER))

    async def _tick(self, tick: int) -> None:
        sim = self._sim
        at = sim.started_at(tick)
        for moment in MOMENTS:
            sim.outside.clocks.to(at + timedelta(seconds=moment))
            if not moment:
                for actor in ACTORS:
                    await sim.perform(await actor(sim, tick))
            await sim.work_due()

    async def _day(self, day: int) -> None:
        """Pages and feed are closed, and the books are held against each other; sometimes the process starts anew."""
        sim = self._sim
        await _until_none(lambda: publish_all(sim.engine.world))
        await _until_none(lambda: close_pages(sim.engine.world))
        if day in ANALYZE_DAYS:
            await sim.owner.execute("VACUUM ANALYZE")
        if day % RESTART_DAYS == RESTART_DAYS - 1:
            await sim.engine.world.db.close()
            sim.engine = await start(sim.outside)
        self._hold(await books.each_day(sim))
        if day < sim.plan.days or day % RESTART_DAYS == 0:
            await self._prove(day % len(sim.shops))
        self._tell(f"day {day + 1}")

    async def _afterwards(self, first: int) -> None:
        """No new orders; time goes on until nothing is due any more, and then until everything is settled and paid."""
        over = first + AFTERWARDS_DAYS_MAX * TICKS
        settles = max(contract_of(number).settles_days for number in range(self._sim.plan.merchants))
        for tick in range(first, over):
            if await self._over(tick):
                over = tick
                break
            await self._tick(tick)
            await self._night(tick)
        for tick in range(over, over + settles * TICKS):
            if tick % TICKS == 0:
                await self._tick(tick)
            await self._night(tick)

    async def _over(self, tick: int) -> bool:
        sim = self._sim
        due = await sim.owner.fetchval(_NEXT, FOR_EVER)
        return due is None and not any(deeds for later, deeds in sim.later.items() if later >= tick)

    async def _night(self, tick: int) -> None:
        if tick % TICKS == TICKS - 1:
            await self._day(tick // TICKS)

    async def _prove(self, number: int | None) -> None:
        """`recoup verify`, of one merchant or of all."""
        sim = self._sim
        await books.keep(sim)
        merchant_id = None if number is None else sim.shops[number].scope.merchant_id
        done = await verify(sim.engine.world, merchant_id)
        self.checks += 1
        if done.difference is not None:
            one = done.difference
            name = sim.names.get(one.order_id, "") if one.order_id else ""
            self._hold(f"verify: {name} {one.field}: expected {one.expected}, found {one.found}")

    def _hold(self, wrong: str | None) -> None:
        if wrong:
            raise Wrong(f"{self._sim.now():%d %b %H:%M}: {wrong}")


async def _until_none(work: Callable[[], Awaitable[int]]) -> None:
    while await work():
        pass
