"""One story on one route over HTTP, whose worker is killed with SIGKILL again and again while the
stand-in errs: declined, tried again, approved, captured whole and in parts, refunded in parts and
the rest, disputed with evidence, won and lost and accepted, and both books compared to 0.00."""

import asyncio
import csv
import io
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from tests.comparing import person
from tests.kills.vendor_worker import POLICY, Life, hurry, route_of
from tests.rescue.flows.test_card_limits import plan_now
from tests.worlds import KEYRING, OwnWorld, Shop, change_world, make_shop, owner, sandbox_world

from recoup.bank.rules.reading import Reading
from recoup.db.server import ServerAddress
from recoup.disputes.flows.answer import answer_dispute, note_evidence
from recoup.disputes.flows.receive import notice_key, receive
from recoup.insight.flows.verify import verify
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.notices.flows.receive import has_own_notices, take
from recoup.onboarding.flows.register import register
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.outside.inbound import signed
from recoup.processors.gateways.connector import is_connector
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.port import StatementLine
from recoup.reconciliation.flows.book_differences import book_lines
from recoup.reconciliation.flows.reconcile import File, reconcile
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.due import start
from recoup.rescue.moves.capture import ask_capture, release_rest
from recoup.rescue.moves.ending import release
from recoup_lab.processors.faults import Fault, Faults
from recoup_lab.processors.serving import Posted

LOST: Final = 0.1
QUIET_SECONDS_MAX: Final = 400.0
STILL_SECONDS: Final = (
    20.0  # without a call: on a loaded machine a life is too short to do anything in
)
TAKEN: Final = """SELECT jsonb_object_agg(a.key, coalesce((SELECT sum(c.units) FROM modifications c
    WHERE c.attempt_id = a.attempt_id AND c.kind = 'capture' AND c.state = 'done'), a.units))
    FROM attempts a WHERE a.state = 'approved'"""
ROUNDS_MAX: Final = 12
REFUNDS: Final = ("1.00", "2.50")
PARTS: Final = (
    1_500,
    900,
)  # of an amount that is held; then the last part, or what is left is let go
LAST: Final = 700
SIGNS: Final = {"charge": 1, "dispute_won": 1} | dict.fromkeys(
    ("refund", "dispute", "dispute_fee", "fee", "partial_capture_reversal"), -1
)


class _Counted(Faults):
    """`met`: so many calls met one."""

    met = 0

    def of(self, call: str) -> Fault | None:
        found = super().of(call)
        self.met += found is not None
        return found


@dataclass
class Figures:
    kills: int = 0
    calls: int = 0
    lost: int = 0
    charges: int = 0
    captures: int = 0
    parts: int = 0
    let_go: int = 0
    refunds: int = 0
    disputes: int = 0
    seconds: float = 0.0

    def text(self, name: str) -> str:
        return (
            f"{name}: {self.charges} charges ({self.captures} of them held, captured in "
            f"{self.parts} parts,"
            f" {self.let_go} with a rest let go), {self.refunds} refunds, {self.disputes} "
            f"disputes, {self.calls} calls"
            f" of which {self.lost} met a fault, {self.kills} kills -9 in {self.seconds:.0f} s"
        )


class Route(ABC):
    """A kind of route before its stand-in. `on`: the calls that the faults meet; `kinds`: those
    faults. `several`: a hold may be captured several times; `answers`: disputes are answered by it.
    """

    kind: str
    on: str = "POST"
    kinds: tuple[str, ...] = ("lost",)
    several = False
    answers = True
    standin: Any
    merchant_id = ""

    @abstractmethod
    async def start(self, folder: Path, faults: Faults) -> None: ...

    @abstractmethod
    def connection(self) -> Connection: ...

    @abstractmethod
    def credential(self, number: int) -> dict[str, Any]:
        """Of an order, declined at first: what `Shop.admit` takes."""

    @abstractmethod
    def approve_all(self) -> None: ...

    @abstractmethod
    def taken(self) -> Counter[str]:
        """Our id -> units, of every charge in their book that took money."""

    @abstractmethod
    def given_back(self) -> list[tuple[str, int]]: ...

    def settle(self) -> None:  # noqa: B027 - some have nothing to do
        """Whatever is due there is done."""

    def notices(self) -> list[Posted]:
        """In the vendor's signature and shape."""
        return []

    def told(self) -> list[Posted]:
        """By the installation's own key."""
        return []

    def dispute(self, key: str) -> None:
        raise NotImplementedError

    def decide(self, key: str, *, won: bool) -> None:
        """The dispute of that charge, which was contested."""
        raise NotImplementedError

    def more_lines(self) -> list[StatementLine]:
        """Beside those of its book: what an acquirer took and gave back."""
        return []

    def our_lines(self) -> list[StatementLine] | None:
        """Of a route whose book cannot be read: what its operator would write down."""
        return None


@dataclass
class Killing:
    """A worker that is always there, and never for long. `rest`: seconds between its deaths;
    `slower`: times that."""

    life: Life
    draws: random.Random
    rest: tuple[float, float]
    figures: Figures
    process: ForkServerProcess | None = None
    stopping: bool = False
    slower: int = 1

    async def run(self, world: OwnWorld) -> None:
        while not self.stopping:
            self.process = await asyncio.to_thread(self.life.begin)
            until = time.monotonic() + self.draws.uniform(*self.rest) * self.slower
            while time.monotonic() < until and not self.stopping:
                await asyncio.sleep(0.02)
                assert self.process.is_alive(), "the worker ended by itself"
            self.process.kill()
            await asyncio.to_thread(self.process.join)
            self.figures.kills += 1
            async with owner(world) as connection:  # its leases last for a minute: they run out now
                await connection.execute("UPDATE due_work SET lease_until = NULL")


async def tell(
    server: ServerAddress,
    route: Route,
    folder: Path,
    *,
    orders: int,
    seed: int,
    rest: tuple[float, float],
) -> Figures:
    began, figures, draws = time.monotonic(), Figures(), random.Random(seed)
    hurry()
    faults = _Counted(seed)
    await route.start(folder, faults)
    async with sandbox_world(server, policy=POLICY) as made:
        world, own = made[0], dict(made[0].processors)
        shop = await make_shop(*made)
        await register(world, shop.merchant_id)
        route.merchant_id = str(shop.merchant_id)
        connection = route.connection()
        life = Life(world.dsn, world.people_dsn, KEYRING._material, route.kind, connection)
        processor = route_of(life)
        change_world(world, processors={connection.name: processor})
        killing = Killing(life, draws, rest, figures)
        task = asyncio.create_task(killing.run(world))
        story = _Story(
            shop, route, connection.name, processor, faults, draws, figures, killing, task
        )
        try:
            await story.play(orders)
            killing.stopping = True
            await task
            await story.compare()
        finally:
            killing.stopping = True
            await asyncio.gather(task, return_exceptions=True)
            change_world(world, processors=own)
            await processor.close()  # type: ignore[attr-defined]
            await route.standin.stop()
    figures.calls, figures.lost = len(route.standin.calls), faults.met
    figures.seconds = time.monotonic() - began
    return figures


@dataclass
class _Story:
    shop: Shop
    route: Route
    name: str
    processor: Any
    faults: Faults
    draws: random.Random
    figures: Figures
    killer: Killing
    killing: "asyncio.Task[None]"
    waiting: list[tuple[Posted, bool]] = field(default_factory=list)

    async def play(self, count: int) -> None:
        for kind in self.route.kinds:
            self.faults.add(kind, self.route.on, times=None, share=LOST / len(self.route.kinds))
        made = [await self._admitted(number) for number in range(count)]
        await self._tried(
            made, "SELECT count(DISTINCT order_id) FROM attempts WHERE state = 'declined'"
        )
        self.route.approve_all()
        await self._tried(
            made, "SELECT count(DISTINCT order_id) FROM attempts WHERE state = 'approved'"
        )
        await self._captured()
        self.route.settle()
        for amount in REFUNDS:
            for order_id in made[::2]:
                await refund(
                    self.shop.world,
                    self.shop.orders,
                    self.shop.scope,
                    order_id,
                    RefundRequest(amount=amount),
                )
        await self._quiet()
        for order_id in made[::6]:
            await refund(
                self.shop.world,
                self.shop.orders,
                self.shop.scope,
                order_id,
                RefundRequest(all=True),
            )
        await self._quiet()
        self.route.settle()
        await self._disputed(made[1::4])
        self.route.settle()
        await self._quiet()

    async def _admitted(self, number: int) -> UUID:
        """Every third amount is only held at first."""
        facts = {"transaction_type": "AUTHORIZATION"} if number % 3 == 0 else {}
        more = self.route.credential(number)
        request = await self.shop.declined(units=4_000 + number, facts=facts, **more)
        for _ in range(ROUNDS_MAX):
            try:
                order_id = (await self.shop.evaluate.evaluate(self.shop.scope, request)).order_id
            # the method could not be looked at: the merchant sends the same call again
            except Problem as problem:
                if problem.code != "unavailable":
                    raise
                continue
            await start(self.shop.orders, self.shop.key(order_id))
            return order_id
        raise AssertionError("it is never admitted")

    async def _tried(self, made: list[UUID], reached: str) -> None:
        """Until all are there: what was proved not to be sent is planned anew."""
        for _ in range(ROUNDS_MAX):
            for order_id in made:
                if not await self.shop.value(reached + " AND order_id = $1", order_id):
                    await self.shop.orders.run(_not_held, self.shop.key(order_id))
                    await plan_now(self.shop, order_id)
            await self._quiet()
            if await self.shop.value(reached) == len(made):
                return
        states = await self.shop.world.db.fetch("SELECT state, count(*) FROM attempts GROUP BY 1")
        raise AssertionError(f"not all got there: {[tuple(row) for row in states]}")

    async def _captured(self) -> None:
        """Whole; in parts and a last one; in parts, and what is left let go; one part that is the
        last."""
        held = sorted(
            await self.shop.value(
                "SELECT array_agg(order_id) FROM current_orders WHERE stage = 'authorised'"
            )
        )
        parts = PARTS if self.route.several else ()
        plans = [((), None), (parts, LAST), (parts or (), 0 if parts else LAST), ((), LAST)]
        planned = {order_id: plans[number % len(plans)] for number, order_id in enumerate(held)}
        for part in range(len(PARTS)):
            for order_id, (firsts, _) in planned.items():
                if part < len(firsts):
                    await self._capture(order_id, firsts[part], final=False)
            await self._quiet()
        for order_id, (_, last) in planned.items():
            if last == 0:
                await self.shop.orders.run(release_rest, self.shop.key(order_id), cards=False)
            else:
                await self._capture(order_id, last, final=True)
        await self._quiet()
        self.figures.captures = len(held)
        counted = "SELECT count(*) FROM modifications WHERE kind = $1 AND state = 'done'"
        self.figures.parts = await self.shop.value(counted, "capture")
        self.figures.let_go = sum(last is not None for _, last in planned.values())
        assert not await self.shop.value(
            "SELECT count(*) FROM current_orders WHERE stage = 'authorised'"
        )

    async def _capture(self, order_id: UUID, units: int | None, *, final: bool) -> None:
        def work(change: Change) -> None:
            ask_capture(change, f"{units}/{final}".encode(), units, final=final)

        await self.shop.orders.run(work, self.shop.key(order_id), cards=False)

    async def _disputed(self, orders: list[UUID]) -> None:
        """In turn contested with evidence and won, contested and lost, accepted."""
        sql = (
            "SELECT array_agg(key::text) FROM attempts WHERE state = 'approved' AND order_id = "
            "ANY($1)"
        )
        for key in await self.shop.value(sql, orders):
            self.route.dispute(key)
        await self._until("SELECT count(*) FROM disputes WHERE state = 'open'", len(orders))
        scope = replace(person(self.shop), role="owner")
        rows = await self.shop.world.db.fetch(
            "SELECT dispute_id, key::text FROM disputes JOIN attempts USING (merchant_id, "
            "attempt_id) ORDER BY 1"
        )
        for number, (dispute_id, _) in enumerate(rows):
            if not self.route.answers:
                continue
            accepted = number % 3 == 2
            if not accepted:
                await note_evidence(
                    self.shop.world, scope, dispute_id, "Delivered on the third, signed for."
                )
            answer: Literal["accept", "contest"] = "accept" if accepted else "contest"
            await answer_dispute(self.shop.world, self.shop.orders, scope, dispute_id, answer)
        contested = [
            row for number, row in enumerate(rows) if number % 3 != 2 or not self.route.answers
        ]
        if self.route.answers:
            await self._until(
                "SELECT count(*) FROM disputes WHERE state = 'answered'", len(contested)
            )
            await self._until(
                "SELECT count(*) FROM disputes WHERE state = 'accepted'", len(rows) - len(contested)
            )
        for number, (_, key) in enumerate(contested):
            self.route.decide(key, won=number % 2 == 0)
        await self._until(
            "SELECT count(*) FROM disputes WHERE state = 'won'", (len(contested) + 1) // 2
        )
        await self._until("SELECT count(*) FROM disputes WHERE state = 'lost'", len(contested) // 2)
        self.figures.disputes = len(orders)

    async def _until(self, sql: str, count: int) -> None:
        moved = began = time.monotonic()
        calls = 0
        while await self.shop.value(sql) != count:
            now = time.monotonic()
            if now - began > QUIET_SECONDS_MAX:
                raise AssertionError(f"{sql}: {await self._standing()}")
            if calls != len(self.route.standin.calls):
                calls, moved = len(self.route.standin.calls), now
            elif now - moved > STILL_SECONDS:
                self.killer.slower, moved = self.killer.slower * 2, now
            await self._pass_on()

    async def _standing(self) -> dict[str, Any]:
        """What is out, for who reads of a failure."""
        asked = {
            "attempts": "SELECT state, count(*), min(due_at) FROM attempts GROUP BY 1",
            "modifications": "SELECT kind, state, max(tries), max(unsent), count(*) FROM "
            "modifications GROUP BY 1, 2",
            "disputes": "SELECT state, count(*) FROM disputes GROUP BY 1",
            "due": "SELECT kind, count(*), min(due_at - now()), max(tries), max(last_error) FROM "
            "due_work GROUP BY 1",
            "notices": "SELECT subject, kind, became, count(*) FROM processor_notices GROUP BY 1, "
            "2, 3",
        }
        fetch = self.shop.world.db.fetch
        found: dict[str, Any] = {
            name: [tuple(row) for row in await fetch(sql)] for name, sql in asked.items()
        }
        return found | {"notices that wait": len(self.waiting)}

    async def _quiet(self) -> None:
        """Nothing is out, and nothing that is due waits."""
        sql = """SELECT (SELECT count(*) FROM attempts WHERE state IN ('open', 'unknown')
            OR state = 'planned' AND due_at <= now()) + (SELECT count(*) FROM modifications
            WHERE state IN ('owed', 'sent')) + (SELECT count(*) FROM due_work
              WHERE kind LIKE 'processor_%')"""
        await self._until(sql, 0)

    async def _pass_on(self) -> None:
        """Their notices, each twice and in any order; one that is to be sent again is."""
        if self.killing.done():
            self.killing.result()
        posted = [(one, False) for one in self.route.notices()] + [
            (one, True) for one in self.route.told()
        ]
        self.waiting += posted * 2
        self.draws.shuffle(self.waiting)
        again = list[tuple[Posted, bool]]()
        for one in self.waiting:
            try:
                await self._heard(*one)
            except Problem as problem:
                if problem.code != "unavailable":
                    raise
                again.append(one)
        self.waiting = again
        await asyncio.sleep(0.1)

    async def _heard(self, posted: Posted, ours: bool) -> None:
        """In the vendor's signature and shape, or by the installation's own key."""
        world, orders = self.shop.world, self.shop.orders
        assert has_own_notices(world, self.name, by_our_key=ours) is not ours
        if not ours:
            again = self.route.standin.signed_anew(posted)
            await take(
                world,
                orders,
                self.name,
                {k.lower(): v for k, v in again.headers.items()},
                again.body,
            )
            return
        signature = signed(notice_key(world, self.name), posted.body, world.clocks.wall())
        await receive(world, orders, self.name, posted.body, signature, "test")

    # what came of it
    # ----------------------------------------------------------------------------------------------

    async def compare(self) -> None:
        self.faults.left.clear()
        shop, route = self.shop, self.route
        ours = await shop.value(TAKEN)
        taken = route.taken()
        assert taken == Counter(ours), "one charge an attempt, and each of ours is theirs"
        assert len(ours) == await shop.value("SELECT count(*) FROM orders"), "one an order"
        back = route.given_back()
        sent = "SELECT jsonb_object_agg(coalesce(send_key, key), units) FROM modifications"
        assert dict(back) == await shop.value(sent + " WHERE kind = 'refund' AND state = 'done'")
        assert len(back) == len(dict(back)), "each went back once"
        assert not await shop.value("SELECT count(*) FROM modifications WHERE state <> 'done'")
        self.figures.charges, self.figures.refunds = len(taken), len(back)
        await shop.close_pages()
        assert (done := await verify(shop.world)).difference is None, done.difference
        await self._reconciled()

    async def _reconciled(self) -> None:
        """Their lines as a statement: each of ours is matched, the fees are booked, and what the
        book says that the processor holds is what its own lines add up to."""
        lines = self.route.our_lines()
        if lines is None:
            assert is_connector(self.processor)
            now = self.shop.world.clocks.wall()
            pages = self.processor.lines(now - timedelta(days=2), now + timedelta(days=2))
            lines = [line async for page in pages for line in page] + self.route.more_lines()
        ran = await reconcile(self.shop.world, person(self.shop), self._statement(lines), Reading())
        counts = Counter({name: count for name, count in ran.run.counts.items() if count})
        fees = sum(line.type == "fee" for line in lines)
        assert counts == Counter(matched=len(lines) - fees) + Counter(missing_here=fees), counts
        if fees:
            await book_lines(self.shop.world, person(self.shop), ran.run.run_id, None, "their fees")
        await self.shop.close_pages()
        held = await self.shop.value(
            "SELECT coalesce(sum(units), 0) FROM entries WHERE account = 'clearing'"
        )
        theirs = sum(map(_signed, lines))
        assert held - theirs == 0, f"we say {held}, they say {theirs}"
        assert (done := await verify(self.shop.world)).difference is None, done.difference

    def _statement(self, lines: list[StatementLine]) -> File:
        out, earliest = io.StringIO(), self.shop.world.clocks.wall() - timedelta(hours=12)
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("id", "reference", "type", "amount", "currency", "date", "route"))
        for line in lines:
            amount = to_text(_signed(line), EXPONENTS[line.currency])
            at = iso(max(line.at, earliest))
            rows.writerow(
                (line.id or "", line.reference, line.type, amount, line.currency, at, self.name)
            )
        return File("theirs.csv", io.BytesIO(out.getvalue().encode()))


def _signed(line: StatementLine) -> int:
    """Money that goes out is below zero."""
    return SIGNS[line.type] * abs(line.units)


def _not_held(change: Change) -> None:
    if change.order.stage is Stage.HELD:
        release(change)


def stored(route: str, id: str, customer: str | None) -> dict[str, Any]:
    return {"pan": None, "method": Stored(route, id, customer)}
