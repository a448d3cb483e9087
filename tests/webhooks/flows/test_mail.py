"""Notices to payers: what happened becomes one mail, whatever the mail server does."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.settlement.flows.test_fees import paid
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.mail.flows.post_mail import failing_mails
from recoup.people.flows.notices import inbox, switch, switches
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.taken import Person

ALL = {"receipt": True, "refunded": True}


def told(server: ServerAddress, work: Callable[[Shop], Awaitable[None]]) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            await work(shop)
            assert (found := await verify(world)).difference is None, found.difference

    asyncio.run(story())


async def mails(shop: Shop) -> list[dict[str, Any]]:
    async with shop.world.db.connection() as connection:
        return [dict(row) for row in await connection.fetch("SELECT * FROM mails ORDER BY mail_id")]


async def arrived(shop: Shop) -> dict[UUID, dict[str, Any]]:
    return await inbox(shop.world, [mail["mail_id"] for mail in await mails(shop)])


def test_receipt_and_refund(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await paid(shop)
        assert await mails(shop) == []
        await switch(shop.world, shop.scope, ALL)
        order_id = await paid(shop, email="ana@payer.example")
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="9.99"))
        await shop.settle()
        receipt, refunded = await mails(shop)
        assert [(m["notice"], m["state"], m["tries"]) for m in (receipt, refunded)] == [
            ("receipt", "sent", 1),
            ("refunded", "sent", 1),
        ]
        got = await arrived(shop)
        assert {m["recipient"] for m in got.values()} == {"ana@payer.example"}
        first, second = got[receipt["mail_id"]], got[refunded["mail_id"]]
        assert first["subject"] == "Your payment of 99.99 USD to Leaf"
        for word in (
            "ending in",
            "BRIGHTLEAF *TEA",
            "http://recoup.test/charge",
            "https://leaf.example.test",
        ):
            assert word in first["text"], word
        assert "9.99 USD for your order" in second["text"]

    told(server, work)


def test_the_link_of_a_challenge(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        assert (await switches(shop.world, shop.merchant_id))["challenge"]
        order_id = await shop.admit(code="N7")
        await shop.run_due()
        assert "challenge_offered" in await shop.happenings(order_id)
        [mail] = (await arrived(shop)).values()
        assert "http://recoup.test/checkout/" in mail["text"]

    told(server, work)


def test_addresses_that_take_nothing(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await switch(shop.world, shop.scope, ALL)
        for address in (
            "refused@payer.example",
            "",
            "a@x.example\nBcc: b@y.example",
            "later@payer.example",
        ):
            await paid(shop, email=address)
        await shop.run_due()
        assert [m["state"] for m in await mails(shop)] == [
            "refused",
            "no_address",
            "no_address",
            "owed",
        ]
        late = (await mails(shop))[-1]
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE mails SET tries = 4 WHERE state = 'owed'")
        assert await failing_mails(shop.world) == (1, "no answer in time")
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE due_work SET due_at = now() WHERE kind = 'mail'")
        await shop.run_due()
        assert (await mails(shop))[-1]["state"] == "sent"
        assert (await arrived(shop))[late["mail_id"]]["times"] == 2, (
            "the same id again: the reader sees it once"
        )
        assert not await shop.value("SELECT count(*) FROM due_work WHERE kind = 'mail'")

    told(server, work)


def test_a_server_that_stays_away_is_given_up(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await switch(shop.world, shop.scope, ALL)
        await paid(shop)
        async with owner(shop.world) as connection:
            await connection.execute("ALTER TABLE mailbox.mails RENAME TO away")
            for _ in range(12):
                await connection.execute("UPDATE due_work SET due_at = now() WHERE kind = 'mail'")
                await shop.run_due()
            await connection.execute("ALTER TABLE mailbox.away RENAME TO mails")
        [mail] = await mails(shop)
        assert (mail["state"], mail["tries"]) == ("given_up", 8)
        assert not await shop.value("SELECT count(*) FROM due_work WHERE kind = 'mail'")

    told(server, work)


def test_switches(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        with pytest.raises(Problem) as problem:
            await switch(shop.world, shop.scope, {"birthday": True})
        assert problem.value.field == "notice"
        assert (await switch(shop.world, shop.scope, {"receipt": True}))["receipt"]
        assert not (await switch(shop.world, shop.scope, {"receipt": False, "challenge": False}))[
            "challenge"
        ]
        await paid(shop)
        assert await mails(shop) == []
        assert (await shop.advance(timedelta(days=1))) is not None

    told(server, work)


@pytest.mark.parametrize(
    ("billing", "subject"),
    [
        ({"countryCode": "DE", "country": "US"}, "Ihre Zahlung von 99,99 USD an Leaf"),
        ({"countryCode": "CH"}, "Your payment of 99.99 USD to Leaf"),
        ({}, "Your payment of 99.99 USD to Leaf"),
    ],
    ids=["Germany", "a country of several languages", "none"],
)
def test_a_payer_reads_what_their_billing_country_reads(
    server: ServerAddress, billing: dict[str, str], subject: str
) -> None:
    async def work(shop: Shop) -> None:
        await switch(shop.world, shop.scope, ALL)
        await paid(
            shop,
            payer=Person(
                first_name="Ana", last_name="Roe", email="ana@payer.example", billing=billing
            ),
        )
        await shop.settle()
        [mail] = (await arrived(shop)).values()
        assert mail["subject"] == subject

    told(server, work)
