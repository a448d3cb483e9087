"""Cards that several merchants try at once, far more often than networks allow, and a judge that knows no rule of ours.

The driver plans attempts at will, so that the gate and not the policy is what stops a send. The judge reads the sandbox
issuer's own book and counts: it imports nothing of what it judges.
"""

import asyncio
import hashlib
import hmac
import random
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.flows.cards.due import start
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.inquire import inquire
from recoup.flows.cards.send import send_attempt
from recoup.flows.cards.taken import Declined, Person
from recoup.flows.cards.tokenize import Vault
from recoup.flows.known import Merchants
from recoup.flows.locked import Job, Orders
from recoup.flows.merchants.make_merchant import NewSite, make_merchant
from recoup.gateways.cards.sandbox.book import Past
from recoup.gateways.cards.sandbox.processor import SandboxProcessor
from recoup.gateways.keys.keyring import Keyring
from recoup.gateways.keys.material import Material
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import Clocks
from recoup.kernel.world import Policy, World
from recoup.moves.change import Change
from recoup.moves.end_order import release
from recoup.moves.plan_attempts import plan_attempt
from recoup.rules.network.magic import Answer, script_card
from recoup.rules.order.lifecycle import Stage
from recoup.store.pool import Database
from recoup.store.write.merchants import move_clock

# Numbers count for real here (no identity of their own in each order), so that merchants share cards.
POLICY = Policy(
    magic_inputs=False, expiry_max=timedelta(days=20_000), call_timeout=timedelta(seconds=0.5),
    settled_after=timedelta(seconds=0.1),
)  # fmt: skip
LIFE = timedelta(days=9_000)
AMOUNTS = (4_590, 4_590, 4_590, 9_900)
SENDS_OF_AN_ORDER_MAX = 14
DAYS_APART_MAX = 15
NEVER = "never"
CHARGED: ContextVar["Mark | None"] = ContextVar("CHARGED", default=None)


@dataclass
class Mark:
    """When one send was begun and when its answer was committed: nanoseconds of the machine's monotonic clock."""

    began: int
    ids: list[UUID] = field(default_factory=list)


@dataclass
class Seen:
    """What the driver knows and the issuer's book does not: moments, and the declines that came in."""

    sends: dict[str, tuple[int, int]] = field(default_factory=dict)  # attempt -> began, ended
    came_in: list[tuple[str, str, int, str, str, float, int]] = field(default_factory=list)
    refused: int = 0
    tried: int = 0

    def add(self, other: "Seen") -> None:
        self.sends |= other.sends
        self.came_in += other.came_in
        self.refused, self.tried = self.refused + other.refused, self.tried + other.tried


class Issuer(SandboxProcessor):
    """The sandbox's issuer with a temper of its own: soft declines mostly, some bans, waits, silences and losses."""

    lost: set[UUID] = set()

    async def charge(self, charge: Any) -> Any:
        mark = CHARGED.get()
        if mark is not None:
            mark.ids.append(charge.id)
        return await super().charge(charge)

    def _answer(self, charge: Any, past: Past) -> Answer:
        dice = random.Random(charge.id.int)
        roll, mastercard = dice.random(), charge.card.scheme == "mastercard"
        no = Answer(False, {"amex": "116"}.get(charge.card.scheme, "51"))
        if roll < 0.0012 and charge.card.scheme in ("visa", "mastercard"):
            if mastercard:
                return Answer(False, "05", dice.choice(("03", "21")))
            return Answer(False, dice.choice(("04", "41", "14", "R1", "R3")))
        if roll < 0.0022:
            return Answer(True, "00")
        if roll < 0.0052:
            return Answer(no.approved, no.code, fault="silent")
        if roll < 0.0058:
            return Answer(no.approved, no.code, fault="hidden")
        if roll < 0.0062 and charge.id not in self.lost:
            self.lost.add(charge.id)
            return Answer(no.approved, no.code, fault="lost")
        if roll < 0.0082:
            return Answer(no.approved, no.code, fault="duplicate")
        if roll < 0.0122 and mastercard:
            return Answer(False, "51", dice.choice(("24", "25", "26")))
        return no


@dataclass(frozen=True)
class Merchant:
    """`behind`: how far its clock stands behind the wall at first."""

    merchant_id: UUID
    site_id: UUID
    acceptor: str
    behind_us: int


@dataclass(frozen=True)
class Plan:
    """What one process hammers. Picklable: processes of the operating system take it too."""

    dsn: str
    material: Material
    merchants: tuple[Merchant, ...]
    cards: tuple[str, ...]
    seed: int
    sends: int
    orders_at_once: int = 200
    tasks: int = 48
    sends_in_a_window: int = 40  # of a card in 30 days, roughly: what the clocks' pace is made of


@dataclass
class Held:
    """One order in work."""

    merchant: Merchant
    order_id: UUID
    sent: int = 0


class Hammer:
    """One process: a world, orders, and tasks that try them all at once."""

    def __init__(self, plan: Plan, world: World) -> None:
        self.plan, self.world = plan, world
        self.orders, self.merchants = Orders(world), Merchants(world)
        self.evaluate = Evaluate(world, self.orders, self.merchants, Vault(world))
        self.dice = random.Random(plan.seed)
        self.work: list[Held] = []
        self.seen = Seen()
        self.issued = 0
        self._mac_key = world.keys.mac("issuer", b"book")

    async def run(self) -> Seen:
        await asyncio.gather(*(self._new_order() for _ in range(self.plan.orders_at_once)))
        clocks = asyncio.create_task(self._clocks())
        asking = asyncio.create_task(self._ask())
        await asyncio.gather(*(self._try() for _ in range(self.plan.tasks)))
        clocks.cancel()
        asking.cancel()
        await asyncio.gather(clocks, asking, return_exceptions=True)
        return self.seen

    # orders -------------------------------------------------------------------------------------------------------

    async def _new_order(self) -> None:
        merchant, pan = self.dice.choice(self.plan.merchants), self.dice.choice(self.plan.cards)
        number, units = new_id().hex, self.dice.choice(AMOUNTS)
        now = (await self._merchant(merchant)).business(self.world.clocks.wall())
        at = now - timedelta(hours=self.dice.randint(0, 60))
        given = Declined(
            external_id=number, key=number, is_mit=True, order_source="ecommerce", expires_at=now + LIFE, units=units,
            currency="USD", token_id=None, pan=pan, cvv="", exp_month=9, exp_year=2031, transaction_id=number,
            decline={"code": "51", "source": "", "text": "", "advice": None, "at": at.isoformat()}, site_id=None,
            site_url=None, descriptor=None, payer=Person(email=f"{number}@example.test"), facts={},
        )  # fmt: skip
        scope = Scope(merchant.merchant_id, Actor("api", "hammer"), "hammer")
        try:
            word = await self.evaluate.evaluate(scope, given)
        except Problem:
            return await self._new_order()
        await start(self.orders, (merchant.merchant_id, word.order_id))
        mac = hmac.digest(self._mac_key, pan.encode(), hashlib.sha256).hex()
        self.seen.came_in.append(
            (mac, "USD", units, "merchant", merchant.acceptor, at.timestamp(), time.monotonic_ns())
        )
        self.work.append(Held(merchant, word.order_id))
        return None

    async def _merchant(self, merchant: Merchant) -> Any:
        return (await self.merchants.get(merchant.merchant_id)).merchant

    # sends --------------------------------------------------------------------------------------------------------

    async def _try(self) -> None:
        """Takes an order, and in its turn tries it now, whatever its plan says."""
        while self.issued < self.plan.sends:
            if not self.work:
                await self._new_order()
                continue
            order = self.work.pop(self.dice.randrange(len(self.work)))
            again = await self._once(order)
            if again and order.sent < SENDS_OF_AN_ORDER_MAX:
                self.work.append(order)
            else:
                await self._new_order()

    async def _once(self, held: Held) -> bool:
        key = (held.merchant.merchant_id, held.order_id)

        def at_once(change: Change) -> str:
            if change.order.stage is Stage.HELD:
                release(change)
            if change.order.stage is not Stage.PROCESSING:
                return NEVER
            if change.order.going() is None:
                plan_attempt(change, change.now, "soft", None)
            return change.order.stage

        mark = Mark(time.monotonic_ns())
        token = CHARGED.set(mark)
        self.seen.tried += 1
        try:
            stage = await self.orders.change(Job(key, at_once, Actor("operator", "hammer"), "hammer"))
            mark.began = time.monotonic_ns()
            state = await send_attempt(self.world, self.orders, key) if stage != NEVER else None
        except Problem:
            return True
        finally:
            CHARGED.reset(token)
        ended = time.monotonic_ns()
        for one in mark.ids:
            self.seen.sends[str(one)] = (mark.began, ended if state in ("approved", "declined") else 0)
            self.issued += 1
            held.sent += 1
        self.seen.refused += not mark.ids
        return stage != NEVER and state != "approved" and (bool(mark.ids) or self.dice.random() < 0.7)

    # the world moves on ---------------------------------------------------------------------------------------------

    async def _clocks(self) -> None:
        """Business time goes on with the sends, for each merchant by leaps of its own; none gets too far ahead."""
        ahead = {m.merchant_id: -m.behind_us for m in self.plan.merchants}
        before = self._pace()
        window = len(self.plan.cards) * self.plan.sends_in_a_window
        while True:
            await asyncio.sleep(0.1)
            gone = timedelta(days=30) * ((self._pace() - before) / window)
            before = self._pace()
            for merchant in self.plan.merchants:
                leap = gone * self.dice.uniform(0, 2)
                if self.dice.random() < 0.01:
                    leap += timedelta(days=self.dice.uniform(0, 8))
                slowest = min(ahead.values())
                limit = slowest + round(timedelta(days=DAYS_APART_MAX) / timedelta(microseconds=1))
                mine = ahead[merchant.merchant_id]
                mine = max(mine, min(limit, mine + round(leap / timedelta(microseconds=1))))
                ahead[merchant.merchant_id] = mine
                async with self.world.db.connection() as connection:
                    await move_clock(connection, merchant.merchant_id, mine)

    def _pace(self) -> float:
        """Tries that were stopped move the clocks on too, or nothing would be sent any more."""
        return self.issued + 0.3 * self.seen.refused

    async def _ask(self) -> None:
        """What nobody knows the outcome of is asked about, as the worker does."""
        sql = "SELECT merchant_id, subject_id FROM due_work WHERE kind = 'inquire' AND due_at <= now() LIMIT 50"
        while True:
            await asyncio.sleep(0.3)
            try:
                rows = await self.world.db.fetch(sql)
                keys = [(r["merchant_id"], r["subject_id"]) for r in rows]
                await asyncio.gather(*(inquire(self.world, self.orders, key) for key in keys))
            except Problem:
                continue


@asynccontextmanager
async def hammer(plan: Plan) -> AsyncIterator[Hammer]:
    db = await Database(plan.dsn, size=8, name="hammer").open()
    keys = Keyring(plan.material)
    issuer = Issuer(plan.dsn, mac_key=keys.mac("issuer", b"book"), acceptor_id="sandbox", connections=6)
    world = World(
        name="sandbox", db=db, keys=keys, processors={issuer.name: issuer}, web=None, clocks=Clocks(), policy=POLICY,
    )  # fmt: skip
    try:
        yield Hammer(plan, world)
    finally:
        await issuer.close()
        await db.close()


async def hammer_once(plan: Plan) -> Seen:
    async with hammer(plan) as one:
        return await one.run()


def in_a_process_of_its_own(plan: Plan) -> Seen:
    return asyncio.run(hammer_once(plan))


def cards(visa: int, mastercard: int, amex: int) -> tuple[str, ...]:
    """So many numbers of each scheme."""
    wanted = (("visa", "51", visa), ("mastercard", "51", mastercard), ("amex", "116", amex))
    return tuple(script_card(name, code, 99, serial + 1) for name, code, count in wanted for serial in range(count))


async def make_merchants(world: World, count: int, dice: random.Random) -> tuple[Merchant, ...]:
    """Of two acceptors, with clocks that stand apart by up to DAYS_APART_MAX days."""
    made = []
    for number in range(count):
        merchant_id, site_id = new_id(), new_id()
        behind = timedelta(days=20 + dice.uniform(0, DAYS_APART_MAX))
        site = NewSite(site_id, "https://leaf.example.test", "Leaf", "LEAF")
        await make_merchant(world, merchant_id, f"Merchant {number}", (site,), partner_id=None, clock_behind=behind)
        acceptor = ("acceptor one", "acceptor two")[number % 2]
        await world.db.execute("UPDATE merchants SET acceptor_id = $2 WHERE merchant_id = $1", merchant_id, acceptor)
        made.append(Merchant(merchant_id, site_id, acceptor, round(behind / timedelta(microseconds=1))))
    return tuple(made)


# the judge ------------------------------------------------------------------------------------------------------------

HOURS_24, DAYS_30 = 24 * 3600.0, 30 * 24 * 3600.0
BANS = {"visa": {"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"}}
STOPS = {"R0", "R1", "R3"}  # bind the merchant that was stopped; the other bans bind the card for all
ADVICE = {"03", "21"}


@dataclass(frozen=True)
class Verdict:
    """What the book says. `worst`: for each rule the fullest window found."""

    sends: int
    judged: int
    breaches: tuple[str, ...]
    worst: dict[str, int]
    bans: int


async def judge(connection: Any, seen: Seen) -> Verdict:
    rows = await connection.fetch(
        "SELECT DISTINCT c.id, encode(c.card_mac, 'hex') AS card, c.scheme, c.units, c.currency, c.initiator,"
        " c.acceptor_id, c.merchant_id, extract(epoch FROM c.sent_at)::float8 AS at, s.decision, s.scheme_code,"
        " s.advice_code FROM issuer.calls c LEFT JOIN issuer.sends s ON s.id = c.id WHERE c.kind = 'charge'"
    )
    breaches, worst = [], defaultdict[str, int](int)
    windows: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows:
        what = (row["currency"], row["units"], row["initiator"], row["acceptor_id"])
        for key in _keys(row["card"], row["scheme"], *what):
            windows[key].append(row)
    schemes = {row["card"]: row["scheme"] for row in rows}
    came_in: dict[tuple[Any, ...], list[tuple[float, int]]] = defaultdict(list)
    for card, currency, units, initiator, acceptor, at, known in seen.came_in:
        for key in _keys(card, schemes.get(card, ""), currency, units, initiator, acceptor):
            came_in[key].append((at, known))
    for key, sends in windows.items():
        rule, span, most = key[0], key[1], key[2]
        times = sorted(row["at"] for row in sends)
        declines = sorted(came_in.get(key, ()))
        for row in sends:
            at = row["at"]
            count = bisect_right(times, at) - bisect_right(times, at - span)
            began = seen.sends.get(str(row["id"]), (0, 0))[0]
            first = bisect_right(declines, (at - span, 1 << 62))
            last = bisect_right(declines, (at, 1 << 62))
            count += sum(known < began for _, known in declines[first:last])
            worst[rule] = max(worst[rule], count)
            if count > most:
                breaches.append(f"{rule}: {count} in the window of {row['id']} at {datetime.fromtimestamp(at)}")  # noqa: DTZ006
    bans, after = _after_bans(rows, seen)
    return Verdict(len({r["id"] for r in rows}), len(seen.sends), (*breaches, *after), dict(worst), bans)


def _keys(
    card: str, scheme: str, currency: str, units: int, initiator: str, acceptor: str
) -> list[tuple[Any, ...]]:
    if scheme == "visa":
        return [("visa 20 in 30 days", DAYS_30, 20, card, units, currency, initiator)]
    if scheme == "mastercard":
        return [
            ("mastercard 10 in 24 hours", HOURS_24, 10, card, acceptor),
            ("mastercard 35 in 30 days", DAYS_30, 35, card, acceptor, units, currency),
        ]
    return [(f"{scheme} 20 in 30 days", DAYS_30, 20, card, units, currency)]


def _after_bans(rows: Sequence[Any], seen: Seen) -> tuple[int, list[str]]:
    """Sends that were begun after a ban was known. Only declines whose moment the driver saw can be held against it."""
    bans: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    count = 0
    for row in rows:
        ended = seen.sends.get(str(row["id"]), (0, 0))[1]
        if row["decision"] != "declined" or not ended:
            continue
        if row["scheme"] == "mastercard" and row["advice_code"] in ADVICE:
            bans[row["card"], row["acceptor_id"]].append(ended)
        elif row["scheme_code"] in BANS.get(row["scheme"], ()):
            scope = row["merchant_id"] if row["scheme_code"] in STOPS else None
            bans[row["card"], scope].append(ended)
        else:
            continue
        count += 1
    found = []
    for known in bans.values():
        known.sort()
    for row in rows:
        began = seen.sends.get(str(row["id"]), (0, 0))[0]
        for key in ((row["card"], row["acceptor_id"]), (row["card"], row["merchant_id"]), (row["card"], None)):
            if began and bisect_left(bans.get(key, ()), began) > 0:
                found.append(f"{row['scheme']}: {row['id']} was sent after the card was barred")
    return count, found
