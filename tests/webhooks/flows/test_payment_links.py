"""A link to pay by mail, where nothing more is planned: inside a budget, by day, and the order is
paid once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_challenges import ANOTHER, answered
from tests.webhooks.flows.test_mail import arrived, mails, told
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.networks.magic import script_card
from recoup.people.flows.notices import switch, switches
from recoup.rescue.flows.by_hand import bring_forward
from recoup.rescue.flows.challenge import show
from recoup.rescue.flows.taken import Person
from recoup.webhooks.flows.contacts import contact_page, unsubscribe

CLOSED = "15"


async def links(shop: Shop) -> None:
    await switch(shop.world, shop.scope, {"payment_link": True})


async def by_day(shop: Shop) -> None:
    """Noon of the next day: quiet hours are over, the mails are out."""
    await shop.run_due()
    now = await shop.now()
    await shop.advance(now.replace(hour=12) + timedelta(days=1) - now)
    await shop.run_due()


async def open_order(shop: Shop, email: str = "ana@payer.example", **more: Any) -> UUID:
    person = Person(first_name="Ana", last_name="Roe", email=email, billing={"countryCode": "DE"})
    order_id = await shop.admit(**({"code": CLOSED, "payer": person} | more))
    await shop.run_due()
    return order_id


def test_a_hard_decline_ends_an_order_unless_the_merchant_sends_links(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop) -> None:
        assert not (await switches(shop.world, shop.merchant_id))["payment_link"]
        without = await open_order(shop)
        assert (await shop.order(without))["stage"] == "declined"
        await links(shop)
        order_id = await open_order(shop)
        assert (await shop.order(order_id))["stage"] == "processing"
        await by_day(shop)
        [mail] = await mails(shop)
        assert (mail["notice"], mail["state"], mail["tries"]) == ("payment_link", "sent", 1)
        [got] = (await arrived(shop)).values()
        assert all(part in got["text"] for part in ("http://recoup.test/checkout/", "/unsubscribe"))
        page = await show(shop.world, *shop.key(order_id))
        assert (page.state, page.asks) == ("asked", "card")
        assert (await answered(shop, page, **ANOTHER)).state == "passed"
        assert (await shop.order(order_id))["stage"] == "completed"
        by = "SELECT body ->> 'by' FROM order_log WHERE order_id = $1 AND happening = 'collected'"
        assert await shop.value(by, order_id) == "link"

    told(server, work)


def test_whoever_reported_the_card_stolen_gets_no_link(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await links(shop)
        for code in ("43", "R1", "59"):
            await open_order(shop, code=code)
        await by_day(shop)
        assert await mails(shop) == []

    told(server, work)


def test_quiet_hours_wait_and_a_payment_in_them_withholds_the_mail(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await links(shop)
        night = (await shop.now()).replace(hour=23, minute=30)
        await shop.advance(night - await shop.now() + timedelta(days=1))
        order_id = await open_order(shop)
        [mail] = await mails(shop)
        assert (mail["state"], mail["tries"]) == ("owed", 0)
        await answered(shop, await show(shop.world, *shop.key(order_id)), **ANOTHER)
        await by_day(shop)
        [mail] = await mails(shop)
        assert (mail["state"], mail["why"]) == ("withheld", "ended")
        assert not await shop.value("SELECT count(*) FROM due_work WHERE kind = 'mail'")

    told(server, work)


def test_four_in_thirty_days_to_one_address_however_it_is_written(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await links(shop)
        for email in (
            "ana@payer.example",
            "ANA@payer.example",
            "Ana@Payer.example",
            "ana@payer.example",
        ) * 2:
            await open_order(shop, email)
        await by_day(shop)
        states = sorted((m["state"], m["why"]) for m in await mails(shop))
        assert states == [("sent", "")] * 4 + [("withheld", "payer_budget")] * 4
        assert await shop.value("SELECT count(*) FROM contacts") == 4

    told(server, work)


def test_unsubscribed_holds_for_the_merchants_later_orders(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await links(shop)
        order_id = await open_order(shop)
        await by_day(shop)
        assert not (await contact_page(shop.world, *shop.key(order_id))).unsubscribed
        for _ in range(2):
            assert (await unsubscribe(shop.world, *shop.key(order_id))).unsubscribed
        await open_order(shop, "Ana@Payer.example")
        await open_order(shop, "bea@payer.example")
        await by_day(shop)
        assert [(m["state"], m["why"]) for m in await mails(shop)] == [
            ("sent", ""),
            ("withheld", "unsubscribed"),
            ("sent", ""),
        ]

    told(server, work)


def test_a_mail_that_is_sent_again_counts_once(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await links(shop)
        await open_order(shop, "later@payer.example")
        await by_day(shop)
        async with owner(shop.world) as connection:
            for _ in range(2):
                await connection.execute("UPDATE due_work SET due_at = now() WHERE kind = 'mail'")
                await shop.run_due()
        [mail] = await mails(shop)
        assert mail["state"] == "sent"
        assert await shop.value("SELECT count(*) FROM contacts") == 1

    told(server, work)


def test_the_link_and_a_try_by_the_merchant_make_one_charge(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await links(shop)
        order_id = await open_order(shop, pan=script_card("visa", "51", 0), code="N7")
        page = await show(shop.world, *shop.key(order_id))
        await asyncio.gather(
            answered(shop, page, **ANOTHER),
            bring_forward(shop.orders, shop.scope, order_id),
            answered(shop, page, **ANOTHER),
            return_exceptions=True,
        )
        await shop.settle()
        approved = "SELECT count(*) FROM attempts WHERE order_id = $1 AND state = 'approved'"
        assert await shop.value(approved, order_id) == 1
        assert (await shop.order(order_id))["stage"] == "completed"

    told(server, work)


def test_hostile_names_stay_text(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await links(shop)
        await open_order(shop, external_id="<b>x</b>{amount}")
        await by_day(shop)
        [got] = (await arrived(shop)).values()
        assert "\n" not in got["subject"]
        assert "<b>x</b>{amount}" in got["text"]

    told(server, work)


def test_foreign_order_has_no_such_page(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id = await open_order(shop)
        with pytest.raises(Problem) as problem:
            await unsubscribe(shop.world, order_id, shop.merchant_id)
        assert problem.value.code == "not_found"

    told(server, work)
