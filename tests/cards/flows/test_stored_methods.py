"""Orders whose cards their processor keeps: no vault is sealed or opened for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import KEYRING, NO_VAULT, Shop, change_world, make_shop, sandbox_world

from recoup.cards.flows.stored_methods import keep_method
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import PHONE_CARD
from recoup.networks.magic import script_card
from recoup.processors.gateways.port import Charge, Outcome, Stored
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.processors.rules.route_terms import RouteTerms
from recoup.routes.flows.card_routes import CardRoutes

Story = Callable[[Shop], Awaitable[None]]


class ClosedVault:
    """The keys of an installation without a vault: whoever seals, opens or fingerprints a card has
    failed."""

    closed = frozenset({"seal_card", "open_card", "print_of", "rewrap"})

    def __getattr__(self, name: str) -> Any:
        assert name not in self.closed, f"{name} of the vault"
        return getattr(NO_VAULT, name)


class Listening(SandboxProcessor):
    """Notes the credentials that it was sent."""

    heard: list[Any]

    async def charge(self, charge: Charge) -> Outcome:
        self.heard.append(charge.credential)
        return await super().charge(charge)


def run(server: ServerAddress, story: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            change_world(world, keys=ClosedVault())
            await story(shop)
            assert (found := await verify(world)).difference is None, found.difference

    asyncio.run(inside())


def stored(id: str, **more: Any) -> dict[str, Any]:
    return {"pan": None, "method": Stored("sandbox", id, **more)}


async def attempts(shop: Shop, order_id: UUID) -> list[tuple[str, str | None]]:
    async with shop.world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT state, card_last4 FROM attempts WHERE merchant_id = $1 AND order_id = $2 ORDER "
            "BY attempt_no",
            *shop.key(order_id),
        )
    return [tuple(row) for row in rows]


def test_declined_retried_and_approved_with_the_vault_closed(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        processor = Listening(shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"))
        processor.heard = []
        change_world(shop.world, processors={"sandbox": processor})
        order_id = await shop.admit(**stored("pm_card_visa_51_01", customer="cus_1"))
        await shop.advance(timedelta(days=20))
        assert (await shop.order(order_id))["stage"] == "completed"
        assert [state for state, _ in await attempts(shop, order_id)] == ["declined", "approved"]
        assert {one.kind for one in processor.heard} == {"stored"}
        assert {(one.id, one.customer, one.scheme) for one in processor.heard} == {
            ("pm_card_visa_51_01", "cus_1", "visa")
        }
        sealed = await shop.value("SELECT count(*) FROM vault WHERE ciphertext IS NOT NULL")
        assert sealed == 0
        await processor.close()

    run(server, story)


def test_a_method_that_is_gone_is_not_sent_again(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        processor = Listening(shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"))
        processor.heard = []
        change_world(shop.world, processors={"sandbox": processor})
        first = await shop.admit(**stored("pm_gone_visa"))
        await shop.advance(timedelta(days=20))
        assert len(processor.heard) == 1
        second = await shop.admit(**stored("pm_gone_visa"))
        await shop.advance(timedelta(days=30))
        assert len(processor.heard) == 1, "its other order knows"
        for order_id in (first, second):
            assert [state for state, _ in await attempts(shop, order_id)] == ["declined"]
            found = await shop.value(
                "SELECT code_reason FROM attempts WHERE order_id = $1", order_id
            )
            assert found == "expired_card"
        assert (
            await shop.value(
                "SELECT count(*) FROM network_sends WHERE state <> 'not_sent' AND NOT claimed"
            )
            == 0
        )
        await processor.close()

    run(server, story)


def test_a_second_id_of_a_card_shares_its_limits(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        one = await shop.admit(**stored("pm_card_counting_visa"))
        two = await shop.admit(**stored("pm_card_counting_visa__2"))
        other = await shop.admit(**stored("pm_card_counting_mastercard"))
        cards = [(await shop.order(order_id))["card_id"] for order_id in (one, two, other)]
        assert cards[0] == cards[1] != cards[2]

    run(server, story)


def test_what_a_processor_calls_a_method_is_erased_with_its_person(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(**stored("pm_card_visa", customer="cus_1"))
        await shop.advance(timedelta(days=20))
        async with shop.world.db.transaction() as tx:
            await tx.execute("SELECT erase_orders($1, $2)", shop.merchant_id, [order_id])
        rows = await shop.world.db.fetch(
            "SELECT reference, customer, fingerprint FROM stored_methods"
        )
        assert [tuple(row) for row in rows] == [("", None, None)]

    run(server, story)


async def erase(shop: Shop, order_id: UUID) -> None:
    async with shop.world.db.transaction() as tx:
        await tx.execute("SELECT erase_orders($1, $2)", shop.merchant_id, [order_id])


@pytest.mark.parametrize(
    "given", [stored("pm_card_visa_51_01"), stored("pm_card_counting_visa", customer="cus_1")]
)
def test_a_method_that_another_customer_has_too_stays_when_one_is_erased(
    server: ServerAddress, given: dict[str, Any]
) -> None:
    async def story(shop: Shop) -> None:
        theirs = await shop.admit(**given, email="bea@example.test")
        await erase(shop, await shop.admit(**given, email="ana@example.test"))
        assert await shop.value("SELECT reference FROM stored_methods") == given["method"].id
        await shop.advance(timedelta(days=20))
        tries = await attempts(shop, theirs)
        assert len(tries) > 1, "tries of the other customer go on"
        assert (
            await shop.value("SELECT count(*) FROM attempts WHERE code_reason = 'expired_card'")
            == 0
        )

    run(server, story)


def test_a_method_that_comes_again_after_its_customer_was_erased_is_known_again(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        given = stored("pm_card_visa_51_01", customer="cus_1")
        await erase(shop, await shop.admit(**given))
        assert await shop.value("SELECT reference FROM stored_methods") == ""
        again = await shop.admit(**given)
        assert await shop.value("SELECT reference FROM stored_methods") == "pm_card_visa_51_01"
        await shop.advance(timedelta(days=20))
        assert [state for state, _ in await attempts(shop, again)] == ["declined", "approved"]

    run(server, story)


@pytest.mark.parametrize("pan", [script_card("visa", "51", 0), PHONE_CARD])
def test_a_world_of_stored_methods_takes_no_numbers(server: ServerAddress, pan: str) -> None:
    async def story(shop: Shop) -> None:
        change_world(
            shop.world, routes=CardRoutes([RouteTerms("sandbox", cards=False, stored=True)])
        )
        for call in (shop.ask(pan=pan), shop.ask(pan=None, token_id=new_id())):
            with pytest.raises(Problem) as caught:
                await call
            assert (caught.value.code, caught.value.field) == (
                "invalid",
                "PaymentMethod.CardNumber",
            )
            assert pan not in str(caught.value)
        assert await shop.value("SELECT count(*) FROM vault") == 0
        await shop.admit(**stored("pm_card_visa"))

    run(server, story)


def test_repeats_of_a_call_find_the_same_order(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        request = await shop.declined(**stored("pm_card_visa"))
        first = await shop.evaluate.evaluate(shop.scope, request)
        again = await shop.evaluate.evaluate(shop.scope, request)
        assert first.order_id == again.order_id
        assert await shop.value("SELECT count(*) FROM stored_methods") == 1

    run(server, story)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (Stored("elsewhere", "pm_card_visa"), "PaymentMethod.Processor"),
        (Stored("sandbox", "pm_of_nobody"), "PaymentMethod.Id"),
    ],
)
def test_what_no_processor_stores_is_refused(
    server: ServerAddress, given: Stored, field: str
) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(Problem) as caught:
            await shop.admit(pan=None, method=given)
        assert (caught.value.code, caught.value.field) == ("invalid", field)
        assert caught.value.cure
        for table in ("orders", "stored_methods", "vault"):
            assert await shop.value(f"SELECT count(*) FROM {table}") == 0

    run(server, story)


def test_a_customer_who_waits_pays_with_a_stored_method(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        result = await shop.patient().ask(
            is_mit=False, expires_at=None, **stored("pm_card_mastercard")
        )
        assert result.evaluate == "APPROVED"

    run(server, story)


async def charged(shop: Shop, order_id: UUID) -> str:
    await shop.advance(timedelta(days=20))
    return str((await shop.order(order_id))["stage"])


def test_a_method_and_its_customer_are_the_merchants_that_brought_them_first(
    server: ServerAddress,
) -> None:
    """3 of 3 charges of another merchant's method were approved on a shared route."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            world, mine = made[0], stored("pm_card_visa", customer="cus_1")
            assert await charged(ours, await ours.admit(**mine)) == "completed"
            refused = []
            for given in (
                mine,  # the very method
                stored("pm_card_visa__2", customer="cus_1"),  # another one of the customer
                stored("pm_none", customer="cus_2"),  # one that is not there at all
            ):
                with pytest.raises(Problem) as caught:
                    await theirs.admit(**given)
                problem = caught.value
                refused.append(
                    (problem.code, problem.field, str(problem.message), str(problem.cure))
                )
            assert refused[0][:3] == (
                "invalid",
                "PaymentMethod.Id",
                "The processor does not know this payment method.",
            )
            assert len(set(refused)) == 1, "nothing tells that the method is there"
            assert await shop_orders(theirs) == 0
            # Nothing is held against methods of their own, nor against ours.
            assert (
                await charged(
                    theirs, await theirs.admit(**stored("pm_card_visa", customer="cus_2"))
                )
                == "completed"
            )
            assert (
                await charged(theirs, await theirs.admit(**stored("pm_card_visa"))) == "completed"
            )
            assert await charged(ours, await ours.admit(**mine)) == "completed"
            # Two at once: one of them has it.
            both = [
                shop.admit(**stored("pm_card_visa", customer="cus_3")) for shop in (ours, theirs)
            ]
            ends = await asyncio.gather(*both, return_exceptions=True)
            assert sorted(isinstance(one, Problem) for one in ends) == [False, True]
            # The operator may let them share.
            change_world(
                world, routes=CardRoutes((RouteTerms("sandbox", stored=True, shared_methods=True),))
            )
            assert await charged(theirs, await theirs.admit(**mine)) == "completed"
            # A token is its merchant's alone.
            token = (await ours.order(await ours.admit()))["token_id"]
            with pytest.raises(Problem):
                await theirs.admit(pan=None, token_id=token)

    asyncio.run(story())


class Counting(SandboxProcessor):
    """Its ids of methods can be counted up."""

    guessable_ids = True


def test_in_live_nobody_takes_a_method_by_counting_up_its_number(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        world = shop.world
        processor = Counting(world.dsn, mac_key=KEYRING.mac("issuer", b"book"))
        policy = replace(world.policy, test_mode=False)
        routes = CardRoutes((RouteTerms("sandbox", stored=True),))
        change_world(world, processors={"sandbox": processor}, policy=policy, routes=routes)
        for more, said in (
            (
                {},
                "Send cardLast4Digits, expirationMonth and expirationYear, as the processor has "
                "them.",
            ),
            (
                {"last4": "0000", "exp_month": 1, "exp_year": 2031},
                "Send the id of a method that it stores",
            ),
        ):
            with pytest.raises(Problem) as caught:
                await keep_method(
                    world, shop.merchant_id, Stored("sandbox", "pm_card_visa", **more)
                )
            assert said in str(caught.value.cure) or "Use a test method" in str(caught.value.cure)
        found = await processor.describe(Stored("sandbox", "pm_card_visa"))
        assert found is not None
        proof = {
            "last4": found.last4,
            "exp_month": found.exp_month or 1,
            "exp_year": found.exp_year or 2031,
        }
        await keep_method(world, shop.merchant_id, Stored("sandbox", "pm_card_visa", **proof))
        await processor.close()

    run(server, story)


async def shop_orders(shop: Shop) -> int:
    return int(
        await shop.value("SELECT count(*) FROM orders WHERE merchant_id = $1", shop.merchant_id)
    )
