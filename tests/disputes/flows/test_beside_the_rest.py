"""Disputes beside advances, fees that come back with refunds, and settlement."""

from datetime import timedelta
from typing import Any

import pytest
from tests.dispute_terms import agree
from tests.disputes.flows.test_disputes import (
    approved_late,
    balances,
    by_the_issuer,
    disputed,
    notice_of,
    paid,
    refunded,
    sent,
    story,
    tell_issuer,
    the_dispute,
)
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.networks.magic import script_card
from recoup.rescue.flows.taken import Person
from recoup.terms.rules.fees import Tariff

LATER = script_card("visa", "51", 1)


async def advanced(shop: Shop, **more: Any) -> Any:
    person = Person(first_name="Ana", last_name="Roe", email="ana@example.test")
    usual = {
        "is_mit": False,
        "days": None,
        "pan": LATER,
        "code": "05",
        "cvv": "123",
        "payer": person,
    }
    word = await shop.ask(**(usual | more))
    assert "advanced" in await shop.happenings(word.order_id)
    return word.order_id


def test_what_was_advanced_is_disputed_once_it_is_charged(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        await agree(shop)
        order_id = await advanced(shop)
        with pytest.raises(Problem, match="Nothing was charged"):
            await disputed(shop, order_id)
        await refunded(shop, order_id, "10.00")  # taken off the charge that is due
        await change_terms(shop.world, shop.scope, DisputeTermsRequest(service_borne_by="merchant"))
        await shop.advance(timedelta(days=31))
        before = await balances(shop)
        await disputed(shop, order_id, kind="service")
        row = await the_dispute(shop, order_id)
        assert row["units"] == 3590, "what was charged"
        assert row["liable"] == "operator", (
            "the terms of the day on which the merchant heard that it was approved"
        )
        assert (await balances(shop))["dispute_loss"] == 3590
        assert (await balances(shop)).get("merchant_payable") == before.get("merchant_payable")
        with pytest.raises(Problem, match="disputed"):
            await refunded(shop, order_id, "0.01")
        await disputed(shop, order_id, decided="won")
        await refunded(shop, order_id)
        await shop.settle()
        assert (await shop.order(order_id))["status"] == 6
        assert await by_the_issuer(shop, order_id) == 3590

    story(server, tell)


def test_the_fee_that_came_back_with_a_refund_is_taken_again_when_a_dispute_takes_its_place(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        await shop.fees(Tariff(290, refund="pro_rata"))
        order_id = await paid(shop)
        before = await balances(shop)
        await refunded(shop, order_id)
        assert "fees" not in await balances(shop)
        notice = await notice_of(shop, order_id)
        await tell_issuer(shop, notice)
        await sent(shop, notice)
        after = await balances(shop)
        assert (after["fees"], after["merchant_payable"]) == (
            before["fees"],
            before["merchant_payable"],
        )
        assert after["dispute_loss"] == 4590
        await shop.settle()
        assert await by_the_issuer(shop, order_id) == 4590

    story(server, tell)


def test_what_the_merchant_bears_is_settled_with_the_rest(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        terms = DisputeTermsRequest(
            "USD", service_borne_by="merchant", fee_units=2000, fee_borne_by="merchant"
        )
        await change_terms(shop.world, shop.scope, terms)
        lost, won = await paid(shop), await paid(shop)
        await disputed(shop, lost, kind="service")
        await disputed(shop, won, kind="service", decided="won")
        await shop.close_pages()
        await shop.advance(timedelta(days=40))
        await disputed(shop, lost, decided="lost")
        await shop.close_pages()
        await shop.advance(timedelta(days=40))

    story(server, tell)


@pytest.mark.parametrize("decided", [None, "won", "lost"])
def test_a_cancelled_order_that_is_disputed_is_proved_and_its_lost_event_is_found(
    server: ServerAddress, decided: str | None
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await approved_late(shop)
        await disputed(shop, order_id)
        if decided:
            await disputed(shop, order_id, decided=decided)
        await shop.settle()
        await shop.publish()
        assert (await shop.order(order_id))["stage"] == "cancelled"
        assert (
            await shop.value(
                "SELECT count(*) FROM outbox WHERE event = 'payment.chargeback.received'"
            )
            == 1
        )
        clean = await verify(shop.world)
        assert clean.difference is None, clean.difference
        async with owner(shop.world) as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                "UPDATE outbox SET event = 'order.cancelled' WHERE event = "
                "'payment.chargeback.received'"
            )
        found = (await verify(shop.world)).difference
        assert found is not None
        assert (found.order_id, found.expected) == (order_id, "payment.chargeback.received")
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE outbox SET event = 'payment.chargeback.received' WHERE subject_id = $1 AND "
                "seq = $2",
                order_id,
                int(found.field.split()[-1]),
            )

    story(server, tell)
