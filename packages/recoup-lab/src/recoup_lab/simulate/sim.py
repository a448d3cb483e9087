"""The simulation's middle: deeds at one instant of simulated time, some of which kill the process
that does them.

Whatever happens at one instant is about different orders, side by side; its order does not matter.
A deed whose process is to die is done alone, after the others, so that it always dies at the same
step.
"""

import asyncio
import traceback
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.kernel.problem import Problem, in_words
from recoup.kernel.scope import Scope
from recoup.orders.store.due_work import Due, claim
from recoup.rescue.flows.run_due import FLOWS, run_one
from recoup_lab.simulate.clock import START
from recoup_lab.simulate.contracts import contract_of
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.dying import Killer, run_until_killed
from recoup_lab.simulate.engine import Engine, Outside, start
from recoup_lab.simulate.faults import Faults

TICKS: Final = 3  # of a day: arrivals and calls come together every eight hours
TOKENS: Final = ("USDT", "USDC")
SHORT_DAYS: Final = 10  # so short a simulation has no orders that live much longer than it
RANGES: Final = {  # smallest units of usual amounts
    "USD": (300, 25_000),
    "EUR": (300, 25_000),
    "JPY": (100, 30_000),
    "KWD": (900, 90_000),
    "CLF": (4_000, 90_000),
    "USDT": (1_000_000, 400_000_000),
    "USDC": (1_000_000, 400_000_000),
}
# kind, share; see `actors`
KINDS: Final = (
    ("managed", 0.62),
    ("sync", 0.1),
    ("customer", 0.1),
    ("hold", 0.06),
    ("stable", 0.12),
)
# first code, what the card says then, after how many declines it approves (99: never), share: as
# published base rates
DECLINES: Final = (
    ("51", "51", 0, 0.16),
    ("51", "51", 1, 0.12),
    ("51", "51", 2, 0.06),
    ("51", "51", 99, 0.1),
    ("05", "05", 0, 0.1),
    ("05", "05", 1, 0.06),
    ("05", "05", 99, 0.06),
    ("61", "61", 1, 0.04),
    ("91", "91", 0, 0.05),
    ("91", "91", 2, 0.03),
    ("51", "04", 99, 0.06),
    ("05", "14", 99, 0.04),
    ("04", "04", 99, 0.06),
    ("51", "05", 1, 0.06),
    ("05", "82", 1, 0.04),
    ("05", "54", 99, 0.03),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The same plan gives the same hash."""

    seed: int
    days: int = 30
    merchants: int = 5
    orders: int = 2000
    faults: Faults = field(default_factory=Faults)


@dataclass(slots=True)
class Deal:
    """Deal of one payment as its merchant knows it; `name` is the merchant's own id. `refunds`:
    what the answers say it gave back. `tick` of its arrival. `card`: code and declines of the
    card's script."""

    name: str
    shop: int
    kind: str
    tick: int
    units: int
    asset: str
    first_code: str
    card: tuple[str, int]
    days: int
    channel: str = ""
    order_id: UUID | None = None
    refunds: dict[UUID, int] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        return sum(self.refunds.values())


def deals_of(plan: Plan) -> Iterator[Deal]:
    """Deals in the order of their numbers."""
    for number in range(plan.orders):
        roll = dice(plan.seed, "deal", number)
        kind = roll.choices([k for k, _ in KINDS], [share for _, share in KINDS])[0]
        shop = roll.randrange(plan.merchants)
        assets = TOKENS if kind == "stable" else contract_of(shop).assets
        asset = roll.choice(assets)
        first, code, declines, _ = roll.choices(DECLINES, [row[3] for row in DECLINES])[0]
        if kind != "managed" and first not in ("05", "91"):
            first = "05"
        yield Deal(
            f"S{plan.seed}-{number:07d}",
            shop,
            kind,
            roll.randrange(plan.days * TICKS),
            roll.randint(*RANGES[asset]),
            asset,
            first,
            (code, declines),
            roll.choice((14, 21, 28) if plan.days > SHORT_DAYS else (14,)),
            roll.choice(("mock", "mock", "mock_direct")) if kind == "stable" else "",
        )


AT_ONCE: Final = 256
CLAIM_MAX: Final = 50_000
STEPS_MAX: Final = 14  # a death is drawn at one of a deed's first so many steps
_GONE_SECONDS: Final = 20.0
_NAMES: Final = """
WITH k AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS k (merchant_id, id))
SELECT k.id, o.external_id AS name FROM k JOIN orders o ON o.merchant_id = k.merchant_id
  AND o.order_id = k.id
UNION ALL SELECT k.id, o.external_id || '/' || r.kind || r.modification_no
FROM k JOIN modifications r ON r.merchant_id = k.merchant_id AND r.modification_id = k.id
JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
UNION ALL SELECT k.id, o.external_id || '/settlement'
FROM k JOIN settlements s ON s.merchant_id = k.merchant_id AND s.settlement_id = k.id
JOIN orders o ON o.merchant_id = s.merchant_id AND o.order_id = s.order_id
UNION ALL SELECT k.id, t.external_id || '/transmission'
FROM k JOIN transmissions t ON t.merchant_id = k.merchant_id AND t.transmit_id = k.id
UNION ALL SELECT k.id, concat_ws(' ', 'payout', p.asset, p.created_at)
FROM k JOIN payouts p ON p.merchant_id = k.merchant_id AND p.payout_id = k.id
UNION ALL SELECT k.id, concat_ws(' ', 'bank', p.asset, b.period_to, p.payout_no)
FROM k JOIN bank_payouts p ON p.merchant_id = k.merchant_id AND p.payout_id = k.id
JOIN settlement_batches b ON b.merchant_id = p.merchant_id AND b.batch_id = p.batch_id
UNION ALL SELECT k.id, concat_ws(' ', 'batch', b.asset, b.period_to)
FROM k JOIN settlement_batches b ON b.merchant_id = k.merchant_id AND b.batch_id = k.id
UNION ALL SELECT k.id, concat_ws('/', o.external_id, 'mail', m.notice, m.business_at, m.units)
FROM k JOIN mails m ON m.merchant_id = k.merchant_id AND m.mail_id = k.id
JOIN orders o ON o.merchant_id = m.merchant_id AND o.order_id = m.order_id
UNION ALL SELECT k.id, concat_ws('/', o.external_id, 'dispute', d.case_ref)
FROM k JOIN disputes d ON d.merchant_id = k.merchant_id AND d.dispute_id = k.id
JOIN orders o ON o.merchant_id = d.merchant_id AND o.order_id = d.order_id
"""


class Wrong(Exception):
    """Something does not hold."""


Do = Callable[[Engine], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Deed:
    """Deed done now, about the order `name`. `again`: the caller repeats it when it died. `only`:
    the steps at which it may die, where not all. `wallet`: from which it takes; who comes first
    gets what is there."""

    kind: str
    name: str
    do: Do
    again: bool = True
    only: frozenset[str] = frozenset()
    wallet: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant of the simulation. `tokens`: by the script of their card."""

    number: int
    scope: Scope
    tokens: dict[tuple[str, int], UUID]


@dataclass
class Sim:
    plan: Plan
    outside: Outside
    engine: Engine
    owner: asyncpg.Connection
    shops: list[Shop] = field(default_factory=list)
    deals: dict[str, Deal] = field(default_factory=dict)
    by_tick: dict[int, list[Deal]] = field(
        default_factory=lambda: defaultdict(list)
    )  # of their arrival
    names: dict[UUID, str] = field(default_factory=dict)  # order -> the merchant's own id
    later: dict[int, list[Deed]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)  # what was done, and how it ended
    deaths: Counter[str] = field(default_factory=Counter)  # where processes died
    completed: list[Deal] = field(default_factory=list)  # from today's feed
    adjusted: Counter[tuple[int, str]] = field(
        default_factory=Counter
    )  # merchant, asset -> units, by hand
    read: Counter[int] = field(default_factory=Counter)  # merchant -> how far it has read its feed
    kept: dict[str, str] = field(
        default_factory=dict
    )  # order -> its dispute's state in the issuer's table
    pages: dict[UUID, int] = field(
        default_factory=dict
    )  # merchant -> the last page that was summed

    def now(self) -> datetime:
        return self.outside.clocks.wall()

    def started_at(self, tick: int) -> datetime:
        return START + tick * timedelta(days=1) / TICKS

    def chance(self, share: float, *about: object) -> bool:
        return share > 0 and dice(self.plan.seed, *about).random() < share

    def admitted(self, deal: Deal, order_id: UUID) -> None:
        deal.order_id = order_id
        self.names[order_id] = deal.name
        self.outside.book.names[order_id] = deal.name

    async def perform(self, deeds: Iterable[Deed]) -> None:
        """All of them, at this instant; those about one order, or one wallet, one after another."""
        left = sorted(deeds, key=lambda deed: (deed.kind, deed.name))
        while left:
            seen: set[object] = set()
            now: list[Deed] = []
            later: list[Deed] = []
            for deed in left:
                about = {deed.name, deed.wallet} - {None}
                (later if about & seen else now).append(deed)
                seen |= about
            crash = self.plan.faults.crash
            doomed = [self.chance(crash, "crash", d.kind, d.name, self.now()) for d in now]
            spared = [deed for deed, dies in zip(now, doomed, strict=True) if not dies]
            for first in range(0, len(spared), AT_ONCE):
                await self._together(spared[first : first + AT_ONCE])
            for deed, dies in zip(now, doomed, strict=True):
                if dies:
                    await self._die(deed)
            left = later

    async def _together(self, deeds: Sequence[Deed]) -> None:
        answers = await asyncio.gather(
            *(deed.do(self.engine) for deed in deeds), return_exceptions=True
        )
        await self._quiet()
        for deed, answer in zip(deeds, answers, strict=True):
            self._count(deed, answer)

    def _count(self, deed: Deed, answer: Any) -> None:
        if isinstance(answer, Problem):
            self.counts[f"{deed.kind}: {answer.facts.get('detail') or answer.code}"] += 1
        elif isinstance(answer, Exception):
            frame = traceback.extract_tb(answer.__traceback__)[-1]
            where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
            raise Wrong(f"{deed.kind} {deed.name} failed: {in_words(answer)} at {where}")
        elif isinstance(answer, BaseException):
            raise answer
        else:
            self.counts[deed.kind] += 1

    async def _quiet(self) -> None:
        """Waits while what callers gave up waiting for goes on; time stands still until it is
        done."""
        own = {asyncio.current_task(), self.engine.world.db._trimmer}
        while left := asyncio.all_tasks() - own:
            await asyncio.wait(left, timeout=60)

    async def _die(self, deed: Deed) -> None:
        roll = dice(self.plan.seed, "death", deed.kind, deed.name, self.now())
        killer = Killer(
            roll.randint(1, 2 if deed.only else STEPS_MAX),
            after=roll.random() < 0.5,
            only=deed.only,
        )
        dying = await start(self.outside, killer)
        answer = await run_until_killed(killer, deed.do(dying))
        died = killer.dead.is_set()
        await dying.world.db.close()
        await self._gone(killer)
        if not died:
            self._count(deed, answer)
            return
        self.deaths[
            f"{deed.kind} {'after' if killer.after else 'before'} {killer.at}: "
            f"{killer.step_names[-1]}"
        ] += 1
        if deed.again:
            await self._together([deed])

    async def _gone(self, killer: Killer) -> None:
        """A server notices after a moment that a process is gone; its locks go then."""
        killer.die()
        until = asyncio.get_running_loop().time() + _GONE_SECONDS
        while await self.owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)", killer.pids
        ):
            if asyncio.get_running_loop().time() > until:
                raise Problem("internal", "The connections of a dead process do not end.")
            await asyncio.sleep(0.002)

    async def work_due(self) -> None:
        """Whatever is due now, kind by kind, until nothing is."""
        while True:
            async with self.engine.world.db.connection() as connection:
                batch = await claim(connection, self.outside.clocks.wall(), CLAIM_MAX)
            if not batch:
                return
            names = await self._names_of(batch)
            for kind in FLOWS:
                one = [(due, names[due.subject_id]) for due in batch if due.kind == kind]
                await self.perform(self._deed(due, name) for due, name in one)
                late = [
                    d
                    for d in one
                    if self.chance(self.plan.faults.twice, "twice", kind, d[1], self.now())
                ]
                self.counts["work done twice"] += len(late)
                await self.perform(self._deed(due, name) for due, name in late)

    def _deed(self, due: Due, name: str) -> Deed:
        def do(engine: Engine) -> Awaitable[Any]:
            if engine is self.engine:
                return run_one(engine.world, engine.orders, due)
            return FLOWS[due.kind](engine.world, engine.orders, due)

        return Deed(f"due {due.kind}", name, do, again=False)

    async def _names_of(self, batch: Sequence[Due]) -> dict[UUID, str]:
        """Names of what each piece is about, in words that do not depend on our ids."""
        names = {
            due.subject_id: self.names[due.subject_id]
            for due in batch
            if due.subject_id in self.names
        }
        others = [due for due in batch if due.subject_id not in names]
        if others:
            ids = [due.merchant_id for due in others], [due.subject_id for due in others]
            found = {row["id"]: row["name"] for row in await self.owner.fetch(_NAMES, *ids)}
            for due in others:
                names[due.subject_id] = (
                    f"{self._shop_of(due.merchant_id)}:{found.get(due.subject_id, due.kind)}"
                )
        return names

    def _shop_of(self, merchant_id: UUID) -> int:
        return next((s.number for s in self.shops if s.scope.merchant_id == merchant_id), -1)
