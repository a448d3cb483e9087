"""The demo: a merchant whose clock begins weeks back, its orders played through the HTTP API, and
what follows.

The merchant's own program makes calls while its clock moves; the people around it do what leaves
one case on each desk. With `months`, customers of a simulated world renew for three months, most
decided by the rescue engine, the others by the fixed schedule; the last of these months is the
month of the file, too. Without, the month of the file is all. The progress is kept in
`<data-dir>/demo.json`; a demo that was broken off is continued by the next `recoup up --demo`.
"""

import asyncio
import io
import secrets
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from recoup.backtest.flows.backtest import ENGINE
from recoup.backtest.flows.kept import ask
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.bank.flows import (
    approve,
    approve_account,
    deposits_of,
    enter_account,
    prove_account,
)
from recoup.bank.store.accounts import list_accounts, open_payouts
from recoup.cards.flows.sandbox_issuer import sandbox_issuer
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.orders import list_orders
from recoup.desk.store.overview import read_overview
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.imports.flows import finish, read_import
from recoup.imports.rules.answers import Answers
from recoup.kernel.money import money
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.main.bootstrap import DEMO_SITES, OPERATOR_USER, PORTAL_USER, make_demo_merchant
from recoup.main.demo.example import Line, cards_in, later, read_example
from recoup.main.demo.months import Months, Site, has_months, months_of
from recoup.main.demo.play import play
from recoup.main.demo.progress import BEHIND, DAYS, Mark
from recoup.merchants.cli import Opened
from recoup.merchants.flows.demo_clock import DEMO_DAYS, demo_merchant
from recoup.merchants.store.merchants import move_clock, offset_of
from recoup.notices.api.receiver import PATH as RECEIVER_PATH
from recoup.orders.rules.refund_limits import Limits
from recoup.people.flows.make_user import Membership, make_user
from recoup.people.store.people import find_user
from recoup.processors.rules.bank_account import BankAccount
from recoup.refunds.flows.limits import change_limits, read_limits
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.store.refunds import refund_state
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.places import TAKE_FIRST
from recoup.rescue.flows.run_due import run_due
from recoup.sandbox.flows.advance_clock import advance_clock
from recoup.settlement.flows.settlement_terms import read_terms, set_terms
from recoup.uplift.flows.arms import ArmsChange, read_arms, set_arms
from recoup.uplift.flows.uplift_report import make_report
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.endpoints import create, list_all
from recoup.webhooks.flows.publish import publish_now

FILE: Final = "default_model.json"  # `scripts/make_models.py` makes it again
ASSET: Final = "USD"
SUPPORT: Final = ("sam@demo.example", "Sam Support")
FAILING_URL: Final = (
    "https://hooks.demo.example/recoup"  # a name that nobody has: every delivery fails
)
ALONE_UNITS: Final = 2_000  # what support refunds without a second person
REFUSING: Final = timedelta(
    minutes=5
)  # beside other work; it ends as soon as the refund is refused
COMPLETED: Final = 7
COMPARISON: Final = ArmsChange(
    "share", share=80, holdout=20, explore=10, explore_max={ASSET: 20_000}
)
BACKTEST_DAYS: Final = 90


class Business:
    """`owner` and `operator`: the portal's two people, by e-mail."""

    def __init__(
        self, world: World, orders: Orders, merchant_id: UUID, owner: str, operator: str
    ) -> None:
        self._world, self._orders, self._merchant_id = world, orders, merchant_id
        self._emails = {"owner": owner, "operator": operator}

    async def open(self) -> None:
        """Sets up before the first order: weekly payouts to a bank account that a second person
        approved, a refund limit for support."""
        world, owner = self._world, await self._as("owner")
        email, name = SUPPORT
        await make_user(
            world,
            email,
            name,
            secrets.token_urlsafe(24),
            [Membership("merchant", self._merchant_id, "operations")],
        )
        if not (await read_terms(world, self._merchant_id))[1]:
            await set_terms(world, await self._as("operator"), {"period": "week", "delay_days": 1})
        if not await read_limits(world, self._merchant_id):
            await change_limits(
                world, owner, "operations", ASSET, Limits(second_from_units=ALONE_UNITS)
            )
        accounts = await list_accounts(world.db, self._merchant_id)
        if not accounts:
            await self._bank_account(owner)

    async def listen(self, receiver_url: str | None) -> None:
        """A webhook that works, where a receiver is at hand, and one that fails."""
        owner = await self._as("owner")
        known = {endpoint.url for endpoint in await list_all(self._world, owner)}
        for url in (receiver_url, FAILING_URL):
            if url is not None and url not in known:
                await create(self._world, owner, url, None, "rescue")

    async def begin_comparison(self) -> None:
        """The engine decides for most customers, by a model of the shop's past; the others are its
        comparison group."""
        owner = await self._as("owner")
        content = files("recoup.main.demo").joinpath(FILE).read_bytes()
        if (take := TAKE_FIRST.first()) is not None:
            await take(self._world, Actor("system", "demo"), content)
        standing = await read_arms(
            self._world, self._merchant_id, BusinessTime(self._world.clocks.wall())
        )
        if standing.own().mode == "off":
            await set_arms(self._world, owner, None, COMPARISON)

    async def bring_past(self, name: str, content: bytes) -> None:
        """The processor's file of the months before; the same one again changes nothing. What the
        engine would have made of them is computed while the demo plays."""
        read = await read_import(
            self._world,
            await self._as("owner"),
            name,
            io.BytesIO(content),
            Answers(),
            dry_run=False,
        )
        if read.stored is not None:
            await finish(self._world, (self._merchant_id, read.stored.import_id))
            await self._back_test(BacktestRequest(decider=ENGINE, import_id=read.stored.import_id))

    async def look_back(self) -> None:
        """Computes what the engine has brought so far."""
        await make_report(self._world, self._merchant_id, self._world.clocks.wall())

    async def ask_back_test(self) -> None:
        """Back-tests the engine on all of it."""
        await self._back_test(BacktestRequest(decider=ENGINE, days=BACKTEST_DAYS))

    async def _back_test(self, request: BacktestRequest) -> None:
        await ask(
            self._world,
            await self._as("owner"),
            await question_for(self._world, self._merchant_id, request),
        )

    async def _bank_account(self, owner: Scope) -> None:
        world = self._world
        account = BankAccount("us", "Demo day", "000123450001", "021000021")
        account_id = await enter_account(world, owner, account, ASSET)
        (row,) = await list_accounts(world.db, self._merchant_id)
        first, second = deposits_of(world, row)
        await prove_account(world, owner, account_id, (first, second))
        await approve_account(world, await self._as("operator"), account_id)

    async def approve_payouts(self) -> None:
        """The operator's approval of every payout that waits for it and has an account."""
        scope = await self._as("operator")
        rows = await open_payouts(self._world.db, self._merchant_id, ASSET)
        for row in rows:
            if row.state == "created":
                await approve(self._world, scope, row.payout_id)

    async def leave_cases(self) -> None:
        """Leaves cases after the last order: a dispute, a refund that the issuer refuses, one that
        waits for a second person."""
        disputed, refused, waiting = await self._completed(3)
        await dispute_on_demand(
            self._world, self._orders, (self._merchant_id, disputed), kind="service"
        )
        await self._refused_refund(refused)
        support = await self._as(SUPPORT[0], "operations")
        request = RefundRequest(all=True, key=f"demo-{waiting}")
        await refund(self._world, self._orders, support, waiting, request)

    async def _refused_refund(self, order_id: UUID) -> None:
        world = self._world
        processor = sandbox_issuer(world)
        await processor.misbehave("refuse", world.clocks.wall() + REFUSING)
        try:
            request = RefundRequest(all=True, key=f"demo-{order_id}")
            made = await refund(
                world, self._orders, await self._as("owner", "owner"), order_id, request
            )
            give_up = world.clocks.monotonic() + REFUSING.total_seconds()
            while await self._on_its_way(made.refund_id) and world.clocks.monotonic() < give_up:
                if not await run_due(world, self._orders, merchant_id=self._merchant_id):
                    await asyncio.sleep(0.1)  # a worker has it
        finally:
            await processor.behave("refuse")

    async def _on_its_way(self, modification_id: UUID) -> bool:
        row = await refund_state(self._world.db, self._merchant_id, modification_id)
        return row is not None and row.state in ("owed", "sent")

    async def _completed(self, count: int) -> Sequence[UUID]:
        """The newest orders of more than support may refund alone, with nothing refunded yet."""
        order_filter = OrderFilter(
            self._merchant_id, statuses=(COMPLETED,), refunded=False, asset=ASSET
        )
        async with self._world.db.connection() as connection:
            page = await list_orders(connection, order_filter)
        return [row.order_id for row in page.rows if row.units > ALONE_UNITS][:count]

    async def _as(self, who: str, role: str | None = None) -> Scope:
        """`role`: in which money is sent."""
        user = await find_user(self._world.people, self._emails.get(who, who))
        assert user is not None
        return Scope(self._merchant_id, Actor("user", str(user.user_id)), "demo", role)


DAY: Final = timedelta(days=1)
MOMENT: Final = timedelta(hours=6)  # lines come together: each moment is a move of the clock
COUNTING: Final = "counting"


def over_a_month(lines: Iterable[Line], file_days: int, days: int) -> list[Line]:
    """Orders of the file's first day begin on any of `days` days, always the same one; what the
    file begins later, and orders that share one counted card, keep their distance from the end.
    Lines beyond the end are left out."""
    by_order: dict[str, list[Line]] = {}
    for line in lines:
        by_order.setdefault(line.order, []).append(line)
    moved = []
    for order, several in by_order.items():
        anchored = several[0].at >= DAY or any(
            COUNTING in card for line in several for card in cards_in(line.body)
        )
        shift = DAY * (days - file_days if anchored else zlib.crc32(order.encode()) % (days - 1))
        moved += [replace(line, at=_moment(line.at, several[0].at) + shift) for line in several]
    return sorted(
        (line for line in moved if line.at < DAY * days), key=lambda line: (line.at, line.number)
    )


def _moment(at: timedelta, first: timedelta) -> timedelta:
    """A beginning goes back to its moment, what follows it forward: never before what it waits
    for."""
    return at // MOMENT * MOMENT if at == first else -(-at // MOMENT) * MOMENT


# Beside the sources in a clone, under the environment's `share` when installed.
_FOLDERS: Final = (
    Path(__file__).resolve().parents[4] / "examples",
    Path(sys.prefix) / "share/recoup/examples",
)
EXAMPLES: Final = next(
    (folder for folder in _FOLDERS if (folder / "day.jsonl").exists()), _FOLDERS[0]
)
FILE_DAYS: Final = 22
MONTHS: Final = 3
RENEWALS: Final = 2_400  # declined ones, in the three months
PAID_FROM, PAID_TO = (
    timedelta(days=14),
    timedelta(days=22),
)  # of the file's month: when the operator approves payouts
BEFORE_WALL: Final = timedelta(minutes=85)  # when customers pay
STRIDE: Final = timedelta(hours=1)
LOOK_EVERY: Final = timedelta(days=10)
FIRST_LOOK: Final = timedelta(days=40)
PAST_NAME: Final = "charges.csv"
Tell = Callable[[float, str], None]  # the share that is done, and words


async def load_demo(opened: Opened, url: str, tell: Tell, months: int = 0) -> str:
    """Plays it, or the rest of it, until the merchant's clock shows the wall's time; answers what
    came of it. `months`: 0 or MONTHS; a demo that was broken off goes on as it began. Without the
    package recoup-lab there are no months. Raises: Problem(invalid) in a live world."""
    if not opened.world.policy.test_mode:
        raise Problem(
            "invalid", "The demo plays in the sandbox only.", cure="Remove --live and RECOUP_WORLD."
        )
    world, data_dir, merchant_id = opened.world, opened.data_dir, demo_merchant(opened.world)
    started = world.clocks.monotonic()
    mark = Mark.read(data_dir)
    if mark is None:
        if await offset_of(world.db, merchant_id) is not None:
            Mark("done", world.clocks.wall(), None).write(data_dir)
            return "Demo: its merchant already exists and is unchanged."
        behind = (
            timedelta(days=DEMO_DAYS)
            if months and has_months() and world.keys.has_vault
            else BEHIND
        )
        mark = Mark("playing", _wall(world).replace(microsecond=0) - behind, None, behind)
        mark.write(data_dir)
    keys, _ = await make_demo_merchant(world, _wall(world) - mark.begun)
    credentials = {"mid": str(merchant_id)} | asdict(keys)
    business = Business(world, opened.services.get(Orders), merchant_id, PORTAL_USER, OPERATOR_USER)
    await business.open()
    receiver = (
        url + RECEIVER_PATH if world.policy.loopback_webhooks and url.startswith("http:") else None
    )
    clock = _Clock(opened, merchant_id, mark, business, receiver)
    month = later(
        over_a_month(read_example(EXAMPLES / "day.jsonl"), FILE_DAYS, DAYS), mark.behind - BEHIND
    )
    lines = [*month, *later(read_example(EXAMPLES / "customers.jsonl"), mark.behind - BEFORE_WALL)]
    if mark.behind > BEHIND:
        lines += await clock.begin_months(month)
    played = await play(
        lines,
        url,
        credentials,
        clock=clock.to,
        after=mark.done,
        done=lambda at: replace(mark, done=at).write(data_dir),
        tell=lambda at, text: tell(at / mark.behind, text),
        stored=not world.keys.has_vault,
    )
    if await clock.to_wall():
        await business.leave_cases()
        await clock.stay()
    if mark.behind > BEHIND:
        await business.look_back()
        await business.ask_back_test()
    last = await play(
        read_example(EXAMPLES / "no-answer.jsonl"),
        url,
        credentials,
        stored=not world.keys.has_vault,
    )
    replace(mark, state="done", done=mark.behind).write(data_dir)
    recovered = await _recovered(world, merchant_id, mark.behind)
    unplanned = [*played.complaints, *last.complaints]
    complaints = f" Not as planned: {'; '.join(unplanned)}." if unplanned else ""
    return (
        f"Demo  Recovered {recovered}: {url}/overview "
        f"({world.clocks.monotonic() - started:.0f} s).{complaints}"
    )


class _Clock:
    """Moves the demo merchant's clock, with everything that falls due on the way."""

    def __init__(
        self,
        opened: Opened,
        merchant_id: Any,
        mark: Mark,
        business: Business,
        receiver_url: str | None,
    ) -> None:
        self._opened, self._merchant_id, self._business = opened, merchant_id, business
        self._begun, self._file_at = mark.begun, mark.behind - BEHIND
        self._stride = STRIDE if mark.behind > BEHIND else timedelta(0)
        self._receiver_url, self._listens, self._look_at = receiver_url, False, FIRST_LOOK
        self._months: Months | None = None

    async def begin_months(self, month: Sequence[Line]) -> list[Line]:
        """The engine is switched on, and the shop's past brought. Answers what the shop will
        send."""
        sites = [Site(url, descriptor, descriptor[5:8]) for url, _, descriptor in DEMO_SITES]
        names = {
            line.body["paymentMethod"]["holderName"]
            for line in month
            if "paymentMethod" in line.body
        }
        days = DEMO_DAYS - 1
        self._months = await run_stoppable(
            months_of(), self._begun, days, RENEWALS, sites, sorted(names)
        )
        await self._business.bring_past(PAST_NAME, self._months.past())
        await self._business.begin_comparison()
        return self._months.lines(month[-1].number + 1)

    async def to(self, at: timedelta) -> datetime:
        """Moves the clock to that point of the file; never beyond the wall, never back."""
        world = self._opened.world
        wanted = min(self._begun + at, _wall(world))
        if at >= self._file_at and not self._listens:
            await self._business.listen(self._receiver_url)
            self._listens = True
        if self._months is not None and at in self._months.moments:
            timetables = await run_stoppable(self._months.timetables, self._months.moments[at])
            await sandbox_issuer(world).keep_timetables(timetables)
        by = wanted - await self._now()
        if by > timedelta(0):
            await self._advance(by)
        if PAID_FROM <= at - self._file_at < PAID_TO:
            await self._business.approve_payouts()
        if self._months is not None and at >= self._look_at:
            await self._business.look_back()
            self._look_at = at + LOOK_EVERY
        return max(wanted, await self._now())

    async def to_wall(self) -> bool:
        """Moves the clock to the wall's; False when it stood there already."""
        world = self._opened.world
        if await offset_of(world.db, self._merchant_id) == 0:
            return False
        await self.to(_wall(world) - self._begun)
        return True

    async def stay(self) -> None:
        """Keeps the clock at the wall's time from here on."""
        await move_clock(self._opened.world.db.alone, self._merchant_id, 0)

    async def _now(self) -> datetime:
        world = self._opened.world
        offset = await offset_of(world.db, self._merchant_id)
        assert offset is not None
        return world.clocks.business(offset)

    async def _advance(self, by: timedelta) -> None:
        opened = self._opened
        await advance_clock(
            opened.world,
            opened.services.get(Orders),
            self._merchant_id,
            by,
            lambda merchant_id: publish_now(
                opened.world, opened.services.get(Deliveries), merchant_id
            ),
            stride=self._stride,
        )


def _wall(world: World) -> datetime:
    return world.clocks.wall()


async def _recovered(world: World, merchant_id: UUID, behind: timedelta) -> str:
    """Money of the orders of that time, as the portal's overview counts it: `12,345.67 of 45,678.90
    USD`."""
    now = world.clocks.wall()
    async with world.db.read() as connection:
        overview = await read_overview(connection, merchant_id, (now - behind, now), None, now)
    sums = [
        (total.asset, total.recovered_units, total.units)
        for total in overview.now.money
        if total.asset
    ]
    return ", ".join(
        f"{money(paid, asset)} of {money(declined, asset)} {asset}"
        for asset, paid, declined in sums
    )
