"""Cards that several merchants try at once, far more often than networks allow; `issuers_book`
judges.

The driver plans attempts at will, so that the gate and not the policy is what stops a send. Its
process may be killed at any moment: what it knows stands in a journal, and the next one goes on.
"""

import asyncio
import hashlib
import hmac
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.hammer_plan import DAYS_APART_MAX, Merchant, Plan
from tests.hammered_issuer import CHARGED, Issuer, Mark
from tests.issuers_book import CameIn, Seen

from recoup.db.pool import Database
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import Clocks
from recoup.kit.world import World
from recoup.main.open_world import OpenWorld
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.merchants.store.merchants import move_clock
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.outside.keys.keyring import Keyring
from recoup.rescue.flows.due import start
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Job, Orders
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import EvaluateRequest, Person
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.moves.ending import release
from recoup.rescue.moves.plan import plan_attempt

# Numbers count for real here (no identity of their own in each order), so that merchants share
# cards.
POLICY = Policy(
    magic_inputs=False,
    expiry_max=timedelta(days=20_000),
    call_timeout=timedelta(seconds=0.5),
    settled_after=timedelta(seconds=0.1),
)
LIFE = timedelta(days=9_000)
AMOUNTS = (4_590, 4_590, 4_590, 9_900)
SENDS_OF_AN_ORDER_MAX = 14
NEVER = "never"


@dataclass
class Held:
    """One order in work."""

    merchant: Merchant
    order_id: UUID
    sent: int = 0


class Hammer:
    """One process: a world, orders, and tasks that try them all at once."""

    def __init__(self, plan: Plan, world: World, seen: Seen) -> None:
        self.plan, self.world, self.seen = plan, world, seen
        self.orders, self.merchants = Orders(world), Merchants(world)
        self.evaluate = Evaluate(world, self.orders, self.merchants, Vault(world))
        self.dice = random.Random(plan.seed)
        self.work: list[Held] = []
        self.answered = 0
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

    # orders
    # ----------------------------------------------------------------------------------------------

    async def _new_order(self) -> None:
        merchant, pan = self.dice.choice(self.plan.merchants), self.dice.choice(self.plan.cards)
        number, units = new_id().hex, self.dice.choice(AMOUNTS)
        now = (await self._merchant(merchant)).business(self.world.clocks.wall())
        at = now - timedelta(hours=self.dice.randint(0, 60))
        given = EvaluateRequest(
            external_id=number,
            key=number,
            is_mit=True,
            order_source="ecommerce",
            expires_at=now + LIFE,
            units=units,
            currency="USD",
            token_id=None,
            pan=pan,
            cvv="",
            exp_month=9,
            exp_year=2031,
            transaction_id=number,
            decline={"code": "51", "source": "", "text": "", "advice": None, "at": at.isoformat()},
            site_id=None,
            site_url=None,
            descriptor=None,
            payer=Person(email=f"{number}@example.test"),
            facts={},
        )
        scope = Scope(merchant.merchant_id, Actor("api", "hammer"), "hammer")
        try:
            word = await self.evaluate.evaluate(scope, given)
        except Problem:
            return await self._new_order()
        await start(self.orders, (merchant.merchant_id, word.order_id))
        mac = hmac.digest(self._mac_key, pan.encode(), hashlib.sha256).hex()
        self.seen.decline(
            CameIn(
                mac,
                str(merchant.merchant_id),
                "USD",
                units,
                "merchant",
                merchant.acceptor,
                at.timestamp(),
                time.monotonic_ns(),
            )
        )
        self.work.append(Held(merchant, word.order_id))
        return None

    async def _merchant(self, merchant: Merchant) -> Any:
        return (await self.merchants.get(merchant.merchant_id)).merchant

    # sends
    # ----------------------------------------------------------------------------------------------

    async def _try(self) -> None:
        """Takes an order, and in its turn tries it now, whatever its plan says."""
        while self.answered < self.plan.sends:
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
            if change.order.attempt_in_flight() is None:
                plan_attempt(change, change.now, "soft", None)
            return change.order.stage

        mark = Mark(self.seen, time.monotonic_ns())
        token = CHARGED.set(mark)
        try:
            stage = await self.orders.change(
                Job(key, at_once, Actor("operator", "hammer"), "hammer")
            )
            mark.began = time.monotonic_ns()
            state = await send_attempt(self.world, self.orders, key) if stage != NEVER else None
        except Problem:
            return True
        finally:
            CHARGED.reset(token)
            self.seen.turn(refused=not mark.ids)
        held.sent += len(mark.ids)
        if state in ("approved", "declined"):
            self.answered += len(mark.ids)
            for one in mark.ids:
                self.seen.ended(str(one), time.monotonic_ns())
        return (
            stage != NEVER and state != "approved" and (bool(mark.ids) or self.dice.random() < 0.7)
        )

    # the world moves on
    # ---------------------------------------------------------------------------------------------

    async def _clocks(self) -> None:
        """Business time goes on with the sends, for each merchant by leaps of its own; none gets
        too far ahead."""
        rows = await self.world.db.fetch("SELECT merchant_id, offset_us FROM merchants")
        ahead = {row["merchant_id"]: row["offset_us"] for row in rows}
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
        return self.answered + 0.3 * self.seen.refused

    async def _ask(self) -> None:
        """What nobody knows the outcome of is asked about, as the worker does."""
        sql = (
            "SELECT merchant_id, subject_id FROM due_work WHERE kind = 'inquire' AND due_at <= "
            "now() LIMIT 50"
        )
        while True:
            await asyncio.sleep(0.3)
            try:
                rows = await self.world.db.fetch(sql)
                keys = [(r["merchant_id"], r["subject_id"]) for r in rows]
                await asyncio.gather(*(inquire(self.world, self.orders, key) for key in keys))
            except Problem:
                continue


@asynccontextmanager
async def hammer(plan: Plan, seen: Seen) -> AsyncIterator[Hammer]:
    db = await Database(plan.dsn, size=8, name="hammer").open()
    keys = Keyring(plan.material)
    issuer = Issuer(
        plan.dsn, mac_key=keys.mac("issuer", b"book"), acceptor_id="sandbox", connections=6
    )
    world = OpenWorld(
        name="sandbox",
        db=db,
        keys=keys,
        processors={issuer.name: issuer},
        web=None,
        clocks=Clocks(),
        policy=POLICY,
    )
    try:
        yield Hammer(plan, world, seen)
    finally:
        await issuer.close()
        await db.close()


async def hammer_once(plan: Plan) -> Seen:
    with _noting(plan.journal) as seen:
        async with hammer(plan, seen) as one:
            return await one.run()


@contextmanager
def _noting(journal: str | None) -> Iterator[Seen]:
    if journal is None:
        yield Seen()
        return
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield Seen(journal=file)
    finally:
        os.close(file)


def in_a_process_of_its_own(plan: Plan) -> None:
    asyncio.run(hammer_once(plan))
