"""Another card of the same customer and merchant pays where the order's own is dead; and whose card
never does."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_by_hand import told
from tests.worlds import POLICY, Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_person
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.kernel.ids import new_id
from recoup.networks.magic import DECLINE_CARD, script_card
from recoup.rescue.flows.taken import Person
from recoup.risk.store.risk_weights import note_fraud_warning
from recoup.switches.flows.card_switches import card_switches, set_card_switches

DEAD = {"pan": DECLINE_CARD, "code": "15"}
GOOD = script_card("visa", "51", 0)


async def order(shop: Shop, who: str = "customer-1", **more: Any) -> UUID:
    person = Person(
        external_id=who, first_name="Ana", last_name="Roe", email=f"{who}@payer.example"
    )
    order_id = await shop.admit(**({"payer": person} | more))
    await shop.run_due()
    return order_id


async def paid_before(shop: Shop, who: str = "customer-1", **more: Any) -> UUID:
    order_id = await order(shop, who, **({"pan": GOOD} | more))
    await shop.advance(timedelta(days=9))
    await shop.settle()
    assert (await shop.order(order_id))["stage"] == "completed"
    return order_id


async def stage(shop: Shop, order_id: UUID) -> str:
    await shop.settle()
    found: str = (await shop.order(order_id))["stage"]
    return found


def test_the_customers_other_card_pays_at_once_and_says_so(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        assert not (await card_switches(shop.world, shop.merchant_id))["other_cards"]
        await set_card_switches(shop.world, shop.scope, {"other_cards": True})
        first = await paid_before(shop)
        order_id = await order(shop, **DEAD, facts={"network_transaction_id": "011111111111111"})
        assert await stage(shop, order_id) == "completed"
        row = await shop.world.db.fetch(
            "SELECT token_id, cards_before FROM orders WHERE order_id = $1", order_id
        )
        assert row[0]["token_id"] == await shop.value(
            "SELECT token_id FROM orders WHERE order_id = $1", first
        )
        assert len(row[0]["cards_before"]) == 1
        said = (
            "SELECT body ->> 'By' FROM outbox WHERE subject_id = $1 AND event = 'order.completed'"
        )
        assert await shop.value(said, order_id) == "other_card"
        rules = (
            "SELECT rules FROM decisions WHERE order_id = $1 AND versions ->> 'decider' = "
            "'decide-1'"
        )
        assert await shop.value(rules, order_id) == ["other_card"]
        approved = (
            "SELECT count(*) FROM attempts WHERE order_id = $1 AND state = 'approved' AND "
            "initiator = 'merchant'"
        )
        assert await shop.value(approved, order_id) == 1
        named = (
            "SELECT consent ->> 'first_network_id' FROM attempts WHERE order_id = $1 AND "
            "state = 'approved'"
        )
        assert await shop.value(named, order_id) is None, "that was the first card's"
        amended = "SELECT count(*) FROM outbox WHERE subject_id = $1 AND event = 'order.amended'"
        assert await shop.value(amended, order_id) == 1
        assert (
            await shop.value(
                "SELECT count(*) FROM network_sends WHERE card_id = $1", row[0]["cards_before"][0]
            )
            == 1
        )

    told(server, story)


@pytest.mark.parametrize("code", ["43", "R1", "59"])
def test_not_after_a_theft_or_an_agreement_that_was_ended(server: ServerAddress, code: str) -> None:
    async def story(shop: Shop) -> None:
        await set_card_switches(shop.world, shop.scope, {"other_cards": True})
        await paid_before(shop)
        order_id = await order(shop, pan=DECLINE_CARD, code=code)
        assert await stage(shop, order_id) in ("declined", "processing")
        assert (await shop.order(order_id))["cards_before"] == []

    told(server, story)


def test_never_of_somebody_else_nor_where_it_is_off_nor_one_without_a_mandate(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await paid_before(shop)
        assert await stage(shop, await order(shop, **DEAD)) == "declined", "off"
        await set_card_switches(shop.world, shop.scope, {"other_cards": True})
        assert await stage(shop, await order(shop, "customer-2", **DEAD)) == "declined"
        await order(shop, "customer-3", pan=GOOD)  # not charged yet
        assert await stage(shop, await order(shop, "customer-3", **DEAD)) == "declined"
        by_mail = Person(first_name="Ana", last_name="Roe", email="shared@payer.example")
        await paid_before(shop, payer=by_mail)
        assert await stage(shop, await order(shop, payer=by_mail, **DEAD)) == "declined", (
            "no key of the merchant's own"
        )

    told(server, story)


def test_never_of_another_merchant(server: ServerAddress) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            await set_card_switches(ours.world, ours.scope, {"other_cards": True})
            await set_card_switches(theirs.world, theirs.scope, {"other_cards": True})
            await paid_before(theirs)
            assert await stage(ours, await order(ours, **DEAD)) == "declined"

    asyncio.run(inside())


def test_a_card_that_was_declined_for_good_is_not_taken_nor_one_in_dispute(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await paid_before(shop)
        assert await stage(shop, await order(shop, pan=GOOD, code="15")) == "declined"
        disputed = await paid_before(shop, "customer-2")
        await dispute_on_demand(shop.world, shop.orders, str(disputed))
        await set_card_switches(shop.world, shop.scope, {"other_cards": True})
        for who in ("customer-1", "customer-2"):
            assert await stage(shop, await order(shop, who, **DEAD)) == "declined", who

    told(server, story)


@pytest.mark.parametrize("by", ["dispute", "warning"])
def test_what_was_said_of_one_payment_holds_for_the_cards_others(
    server: ServerAddress, by: str
) -> None:
    async def story(shop: Shop) -> None:
        await set_card_switches(shop.world, shop.scope, {"other_cards": True})
        fraud = await paid_before(shop)
        await paid_before(shop)
        if by == "dispute":
            await dispute_on_demand(shop.world, shop.orders, str(fraud))
        else:
            async with shop.world.db.transaction() as tx:
                await note_fraud_warning(tx, shop.merchant_id, fraud, new_id(), await shop.now())
        assert await stage(shop, await order(shop, **DEAD)) == "declined"

    told(server, story)


def test_the_cards_of_a_person_who_was_erased_are_gone(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_card_switches(shop.world, shop.scope, {"other_cards": True})
        first = await paid_before(shop)
        payer_id = await shop.value("SELECT payer_id FROM order_payer WHERE order_id = $1", first)
        await erase_person(shop.world, shop.scope, payer_id)
        assert await stage(shop, await order(shop, **DEAD)) == "declined"

    told(server, story)
