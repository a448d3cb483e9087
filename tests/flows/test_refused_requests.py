"""A processor that refuses a request: nothing is repeated blind, a person is told, and the route shows it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, get_args
from uuid import UUID

import pytest
from tests.flows.test_routes import OWN, SECOND, listed, run, state_of
from tests.worlds import KEYRING, Shop, change_world

from recoup.flows.card_routes import CardRoutes
from recoup.flows.cards.by_hand import bring_forward
from recoup.flows.cards.cancel import cancel
from recoup.flows.insight.outcome import outcome_of
from recoup.flows.merchants.route_switches import switch_on
from recoup.gateways.cards.port import Charge, Outcome
from recoup.gateways.cards.sandbox.processor import SandboxProcessor
from recoup.kernel.problem import Problem
from recoup.main.doctor_verb import look_at
from recoup.rules.order.answers import Fault
from recoup.rules.order.attention import REQUEST_REFUSED
from recoup.store.server import ServerAddress

SAID = "Amount must be at least $0.50 usd."
MONTH = timedelta(days=30)
# Of a managed MIT, after 30 days: sends, its stage then, and how many of its lines say that it was refused or not sent.
REFUSED_ONCE: Final = {"request": 1, "credential": 1, "account": 1}


class Refusing(SandboxProcessor):
    """Refuses every charge for `fault`, and counts them."""

    fault: Fault | None = "request"
    sends = 0

    async def charge(self, charge: Charge) -> Outcome:
        if self.fault is None:
            return await super().charge(charge)
        self.sends += 1
        return Outcome("not_sent", processor_code="amount_too_small", text=SAID, fault=self.fault)


@asynccontextmanager
async def refusing(shop: Shop, *faults: Fault) -> AsyncIterator[list[Refusing]]:
    """The shop's world with routes that refuse, one for each of these faults: `sandbox`, and `second`."""
    terms = [OWN, SECOND][: len(faults)]
    made = [Refusing(shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name=one.name) for one in terms]
    for one, fault in zip(made, faults, strict=True):
        one.fault = fault
    await listed(shop, *(one.name for one in terms))
    routes = CardRoutes(terms, (), shop.world.db, shop.world.clocks)
    change_world(shop.world, processors={one.name: one for one in made}, routes=routes)
    await routes.ready()
    try:
        yield made
    finally:
        for one in made:
            await one.close()


async def stage_of(shop: Shop, order_id: UUID) -> str:
    return str((await shop.order(order_id))["stage"])


def test_what_was_refused_as_wrong_is_never_repeated_and_a_person_is_told(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with refusing(shop, "request") as (route,):
            order_id = await shop.admit(units=30)
            await shop.run_due()
            await shop.advance(timedelta(days=20))
            assert (route.sends, await stage_of(shop, order_id)) == (1, "problem")
            head = await shop.order(order_id)
            assert [head[name] for name in ("status", "attention", "next_attempt_at")] == [3, REQUEST_REFUSED, None]
            told = await outcome_of(shop.world, str(order_id), shop.merchant_id)
            lines = {one["happening"]: one["detail"] for one in told["history"]}
            assert lines["attempt_not_sent"] == f"amount_too_small: {SAID}"
            assert lines["broke"].startswith("The processor refused the request as wrong (amount_too_small)")
            state = await state_of(shop, "sandbox")
            assert state.sums is not None
            assert (state.breaker, state.sums.refused, state.row.refused_code) == ("closed", 1, "amount_too_small")
            found = [line async for line in look_at(shop.world) if line.what == "sandbox requests"]
            assert [(one.ok, "amount_too_small" in one.finding, bool(one.cure)) for one in found] == [(False, True, True)]
            alerts = await shop.value("SELECT count(*) FROM due_work WHERE kind = 'orders_alert'")
            alerts += await shop.value("SELECT count(*) FROM alerts WHERE kind = 'orders'")
            assert alerts >= 1
            # A person mends it, and says so: it is made once more, and answered.
            route.fault = None
            assert await bring_forward(shop.orders, shop.scope, order_id)
            await shop.run_due()
            await shop.settle()
            head = await shop.order(order_id)
            assert (head["stage"], head["attention"]) == ("completed", None)

    run(server, story)


def test_over_a_month_each_fault_has_its_own_number_of_sends(server: ServerAddress) -> None:
    """Managed, synchronous, and with its customer at the checkout; then over two routes, of which one is well."""

    async def story(shop: Shop) -> None:
        complaints = []
        for fault in get_args(Fault):
            async with refusing(shop, fault) as (route,):
                managed = await shop.admit(units=30, days=30)
                await shop.run_due()
                sync = await shop.admit(units=30, days=None)
                checkout = await shop.admit(units=30, days=None, is_mit=False)
                await shop.advance(MONTH)
                sends = await shop.world.db.fetch(
                    "SELECT order_id, count(*) AS n FROM attempts WHERE route IS NOT NULL GROUP BY order_id"
                )
                found = {row["order_id"]: row["n"] for row in sends}
                stages = [await stage_of(shop, one) for one in (managed, sync, checkout)]
                counted = [found.get(one, 0) for one in (managed, sync, checkout)]
                complaints.append((fault, counted, stages, route.sends))
                await switch_on(shop.world, "sandbox", "test")
        assert complaints == []

    run(server, story)
