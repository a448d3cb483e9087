"""A processor that refuses a request: nothing is repeated blind, a person is told, and the route
shows it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import get_args
from uuid import UUID

from tests.routes.flows.test_routes import OWN, SECOND, listed, routes_of, run, state_of, try_now
from tests.worlds import KEYRING, Shop, change_world, owner

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.main.doctor_verb import look_at
from recoup.networks.decline_code import our_code
from recoup.networks.magic import script_card
from recoup.orders.rules.attention import REQUEST_REFUSED
from recoup.processors.gateways.port import Charge, Outcome
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.processors.rules.answers import WRONG, Fault
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.by_hand import bring_forward
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.outcome import outcome_of
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup.routes.flows.card_routes import CardRoutes
from recoup.routes.flows.route_switches import switch_on

SAID = "Amount must be at least $0.50 usd."


class Refusing(SandboxProcessor):
    """Refuses every charge for `fault`, and counts them."""

    fault: Fault | None = "request"
    sends = 0

    async def charge(self, charge: Charge) -> Outcome:
        if self.fault is None:
            return await super().charge(charge)
        self.sends += 1
        return Outcome(
            "not_sent", processor_code=our_code("amount_too_small"), text=SAID, fault=self.fault
        )


@asynccontextmanager
async def refusing(shop: Shop, *faults: Fault) -> AsyncIterator[list[Refusing]]:
    """The shop's world with routes that refuse, one for each of these faults: `sandbox`, and
    `second`."""
    terms = [OWN, SECOND][: len(faults)]
    made = [
        Refusing(shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name=one.name)
        for one in terms
    ]
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


def test_what_was_refused_as_wrong_is_never_repeated_and_a_person_is_told(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with refusing(shop, "request") as (route,):
            order_id = await shop.admit(units=30)
            await shop.run_due()
            await shop.advance(timedelta(days=20))
            assert (route.sends, await stage_of(shop, order_id)) == (1, "problem")
            head = await shop.order(order_id)
            assert [head[name] for name in ("status", "attention", "next_attempt_at")] == [
                3,
                REQUEST_REFUSED,
                None,
            ]
            told = await outcome_of(shop.world, str(order_id), shop.merchant_id)
            lines = {one["happening"]: one["detail"] for one in told["history"]}
            assert lines["attempt_not_sent"] == f"amount_too_small: {SAID}"
            assert lines["broke"].startswith(
                "The processor refused the request as invalid (amount_too_small)"
            )
            state = await state_of(shop, "sandbox")
            assert state.sums is not None
            assert (state.breaker, state.sums.refused, state.row.refused_code) == (
                "closed",
                1,
                "amount_too_small",
            )
            found = [line async for line in look_at(shop.world) if line.what == "sandbox requests"]
            assert [(one.ok, "amount_too_small" in one.finding) for one in found] == [(False, True)]
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
    """A managed MIT, a synchronous one, and a payment whose customer is at the checkout."""
    expected = {
        "request": ([1, 1, 1], ["problem", "expired", "declined"], 3),
        "credential": ([1, 1, 1], ["problem", "expired", "declined"], 6),
        # Within two hours. The route takes nothing more, so that the customer's payment is not even
        # sent.
        "account": ([1, 0, 0], ["held", "processing", "declined"], 6),
        # At growing pauses: 1, 2, 4 … minutes.
        "rate": ([6, 0, 1], ["held", "processing", "declined"], 6),
        "outage": ([6, 0, 1], ["held", "processing", "declined"], 6),
    }

    async def story(shop: Shop) -> None:
        found = {}
        for fault in get_args(Fault):
            async with refusing(shop, fault):
                managed, sync = (
                    await shop.admit(units=30, days=30),
                    await shop.admit(units=30, days=None),
                )
                await try_now(shop, managed)
                await shop.run_due()
                checkout = await shop.admit(units=30, days=None, is_mit=False)
                async with owner(shop.world) as connection:  # nobody here has a mailbox
                    await connection.execute("DELETE FROM due_work WHERE kind = 'alert'")
                is_wrong = fault in WRONG
                await shop.advance(timedelta(days=29) if is_wrong else timedelta(hours=2))
                sends = (
                    "SELECT order_id, count(*)::int AS n FROM attempts WHERE route IS NOT "
                    "NULL GROUP BY order_id"
                )
                sent = {row["order_id"]: row["n"] for row in await shop.world.db.fetch(sends)}
                orders = managed, sync, checkout
                state = await state_of(shop, "sandbox")
                found[fault] = (
                    [sent.get(one, 0) for one in orders],
                    [await stage_of(shop, one) for one in orders],
                    state.sums.refused if state.sums is not None else 0,
                )
                await switch_on(shop.world, "sandbox", "test")
        assert found == expected, "\n".join(map(str, found.items()))

    run(server, story)


def test_another_route_takes_what_one_refused_and_that_one_is_not_asked_again(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with refusing(shop, "request", "request") as (first, second):
            second.fault = None
            order_id = await shop.admit(
                units=30, pan=script_card("visa", "51", 1)
            )  # declined once, then approved
            await try_now(shop, order_id)
            await shop.advance(timedelta(days=10))
            await shop.settle()
            assert first.sends == 1
            assert [route for route, _ in await routes_of(shop, order_id)] == [
                "sandbox",
                "second",
                "second",
            ]
            assert await stage_of(shop, order_id) == "completed"

    run(server, story)


def test_what_waits_for_a_person_can_be_cancelled_or_gets_another_card(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with refusing(shop, "request") as (route,):
            one, other = await shop.admit(units=30), await shop.admit(units=30)
            for order_id in (one, other):
                await try_now(shop, order_id)
            await cancel(shop.world, shop.orders, shop.scope, one)
            assert await stage_of(shop, one) == "cancelled"
            route.fault = None
            token = new_id()
            await Vault(shop.world).store(
                CardGiven(shop.merchant_id, token, script_card("visa", "51", 0), 9, 2031)
            )
            await amend(shop.world, shop.orders, shop.scope, other, Amended(token_id=token))
            await shop.run_due()
            await shop.settle()
            assert await stage_of(shop, other) == "completed"

    run(server, story)


def test_a_payment_that_alone_is_not_allowed_is_sent_more_and_more_seldom(
    server: ServerAddress,
) -> None:
    """Others go through by the route, so that it stays in use; every 30 minutes for a month were
    1,400 sends."""

    async def story(shop: Shop) -> None:
        async with refusing(shop, "account") as (route,):
            change_world(
                shop.world, routes=CardRoutes([OWN])
            )  # counts nothing, as if others were answered
            order_id = await shop.admit(units=30, days=30)
            await try_now(shop, order_id)
            await shop.advance(timedelta(days=2))
            assert (route.sends, await stage_of(shop, order_id)) == (11, "held")

    run(server, story)
