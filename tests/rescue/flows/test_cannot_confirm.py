"""The bank wants a confirmation, and no route of the order can ask its customer for one: whoever
waits is declined at once, the payer of an MIT is asked for another card, and nobody looks at a page
on which nothing can be done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from connectors.test_braintree_story import OfBraintree
from tests.banks import OfBridge, at_bank, back
from tests.rescue.flows.test_challenges import ANOTHER, answered, events
from tests.rescue.flows.test_customer_waiting import PATIENT, kept, waiting
from tests.risk.flows.test_risk import AWAY, DOUBTFUL, HOME, IP, ask, decide, decision_of
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.networks.magic import script_card
from recoup.orders.moves.change import Change
from recoup.processors.gateways.credential import Stored
from recoup.processors.rules.route_terms import RouteTerms
from recoup.rescue.flows.challenge import show
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.taken import Person
from recoup.routes.flows.card_routes import CardRoutes
from recoup_lab.processors.faults import Faults

NOBODY_CAN = "No route can ask the customer to confirm this payment with 3-D Secure."
CURE = "A route that can ask for 3-D Secure, or another card, would change it."
BRAINTREE = RouteTerms("braintree", cards=False, stored=True)
SANDBOX = RouteTerms("sandbox")
BANK_ASKS = script_card("visa", "51", 0)
Story = Callable[[Shop], Awaitable[None]]


def run(server: ServerAddress, story: Story) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await story(shop)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(whole())


async def last_decision(shop: Shop, order_id: UUID) -> dict[str, Any]:
    """About the decline."""
    found: dict[str, Any] = await shop.value(
        "SELECT jsonb_build_object('verdict', verdict, 'rules', rules, 'reasons', reasons, "
        "'features', features) FROM"
        " decisions WHERE order_id = $1 AND features ? 'reading' AND features ? 'kind' ORDER BY "
        "decision_id DESC"
        " LIMIT 1",
        order_id,
    )
    return found


async def no_page(shop: Shop, order_id: UUID) -> None:
    with pytest.raises(Problem) as none:
        await show(shop.world, shop.merchant_id, order_id)
    assert none.value.code == "not_found"
    assert await events(shop, order_id) == []


async def with_braintree(
    shop: Shop, tmp_path: Path, story: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """A method whose bank wants its customer, at Braintree."""
    vendor = OfBraintree()
    await vendor.start(tmp_path, Faults(1))
    connector = vendor.connector()
    processors = {**shop.world.processors, "braintree": connector}
    change_world(shop.world, processors=processors, routes=CardRoutes([BRAINTREE, SANDBOX]))
    made = vendor.standin.account.make_method("authentication", "customer-1")
    try:
        await story(
            {
                "pan": None,
                "cvv": "",
                "method": Stored("braintree", made["id"], "customer-1", "visa"),
            }
        )
        assert not vendor.taken()
    finally:
        await connector.close()
        await vendor.standin.stop()


@pytest.mark.parametrize(("code", "sends"), [("51", 1), ("1A", 0)])
def test_who_waits_at_the_checkout_is_declined_at_once(
    server: ServerAddress, tmp_path: Path, code: str, sends: int
) -> None:
    """Whether Braintree's answer says so, or the decline that came in does."""

    async def story(shop: Shop) -> None:
        async def asks(wants: dict[str, Any]) -> None:
            word = await waiting(shop.patient(), **wants, code=code)
            assert word.evaluate == "DECLINED"
            assert (await shop.order(word.order_id))["stage"] == "declined"
            made = (
                "SELECT count(*) FROM attempts WHERE order_id = $1 AND route = 'braintree' AND "
                "state = 'declined'"
            )
            assert await shop.value(made, word.order_id) == sends
            decision = await last_decision(shop, word.order_id)
            assert (decision["verdict"], decision["rules"]) == (
                "decline_at_once",
                ["customer_cannot_confirm"],
            )
            assert NOBODY_CAN in decision["reasons"]
            assert decision["reasons"][-1] == CURE
            assert decision["features"]["may_confirm"] is False
            await no_page(shop, word.order_id)

        await with_braintree(shop, tmp_path, asks)

    run(server, story)


def test_the_payer_of_a_managed_payment_is_asked_for_another_card(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop) -> None:
        async def asks(wants: dict[str, Any]) -> None:
            order_id = await shop.admit(**wants, code="1A")
            await shop.run_due()
            page = await show(shop.world, *shop.key(order_id))
            assert (page.state, page.asks) == ("asked", "card")
            decision = await last_decision(shop, order_id)
            assert (decision["verdict"], decision["rules"]) == ("wait", ["no_cure_by_waiting"])
            assert NOBODY_CAN in decision["reasons"]
            with pytest.raises(Problem) as nothing:
                await answered(shop, page, confirmed=True)
            assert nothing.value.field == "CardNumber"
            assert (await answered(shop, page, **ANOTHER)).state == "passed"
            assert list(await kept(shop)) == [order_id]

        await with_braintree(shop, tmp_path, asks)

    run(server, story)


def test_where_no_number_is_taken_either_no_link_is_offered(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop) -> None:
        async def asks(wants: dict[str, Any]) -> None:
            change_world(shop.world, routes=CardRoutes([BRAINTREE], retired=[SANDBOX]))
            order_id = await shop.admit(**wants, code="1A")
            await shop.run_due()
            assert (await shop.order(order_id))["stage"] == "processing"
            decision = await last_decision(shop, order_id)
            assert decision["features"]["may_enter_card"] is False
            await no_page(shop, order_id)

        await with_braintree(shop, tmp_path, asks)

    run(server, story)


class Bridges:
    """Two of them, of which `able` alone can ask."""

    async def start(self, shop: Shop, terms: Mapping[str, Any], folder: Path) -> None:
        self.old, self.able = OfBridge(), OfBridge()
        self.made = [await self.old.start(folder), await self.able.start(folder)]
        self.made[0].authenticates = "never"
        processors = dict(zip(("old", "able"), self.made, strict=True))
        routes = CardRoutes([RouteTerms("old"), replace(RouteTerms("able"), **terms)])
        change_world(shop.world, processors=processors, routes=routes)

    async def stop(self) -> None:
        for connector, bank in zip(self.made, (self.old, self.able), strict=True):
            await connector.close()
            await bank.stop()


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "CHALLENGE"),
        ({"currencies": ("EUR",)}, "DECLINED"),
        ({"schemes": ("amex",)}, "DECLINED"),
        ({"amount_max": 1_000_000}, "DECLINED"),
    ],
)
def test_another_route_that_can_ask_does_where_it_carries_the_payment(
    server: ServerAddress, tmp_path: Path, terms: Mapping[str, Any], said: str
) -> None:
    async def story(shop: Shop) -> None:
        bridges = Bridges()
        await bridges.start(shop, terms, tmp_path)
        try:
            word = await waiting(shop.patient(), pan=BANK_ASKS, code="1A")
            assert word.evaluate == said
            if said == "DECLINED":
                await no_page(shop, word.order_id)
                assert not bridges.old.taken() + bridges.able.taken()
                return
            assert "may_confirm" not in (await last_decision(shop, word.order_id))["features"]
            page = await show(shop.world, shop.merchant_id, word.order_id)
            assert (page.asks, page.confirms) == ("confirm", "by_redirect")
            page = await answered(shop, page, confirmed=True)
            assert (await back(shop, await at_bank(page, "passed"))).state == "passed"
            assert (bridges.old.taken(), bridges.able.taken()) == ([], [4590])
        finally:
            await bridges.stop()

    run(server, story)


@pytest.mark.parametrize(("terms", "may"), [({}, True), ({"currencies": ("EUR",)}, False)])
def test_the_risk_check_asks_only_for_what_a_route_can_carry(
    server: ServerAddress, tmp_path: Path, terms: Mapping[str, Any], may: bool
) -> None:
    async def story(shop: Shop) -> None:
        bridges = Bridges()
        await bridges.start(shop, terms, tmp_path)
        try:
            await decide(shop)
            who = Person(ip=IP, billing=HOME, shipping=AWAY, email="x@example.test")
            word = await ask(shop, **DOUBTFUL, payer=who)
            assert (word.evaluate == "CHALLENGE") is may
            assert (await decision_of(shop, word.order_id))["features"]["may_challenge"] is may
        finally:
            await bridges.stop()

    run(server, story)


def test_a_page_from_before_asks_for_another_card_once_no_route_can_ask(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop) -> None:
        bridges = Bridges()
        await bridges.start(shop, {}, tmp_path)
        try:
            word = await waiting(shop.patient(), pan=BANK_ASKS, code="1A")
            assert (await show(shop.world, shop.merchant_id, word.order_id)).asks == "confirm"
            bridges.made[1].authenticates = "never"
            page = await show(shop.world, shop.merchant_id, word.order_id)
            assert (page.state, page.asks, page.confirms) == ("asked", "card", "never")
            assert (await answered(shop, page, **ANOTHER)).state == "passed"
        finally:
            await bridges.stop()

    run(server, story)


def test_a_second_card_whose_bank_asks_too_may_be_followed_by_a_third(
    server: ServerAddress, tmp_path: Path
) -> None:
    """No page is left that says: confirm."""

    async def story(shop: Shop) -> None:
        bridges = Bridges()
        await bridges.start(shop, {"currencies": ("EUR",)}, tmp_path)
        try:
            word = await waiting(shop.patient(), pan=script_card("visa", "54", 99), code="54")
            page = await show(shop.world, shop.merchant_id, word.order_id)
            assert (word.evaluate, page.asks) == ("CHALLENGE", "card")
            bridges.old.standin.guarded.add(BANK_ASKS)
            page = await answered(shop, page, pan=BANK_ASKS, exp_month=8, exp_year=2033)
            assert (page.state, page.asks) == ("asked", "card")
            assert (await answered(shop, page, **ANOTHER)).state == "passed"
            async with owner(shop.world) as connection:
                asked = await connection.fetchval(
                    "SELECT count(*) FROM challenges WHERE asks = 'confirm'"
                )
            assert asked == 0
        finally:
            await bridges.stop()

    run(server, story)


@pytest.mark.parametrize("missing", ["never read", "this one not yet"])
def test_what_is_not_known_of_the_routes_declines_nobody(
    server: ServerAddress, tmp_path: Path, missing: str
) -> None:
    """A process that was just started, or a route that another one has just connected."""

    async def story(shop: Shop) -> None:
        async def asks(wants: dict[str, Any]) -> None:
            word = await waiting(shop.patient(), **wants, code="1A")
            assert word.evaluate == "DECLINED"
            key = shop.key(word.order_id)
            if missing == "never read":
                change_world(shop.world, routes=CardRoutes([BRAINTREE, SANDBOX], db=shop.world.db))
            else:
                change_world(shop.world, processors={"sandbox": shop.world.processors["sandbox"]})

            def look(change: Change) -> bool:
                return change.order.may_confirm()

            assert await shop.orders.change(Job(key, look))

        await with_braintree(shop, tmp_path, asks)

    run(server, story)
