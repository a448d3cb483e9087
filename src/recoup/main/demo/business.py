"""What the people around the demo's shop do: bank account, payouts, webhooks, limits; and one case for each desk.

Each step may be repeated: what is there already is left as it is.
"""

import asyncio
import io
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Final
from uuid import UUID

from recoup.core.kit.model import engine
from recoup.flows.backtests.kept import ask
from recoup.flows.backtests.questions import BacktestRequest, question_for
from recoup.flows.disputes.sandbox import dispute_on_demand
from recoup.flows.insight.backtest import ENGINE
from recoup.flows.insight.imports.read import read_import
from recoup.flows.insight.imports.work import finish
from recoup.flows.insight.uplift_report import make_report
from recoup.flows.locked import Orders
from recoup.flows.merchants.arms import ArmsChange, read_arms, set_arms
from recoup.flows.messages.endpoints import create, list_all
from recoup.flows.money.bank_accounts import approve_account, deposits_of, enter_account, prove_account
from recoup.flows.money.bank_payouts import approve
from recoup.flows.money.settlement_terms import read_terms, set_terms
from recoup.flows.people.make_user import Membership, make_user
from recoup.flows.refunds.limits import change_limits, read_limits
from recoup.flows.refunds.refund import RefundRequest, refund
from recoup.flows.run_due import run_due
from recoup.flows.sandbox_issuer import sandbox_issuer
from recoup.flows.world import World
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import BusinessTime
from recoup.rules.imports.answers import Answers
from recoup.rules.money.bank_account import BankAccount
from recoup.rules.money.refund_limits import Limits
from recoup.store.lists.order_filter import OrderFilter
from recoup.store.lists.orders import list_orders
from recoup.store.money.bank import list_accounts, open_payouts
from recoup.store.people.people import find_user
from recoup.store.refunds.refunds import refund_state

FILE: Final = "default_model.json"  # `scripts/make_models.py` makes it again
ASSET: Final = "USD"
SUPPORT: Final = ("sam@demo.example", "Sam Support")
FAILING_URL: Final = "https://hooks.demo.example/recoup"  # a name that nobody has: every delivery fails
ALONE_UNITS: Final = 2_000  # what support refunds without a second person
REFUSING: Final = timedelta(minutes=5)  # beside other work; it ends as soon as the refund is refused
COMPLETED: Final = 7
COMPARISON: Final = ArmsChange("share", share=80, holdout=20, explore=10, explore_max={ASSET: 20_000})
BACKTEST_DAYS: Final = 90


class Business:
    """`owner` and `operator`: the portal's two people, by e-mail."""

    def __init__(self, world: World, orders: Orders, merchant_id: UUID, owner: str, operator: str) -> None:
        self._world, self._orders, self._merchant_id = world, orders, merchant_id
        self._emails = {"owner": owner, "operator": operator}

    async def open(self) -> None:
        """Before the first order: weekly payouts to a bank account that a second person approved, a refund limit for
        support."""
        world, owner = self._world, await self._as("owner")
        email, name = SUPPORT
        await make_user(
            world, email, name, secrets.token_urlsafe(24), [Membership("merchant", self._merchant_id, "operations")]
        )
        if not (await read_terms(world, self._merchant_id))[1]:
            await set_terms(world, await self._as("operator"), {"period": "week", "delay_days": 1})
        if not await read_limits(world, self._merchant_id):
            await change_limits(world, owner, "operations", ASSET, Limits(second_from_units=ALONE_UNITS))
        accounts = await list_accounts(world.db, self._merchant_id)
        if not accounts:
            await self._bank_account(owner)

    async def listen(self, receiver_url: str | None) -> None:
        """A webhook that works, where a receiver is at hand, and one that fails."""
        owner = await self._as("owner")
        known = {one.url for one in await list_all(self._world, owner)}
        for url in (receiver_url, FAILING_URL):
            if url is not None and url not in known:
                await create(self._world, owner, url, None, "rescue")

    async def begin_comparison(self) -> None:
        """The engine decides for most customers, by a model of the shop's past; the others are its comparison group."""
        owner = await self._as("owner")
        content = files("recoup.main.demo").joinpath(FILE).read_bytes()
        if (found := engine()) is not None:
            await found.take_first(self._world, Actor("system", "demo"), content)
        standing = await read_arms(self._world, self._merchant_id, BusinessTime(self._world.clocks.wall()))
        if standing.own().mode == "off":
            await set_arms(self._world, owner, None, COMPARISON)

    async def bring_past(self, name: str, content: bytes) -> None:
        """The processor's file of the months before; the same one again changes nothing."""
        found = await read_import(
            self._world, await self._as("owner"), name, io.BytesIO(content), Answers(), dry_run=False
        )
        if found.stored is not None:
            await finish(self._world, (self._merchant_id, found.stored.import_id))

    async def look_back(self) -> None:
        """Computes what the engine has brought so far."""
        await make_report(self._world, self._merchant_id, self._world.clocks.wall())

    async def ask_back_test(self) -> None:
        """Back-tests the engine on all of it."""
        request = BacktestRequest(decider=ENGINE, days=BACKTEST_DAYS)
        await ask(self._world, await self._as("owner"), await question_for(self._world, self._merchant_id, request))

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
        """After the last order: a dispute, a refund that the issuer refuses, one that waits for a second person."""
        disputed, refused, waiting = await self._completed(3)
        await dispute_on_demand(self._world, self._orders, (self._merchant_id, disputed), kind="service")
        await self._refused_refund(refused)
        support = replace(await self._as(SUPPORT[0]), role="operations")
        request = RefundRequest(all=True, key=f"demo-{waiting}")
        await refund(self._world, self._orders, support, waiting, request)

    async def _refused_refund(self, order_id: UUID) -> None:
        world = self._world
        processor = sandbox_issuer(world)
        await processor.misbehave("refuse", world.clocks.wall() + REFUSING)
        try:
            request = RefundRequest(all=True, key=f"demo-{order_id}")
            made = await refund(world, self._orders, await self._as("owner"), order_id, request)
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
        order_filter = OrderFilter(self._merchant_id, statuses=(COMPLETED,), refunded=False, asset=ASSET)
        async with self._world.db.connection() as connection:
            page = await list_orders(connection, order_filter)
        return [row.order_id for row in page.rows if row.units > ALONE_UNITS][:count]

    async def _as(self, who: str) -> Scope:
        user = await find_user(self._world.people, self._emails.get(who, who))
        assert user is not None
        return Scope(self._merchant_id, Actor("user", str(user.user_id)), "demo")
