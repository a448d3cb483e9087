"""Orders over several card routes: what a route carries, fail-over by proof alone, limits by acceptor."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import KEYRING, POLICY, Shop, change_world, make_shop, owner, sandbox_world

from recoup.flows.card_routes import CardRoutes
from recoup.flows.cards.due import start
from recoup.flows.cards.send import send_attempt
from recoup.flows.cards.taken import Person
from recoup.flows.insight.verify import verify
from recoup.flows.locked import Job
from recoup.gateways.cards.port import Charge, Outcome
from recoup.gateways.cards.sandbox.processor import SandboxProcessor
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.moves.attempt.plan import plan_attempt
from recoup.moves.change import Change
from recoup.rules.network.magic import script_card
from recoup.rules.rescue.route_terms import RouteTerms
from recoup.store.server import ServerAddress

Story = Callable[[Shop], Awaitable[None]]
OWN, SECOND = RouteTerms("sandbox"), RouteTerms("second")
COUNTING = replace(POLICY, magic_inputs=False)  # numbers count for real, so that orders share a card


class Faulty(SandboxProcessor):
    """A second route of the simulated issuer that is `dead`, or whose answers get lost."""

    dead = lost = False

    async def charge(self, charge: Charge) -> Outcome:
        if self.dead:
            return Outcome("not_sent", text="connection refused")
        outcome = await super().charge(charge)
        return Outcome("unknown", text="time-out") if self.lost else outcome


@asynccontextmanager
async def two_routes(shop: Shop, *terms: RouteTerms) -> AsyncIterator[Faulty]:
    """The shop's world with a route `second`."""
    second = Faulty(shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name="second")
    processors = {**shop.world.processors, "second": second}
    change_world(shop.world, processors=processors, routes=CardRoutes(terms or (OWN, SECOND)))
    try:
        yield second
    finally:
        await second.close()


def run(server: ServerAddress, story: Story, policy: Policy = POLICY) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=policy) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await story(shop)
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


async def routes_of(shop: Shop, order_id: UUID) -> list[tuple[str, str]]:
    """Route and state of each attempt."""
    sql = "SELECT route, state FROM attempts WHERE order_id = $1 ORDER BY attempt_no"
    return [(row["route"], row["state"]) for row in await shop.world.db.fetch(sql, order_id)]


async def choices(shop: Shop, order_id: UUID) -> list[Mapping[str, Any]]:
    sql = "SELECT * FROM decisions WHERE order_id = $1 AND versions ->> 'decider' = 'route-3' ORDER BY decision_id"
    return [dict(row) for row in await shop.world.db.fetch(sql, order_id)]


async def issued(shop: Shop) -> dict[UUID, int]:
    """Approved charges of each order in the issuer's own book."""
    sql = "SELECT order_id, count(*) AS n FROM issuer.sends WHERE decision = 'approved' GROUP BY order_id"
    async with owner(shop.world) as connection:
        return {row["order_id"]: row["n"] for row in await connection.fetch(sql)}


async def try_now(shop: Shop, order_id: UUID) -> str | None:
    def soon(change: Change) -> None:
        plan_attempt(change, change.now, "soft", None)

    await start(shop.orders, shop.key(order_id))
    await shop.orders.change(Job(shop.key(order_id), soon, WORKER, "test"))
    return await send_attempt(shop.world, shop.orders, shop.key(order_id))


def test_each_order_goes_to_a_route_that_carries_it_and_comes_to_its_end(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        euros = RouteTerms("second", currencies=("EUR",))
        async with two_routes(shop, RouteTerms("sandbox", currencies=("USD",)), euros):
            dollars, euro = await shop.admit(currency="USD"), await shop.admit(currency="EUR")
            await shop.advance(timedelta(days=20))
            await shop.settle()
            assert await routes_of(shop, dollars) == [("sandbox", "approved")]
            assert await routes_of(shop, euro) == [("second", "approved")]
            (choice,) = await choices(shop, euro)
            assert (choice["taken"], choice["rules"], choice["verdict"]) == ("second", ["only_route"], "send")
            notes = {one["name"]: one["note"] for one in choice["alternatives"]}
            assert notes["sandbox"] == "It does not take this currency."

    run(server, story)


@pytest.mark.parametrize(
    ("terms", "more", "field"),
    [
        ({"currencies": ("EUR",)}, {"currency": "USD"}, "Transaction.Currency"),
        ({"amount_max": 10_000_000}, {"units": 1001}, "Transaction.Amount"),
        ({"amount_min": 10_000_000}, {"units": 999}, "Transaction.Amount"),
        ({"schemes": ("amex",)}, {}, "PaymentMethod.CardNumber"),
        ({"countries": ("DE",)}, {"payer": Person(billing={"countryCode": "US"})}, "BillingInformation.CountryCode"),
        ({"countries": ("DE",)}, {}, "BillingInformation.CountryCode"),
    ],
)
def test_what_no_route_carries_is_refused_at_the_door_and_keeps_nothing(
    server: ServerAddress, terms: dict[str, Any], more: dict[str, Any], field: str
) -> None:
    async def story(shop: Shop) -> None:
        both = RouteTerms("sandbox", **terms), RouteTerms("second", **terms)
        async with two_routes(shop, *both):
            with pytest.raises(Problem) as caught:
                await shop.admit(**more)
            assert (caught.value.code, caught.value.field) == ("invalid", field)
            assert caught.value.cure
            assert await shop.value("SELECT count(*) FROM orders") == 0

    run(server, story)


def test_a_country_that_is_named_goes_to_its_route_on_every_try(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(shop, RouteTerms("sandbox", countries=("DE",)), RouteTerms("second", countries=("US",))):
            payer = Person(billing={"countryCode": "US"}, email="ana@example.test")
            order_id = await shop.admit(payer=payer, pan=script_card("visa", "51", 2))
            await shop.advance(timedelta(days=20))
            await shop.settle()
            assert {route for route, _ in await routes_of(shop, order_id)} == {"second"}

    run(server, story)


def test_after_proof_of_not_sent_the_other_route_is_tried_and_nobody_is_charged_twice(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(shop, SECOND, OWN) as second:
            second.dead = True
            orders = await shop.admit_many(5)
            await shop.advance(timedelta(days=20))
            await shop.settle()
            for order_id in orders:
                assert await routes_of(shop, order_id) == [("second", "not_sent"), ("sandbox", "approved")]
            assert await issued(shop) == dict.fromkeys(orders, 1)

    run(server, story)


def test_an_unknown_outcome_is_asked_about_and_never_sent_to_another_route(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(shop, SECOND, OWN) as second:
            second.lost = True
            order_id = await shop.admit()
            await shop.advance(timedelta(days=20))
            await shop.settle()
            assert await routes_of(shop, order_id) == [("second", "approved")]
            assert await issued(shop) == {order_id: 1}

    run(server, story)


@pytest.mark.parametrize(("acceptor", "allowed"), [("sandbox", 10), ("another", 20)])
def test_routes_of_one_acceptor_count_together(server: ServerAddress, acceptor: str, allowed: int) -> None:
    """Mastercard: 10 sends a day by card and acceptor, the payment that came in included."""

    async def story(shop: Shop) -> None:
        pan = script_card("mastercard", "51", 99)
        for name in ("sandbox", "second"):
            terms = RouteTerms("sandbox"), RouteTerms("second", acceptor=acceptor)
            async with two_routes(shop, *(replace(one, cost_fixed=int(one.name != name)) for one in terms)):
                for number in range(12):
                    order_id = await shop.admit(pan=pan, units=1000 + number)
                    await try_now(shop, order_id)
        async with owner(shop.world) as connection:
            sent = await connection.fetch("SELECT acceptor_id, count(*) AS n FROM issuer.sends GROUP BY 1")
        assert sum(row["n"] for row in sent) <= allowed
        assert all(row["n"] <= 10 for row in sent)
        assert len(sent) == (1 if acceptor == "sandbox" else 2)

    run(server, story, COUNTING)


def test_an_order_that_no_route_takes_any_more_waits_until_one_does(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(shop):
            order_id = await shop.admit(code="05")
            await shop.run_due()
            change_world(
                shop.world,
                routes=CardRoutes(
                    [RouteTerms("sandbox", currencies=("EUR",)), RouteTerms("second", currencies=("EUR",))]
                ),
            )
            await shop.advance(timedelta(days=4))
            assert (await shop.order(order_id))["stage"] == "held"
            assert await routes_of(shop, order_id) == [(None, "planned")]
            choice = (await choices(shop, order_id))[0]
            assert (choice["verdict"], choice["rules"], choice["taken"]) == ("wait", ["no_route"], None)
            change_world(shop.world, routes=CardRoutes([OWN, SECOND]))
            await shop.advance(timedelta(days=4))
            await shop.settle()
            assert (await shop.order(order_id))["stage"] == "completed"

    run(server, story)
