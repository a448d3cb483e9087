"""Orders over several card routes: what a route carries, fail-over by proof alone, limits by
acceptor."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import dying_process, kills, run_until_killed
from tests.rings import deep, each
from tests.worlds import KEYRING, POLICY, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.kernel.time import WallTime
from recoup.networks.magic import script_card
from recoup.orders.moves.change import Change
from recoup.processors.gateways.asking_only import AskingOnly
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.port import Charge, Outcome, Stored
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.processors.rules.route_terms import RouteTerms
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.due import start
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import Person
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup.rescue.moves.plan import plan_attempt
from recoup.rescue.rules.route_by_worth import USUAL_CHANCE
from recoup.routes.flows.card_routes import KEPT, LEARNED_FROM, CardRoutes, LearnedSums
from recoup.routes.flows.listed_routes import Left, Listed, list_in_database
from recoup.routes.flows.route_switches import RouteState, read_route_states, switch_off, switch_on
from recoup.routes.rules.breaker import ANSWERS_TO_CLOSE, OUTAGES_MIN
from recoup.routes.store.card_routes import add_counts

Story = Callable[[Shop], Awaitable[None]]
OWN, SECOND = RouteTerms("sandbox"), RouteTerms("second")
COUNTING = replace(
    POLICY, magic_inputs=False
)  # numbers count for real, so that orders share a card


class Faulty(SandboxProcessor):
    """A second route of the simulated issuer that is `dead`, or whose answers get lost."""

    dead = lost = False

    async def charge(self, charge: Charge) -> Outcome:
        if self.dead:
            return Outcome("not_sent", text="connection refused", fault="outage")
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
    sql = (
        "SELECT * FROM decisions WHERE order_id = $1 AND versions ->> 'decider' = 'route-4' "
        "ORDER BY decision_id"
    )
    return [dict(row) for row in await shop.world.db.fetch(sql, order_id)]


async def issued(shop: Shop) -> dict[UUID, int]:
    """Approved charges of each order in the issuer's own book."""
    sql = (
        "SELECT order_id, count(*) AS n FROM issuer.sends WHERE decision = 'approved' GROUP BY "
        "order_id"
    )
    async with owner(shop.world) as connection:
        return {row["order_id"]: row["n"] for row in await connection.fetch(sql)}


async def try_now(shop: Shop, order_id: UUID) -> str | None:
    def soon(change: Change) -> None:
        plan_attempt(change, change.now, "soft", None)

    await start(shop.orders, shop.key(order_id))
    await shop.orders.change(Job(shop.key(order_id), soon, WORKER, "test"))
    return await send_attempt(shop.world, shop.orders, shop.key(order_id))


def test_each_order_goes_to_a_route_that_carries_it_and_comes_to_its_end(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        euros = RouteTerms("second", currencies=("EUR",))
        async with two_routes(shop, RouteTerms("sandbox", currencies=("USD",)), euros):
            dollars, euro = await shop.admit(currency="USD"), await shop.admit(currency="EUR")
            await shop.advance(timedelta(days=20))
            await shop.settle()
            assert await routes_of(shop, dollars) == [("sandbox", "approved")]
            assert await routes_of(shop, euro) == [("second", "approved")]
            (choice,) = await choices(shop, euro)
            assert (choice["taken"], choice["rules"], choice["verdict"]) == (
                "second",
                ["only_route"],
                "send",
            )
            notes = {one["name"]: one["note"] for one in choice["alternatives"]}
            assert notes["sandbox"] == "It does not take this currency."

    run(server, story)


@each(
    ("terms", "more", "field"),
    [
        ({"currencies": ("EUR",)}, {"currency": "USD"}, "Transaction.Currency"),
        ({"amount_max": 10_000_000}, {"units": 1001}, "Transaction.Amount"),
        ({"amount_min": 10_000_000}, {"units": 999}, "Transaction.Amount"),
        ({"schemes": ("amex",)}, {}, "PaymentMethod.CardNumber"),
        (
            {"countries": ("DE",)},
            {"payer": Person(billing={"countryCode": "US"})},
            "BillingInformation.CountryCode",
        ),
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


def test_the_region_of_the_route_that_sends_decides(server: ServerAddress) -> None:
    """Its account is in Germany, and its merchant's country is another one."""

    async def story(shop: Shop) -> None:
        ours, theirs = (
            RouteTerms("sandbox", currencies=("USD",)),
            RouteTerms("second", currencies=("EUR",), country="DE"),
        )
        async with two_routes(shop, ours, theirs):
            pan = script_card("mastercard", "65", 99)
            dollars = await shop.admit(currency="USD", pan=pan, code="51")
            euros = await shop.admit(
                currency="EUR", pan=script_card("mastercard", "65", 99, serial=2), code="51"
            )
            await shop.advance(timedelta(days=20))
            kept = await shop.world.db.fetch(
                "SELECT order_id, array_agg(DISTINCT region) AS regions, count(*) AS sends FROM "
                "network_sends"
                " WHERE NOT claimed GROUP BY order_id"
            )
            found = {row["order_id"]: (row["regions"], row["sends"]) for row in kept}
            assert found[dollars][0] == ["us"]
            assert found[dollars][1] > 1
            assert found[euros] == (["eea"], 1), (
                "a soft decline there, which only the customer mends"
            )

    run(server, story)


def test_a_country_that_is_named_goes_to_its_route_on_every_try(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(
            shop, RouteTerms("sandbox", countries=("DE",)), RouteTerms("second", countries=("US",))
        ):
            payer = Person(billing={"countryCode": "US"}, email="ana@example.test")
            order_id = await shop.admit(payer=payer, pan=script_card("visa", "51", 2))
            await shop.advance(timedelta(days=20))
            await shop.settle()
            assert {route for route, _ in await routes_of(shop, order_id)} == {"second"}

    run(server, story)


def test_after_proof_of_not_sent_the_other_route_is_tried_and_nobody_is_charged_twice(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(shop, SECOND, OWN) as second:
            second.dead = True
            orders = await shop.admit_many(5)
            await shop.advance(timedelta(days=20))
            await shop.settle()
            for order_id in orders:
                assert await routes_of(shop, order_id) == [
                    ("second", "not_sent"),
                    ("sandbox", "approved"),
                ]
            assert await issued(shop) == dict.fromkeys(orders, 1)

    run(server, story)


def test_the_other_route_is_tried_at_once_and_nobody_waits_two_minutes(
    server: ServerAddress,
) -> None:
    """Of whoever waits: the worker's order, the caller of a synchronous MIT, the customer at the
    checkout."""

    async def story(shop: Shop) -> None:
        async with two_routes(shop, SECOND, OWN) as second:
            second.dead = True
            managed = await shop.admit(code="05")
            assert await try_now(shop, managed) == "approved"
            for more in (
                {},
                {"is_mit": False, "payer": Person(email="ana@example.test", ip="192.0.2.7")},
            ):
                answer = await shop.patient().ask(days=None, cvv="123", code="05", **more)
                assert (answer.evaluate, answer.outcome) == ("APPROVED", "APPROVED")
                assert await routes_of(shop, answer.order_id) == [
                    ("second", "not_sent"),
                    ("sandbox", "approved"),
                ]
            assert await routes_of(shop, managed) == [
                ("second", "not_sent"),
                ("sandbox", "approved"),
            ]
            assert set((await issued(shop)).values()) == {1}

    run(server, story)


def test_with_every_route_dead_each_is_tried_once_and_then_the_order_waits(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(shop, SECOND, OWN) as second:
            second.dead = True
            third = Faulty(shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name="third")
            third.dead = True
            change_world(shop.world, processors={"second": second, "third": third})
            order_id = await shop.admit(code="05")
            assert await try_now(shop, order_id) == "not_sent"
            sent = [one for one in await routes_of(shop, order_id) if one[0]]
            assert sent == [("second", "not_sent"), ("third", "not_sent")]
            assert (await shop.order(order_id))["stage"] == "held"
            answer = await shop.ask(is_mit=False, days=None, cvv="123", code="05")
            assert answer.evaluate == "DECLINED"
            assert (
                await shop.value(
                    "SELECT count(*) FROM network_sends WHERE state <> 'not_sent' AND NOT claimed"
                )
                == 0
            )
            await third.close()

    run(server, story)


def test_a_stored_method_has_no_other_route(server: ServerAddress) -> None:
    """Its processor alone can charge it."""

    async def story(shop: Shop) -> None:
        terms = (replace(OWN, stored=True), replace(SECOND, stored=True))
        async with two_routes(shop, *terms) as second:
            second.dead = True
            order_id = await shop.admit(
                code="05", pan=None, method=Stored("second", "pm_card_visa")
            )
            assert await try_now(shop, order_id) == "not_sent"
            assert {route for route, _ in await routes_of(shop, order_id)} == {"second", None}

    run(server, story)


class Coarse(Faulty):
    """It takes no dollars but whole ones, and no euros at all."""

    def exponent(self, currency: str) -> int | None:
        return None if currency == "EUR" else super().exponent(currency)

    def carries(self, units: int, currency: str) -> bool:
        return currency != "EUR" and units % 100 == 0


@asynccontextmanager
async def coarse(shop: Shop, *others: str) -> AsyncIterator[None]:
    one = Coarse(shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name="second")
    kept = {name: shop.world.processors[name] for name in others}
    routes = CardRoutes([SECOND, *(RouteTerms(name) for name in others)])
    change_world(shop.world, processors={"second": one, **kept}, routes=routes)
    try:
        yield
    finally:
        await one.close()


def test_a_route_that_would_have_to_round_the_amount_is_not_picked(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with coarse(shop, "sandbox"):
            orders = [await shop.admit(code="05", units=units) for units in (4500, 4590)]
            for order_id in orders:
                assert await try_now(shop, order_id) == "approved"
            assert [await routes_of(shop, one) for one in orders] == [
                [("second", "approved")],
                [("sandbox", "approved")],
            ]
            (choice,) = await choices(shop, orders[1])
            notes = {one["name"]: one["note"] for one in choice["alternatives"]}
            assert notes["second"] == "It would have to round the amount."

    run(server, story)


@pytest.mark.parametrize(
    ("more", "field"),
    [({"units": 4590}, "Transaction.Amount"), ({"currency": "EUR"}, "Transaction.Currency")],
)
def test_what_every_processor_would_round_or_refuse_is_refused_at_the_door(
    server: ServerAddress, more: dict[str, Any], field: str
) -> None:
    async def story(shop: Shop) -> None:
        async with coarse(shop):
            with pytest.raises(Problem) as caught:
                await shop.admit(**more)
            assert (caught.value.code, caught.value.field) == ("invalid", field)
            assert caught.value.cure
            assert await shop.value("SELECT count(*) FROM orders") == 0

    run(server, story)


def test_a_card_that_no_route_carries_does_not_take_the_place_of_another(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(
            shop, replace(OWN, schemes=("visa",)), replace(SECOND, schemes=("visa",))
        ):
            order_id = await shop.admit(code="05")
            before = (await shop.order(order_id))["token_id"]
            token_id = new_id()
            given = CardGiven(
                shop.merchant_id, token_id, script_card("mastercard", "51", 0), 9, 2031
            )
            await Vault(shop.world).store(given)
            with pytest.raises(Problem) as caught:
                await amend(
                    shop.world, shop.orders, shop.scope, order_id, Amended(token_id=token_id)
                )
            assert (caught.value.code, caught.value.field) == ("invalid", "CardToken")
            assert (await shop.order(order_id))["token_id"] == before

    run(server, story)


def test_an_unknown_outcome_is_asked_about_and_never_sent_to_another_route(
    server: ServerAddress,
) -> None:
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
def test_routes_of_one_acceptor_count_together(
    server: ServerAddress, acceptor: str, allowed: int
) -> None:
    """Mastercard: 10 sends a day by card and acceptor, the payment that came in included."""

    async def story(shop: Shop) -> None:
        pan = script_card("mastercard", "51", 99)
        for name in ("sandbox", "second"):
            terms = RouteTerms("sandbox"), RouteTerms("second", acceptor=acceptor)
            async with two_routes(
                shop, *(replace(one, cost_fixed=int(one.name != name)) for one in terms)
            ):
                for number in range(12):
                    order_id = await shop.admit(pan=pan, units=1000 + number)
                    await try_now(shop, order_id)
        async with owner(shop.world) as connection:
            sent = await connection.fetch(
                "SELECT acceptor_id, count(*) AS n FROM issuer.sends GROUP BY 1"
            )
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
                    [
                        RouteTerms("sandbox", currencies=("EUR",)),
                        RouteTerms("second", currencies=("EUR",)),
                    ]
                ),
            )
            await shop.advance(timedelta(days=4))
            assert (await shop.order(order_id))["stage"] == "held"
            assert await routes_of(shop, order_id) == [(None, "planned")]
            choice = (await choices(shop, order_id))[0]
            assert (choice["verdict"], choice["rules"], choice["taken"]) == (
                "wait",
                ["no_route"],
                None,
            )
            change_world(shop.world, routes=CardRoutes([OWN, SECOND]))
            await shop.advance(timedelta(days=4))
            await shop.settle()
            assert (await shop.order(order_id))["stage"] == "completed"

    run(server, story)


# what processes share
# -----------------------------------------------------------------------------------------


async def listed(shop: Shop, *names: str, kind: str = "simulated") -> list[Left]:
    """As at a start with these routes in the settings; what left them."""
    world = shop.world
    routes = [
        Listed(name, kind, "", "sandbox", Connection(name, acceptor="sandbox")) for name in names
    ]
    return await list_in_database(world.db, world.keys, world.clocks.wall(), routes)


@asynccontextmanager
async def shared_routes(shop: Shop) -> AsyncIterator[Faulty]:
    """Two routes whose state the database holds, `second` preferred."""
    await listed(shop, "second", "sandbox")
    async with two_routes(shop, SECOND, OWN) as second:
        change_world(
            shop.world, routes=CardRoutes([SECOND, OWN], (), shop.world.db, shop.world.clocks)
        )
        yield second


async def flushed(shop: Shop) -> None:
    shop.world.routes.forget()
    await shop.world.routes.ready()


async def state_of(shop: Shop, name: str) -> RouteState:
    return next(one for one in await read_route_states(shop.world) if one.row.name == name)


async def paused_until_now(shop: Shop) -> None:
    async with owner(shop.world) as connection:
        await connection.execute("UPDATE card_routes SET pause_until = opened_at")
    await flushed(shop)


async def first_routes(shop: Shop, count: int) -> list[str]:
    """By which route the first attempts of new orders go."""
    made = [await shop.admit(code="91") for _ in range(count)]
    await shop.advance(timedelta(days=1))
    return [(await routes_of(shop, order_id))[0][0] for order_id in made]


def test_after_some_outages_no_order_tries_the_route_and_a_trickle_brings_it_back(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with shared_routes(shop) as second:
            second.dead = True
            assert set(await first_routes(shop, OUTAGES_MIN)) == {"second"}
            await flushed(shop)
            assert (await state_of(shop, "second")).breaker == "open"
            assert await shop.world.routes.down() == 1
            assert set(await first_routes(shop, 5)) == {"sandbox"}
            second.dead = False
            await paused_until_now(shop)
            tried: list[str] = []
            while tried.count("second") < ANSWERS_TO_CLOSE:
                tried += await first_routes(shop, 10)
                await paused_until_now(shop)
                assert len(tried) < 400
            assert tried.count("sandbox") > tried.count("second")
            assert (await state_of(shop, "second")).breaker == "closed"
            assert (await shop.world.routes.down(), max((await issued(shop)).values())) == (0, 1)

    run(server, story)


def test_one_refused_key_opens_the_breaker_for_every_process(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with shared_routes(shop):
            other = CardRoutes([SECOND, OWN], (), shop.world.db, shop.world.clocks)
            await other.ready()
            assert await other.down() == 0
            refused = Outcome("not_sent", fault="account")
            await shop.world.routes.note(
                "second", shop.merchant_id, refused, shop.merchant_id, "route_waits"
            )
            await flushed(shop)
            other.forget()
            assert await other.down() == 1
            assert [one.breaker for one in other.candidates(("second", "sandbox"))] == [
                "refused",
                "closed",
            ]

    run(server, story)


def test_counts_of_two_processes_at_once_add_up(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with shared_routes(shop):
            several = [
                CardRoutes([SECOND, OWN], (), shop.world.db, shop.world.clocks) for _ in range(4)
            ]
            for one in several:
                for _ in range(3):
                    await one.note(
                        "second", shop.merchant_id, Outcome("approved"), shop.merchant_id, "book"
                    )
                one.forget()
            await asyncio.gather(*(one.ready() for one in several))
            sums = (await state_of(shop, "second")).sums
            assert sums is not None
            assert (sums.approved, sums.expected) == (12, 12 * USUAL_CHANCE)

    run(server, story)


def test_routes_are_learned_from_hours_that_are_over_and_from_the_present_one(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with shared_routes(shop):
            at, sums = shop.world.clocks.wall().replace(minute=30), LearnedSums()
            hour = timedelta(hours=1)

            async def learned(now: datetime) -> tuple[int, int]:
                async with shop.world.db.connection() as connection:
                    await sums.read(connection, WallTime(now))
                return sums.of("second")

            async def counted(at: datetime, approved: int) -> None:
                async with shop.world.db.transaction() as tx:
                    await add_counts(
                        tx, "second", at, approved, approved * USUAL_CHANCE, 0, 0, 0, 0
                    )

            await counted(at - LEARNED_FROM - hour, 1_000)
            for hours, approved in ((100, 1), (2, 2), (1, 4), (0, 8)):
                await counted(at - hours * hour, approved)
            assert await learned(at) == (15, 15 * USUAL_CHANCE)
            await counted(at - hour, 16)  # by a process whose clock is behind
            await counted(at, 32)
            assert (await learned(at + KEPT / 2))[0] == 15
            assert (await learned(at + KEPT))[0] == 63
            await counted(at + hour, 64)
            assert (await learned(at + hour))[0] == 127
            sums.forget()
            assert (await learned(at + hour))[0] == 127
            assert sums.of("none") == (0, 0)

    run(server, story)


def test_a_route_that_is_off_gets_nothing_new_and_orders_wait_while_all_are(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with shared_routes(shop):
            assert await switch_off(shop.world, "second", "wrong fees", "operator:test")
            assert not await switch_off(shop.world, "second", "again", "operator:test")
            assert set(await first_routes(shop, 3)) == {"sandbox"}
            await switch_off(shop.world, "sandbox", "all of it", "operator:test")
            order_id = await shop.admit(code="91")
            await shop.advance(timedelta(hours=6))
            assert (await shop.order(order_id))["stage"] == "held"
            assert await switch_on(shop.world, "second", "operator:test")
            assert not await switch_on(shop.world, "second", "operator:test")
            await shop.advance(timedelta(days=1))
            await shop.settle()
            assert await routes_of(shop, order_id) == [("second", "approved")]
            row = (await state_of(shop, "sandbox")).row
            assert (row.why, row.actor) == ("all of it", "operator:test")
            for name, why in (("none", "why"), ("second", " "), ("second", "x" * 201)):
                with pytest.raises(Problem):
                    await switch_off(shop.world, name, why, "operator:test")

    run(server, story)


def test_a_route_that_left_the_settings_is_asked_and_sends_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        async with shared_routes(shop) as second:
            second.lost = True
            order_id = await shop.admit(code="91")
            await shop.run_due()
            while (await routes_of(shop, order_id))[-1][1] == "planned":
                await shop.advance(timedelta(minutes=10))
            (left,) = await listed(shop, "sandbox")
            assert (left.kind, left.connection.name) == ("simulated", "second")
            asking = AskingOnly(second)
            change_world(
                shop.world,
                processors={**shop.world.processors, "second": asking},
                routes=CardRoutes([OWN], [SECOND], shop.world.db, shop.world.clocks),
            )
            await shop.settle()
            assert await routes_of(shop, order_id) == [("second", "approved")]
            await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(key="back", all=True)
            )
            await shop.settle()
            assert (await shop.order(order_id))["refunded_units"] == 4590
            assert set(await first_routes(shop, 2)) == {"sandbox"}
            assert not (await state_of(shop, "second")).listed

    run(server, story)


def test_a_route_without_any_connection_left_is_asked_in_vain_and_raises_nothing(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with shared_routes(shop) as second:
            second.lost = True
            order_id = await shop.admit(code="91")
            await shop.advance(timedelta(minutes=1))
            change_world(
                shop.world,
                processors={"sandbox": shop.world.processors["sandbox"]},
                routes=CardRoutes([OWN]),
            )
            await shop.run_due()
            assert (await routes_of(shop, order_id))[0][0] in ("second", None, "sandbox")

    run(server, story)


def test_a_routes_name_stays_with_its_kind_and_account(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await listed(shop, "acme")
        assert await listed(shop, "acme") == []
        with pytest.raises(Problem, match="another kind or account"):
            await listed(shop, "acme", kind="bridge")

    run(server, story)


@pytest.mark.prove("kills")
@deep("kills")
@pytest.mark.timeout(400)
@each("dead", [False, True])
def test_a_process_that_dies_anywhere_leaves_one_charge_by_one_route(
    server: ServerAddress, dead: bool
) -> None:
    async def story(shop: Shop) -> None:
        async with two_routes(shop, SECOND, OWN) as second:
            for killer in kills(f"an attempt, its first route {'down' if dead else 'up'}", least=5):
                second.dead = dead
                order_id = await shop.admit(code="05")
                await start(shop.orders, shop.key(order_id))
                async with dying_process(shop, killer) as dying:
                    await run_until_killed(killer, try_now(dying, order_id))
                second.dead = False
                await shop.advance(timedelta(days=1))
                await shop.settle()
            assert max((await issued(shop)).values()) == 1

    run(
        server,
        story,
        replace(POLICY, call_timeout=timedelta(seconds=0.3), settled_after=timedelta(seconds=0.2)),
    )
