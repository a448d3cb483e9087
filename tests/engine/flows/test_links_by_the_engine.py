"""The engine picks the moment of a payment link:
where the merchant wants that, and nowhere else."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.rescue.flows.test_challenges import ANOTHER, answered
from tests.uplift.flows.test_arms import ALL, Row, decisions, run, set_to
from tests.webhooks.flows.test_mail import mails
from tests.worlds import FUNDS_CARD, Shop, owner

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kit.upkeep import purge_expired
from recoup.mail.feature import CONTACTS_KEPT
from recoup.people.flows.notices import switch
from recoup.rescue.flows.challenge import show
from recoup.rescue.flows.taken import Person


async def switched(shop: Shop, *, early: bool = True) -> None:
    await switch(shop.world, shop.scope, {"payment_link": True, "payment_link_early": early})
    await set_to(shop, ALL)


async def declined(shop: Shop, **more: Any) -> UUID:
    person = Person(
        first_name="Ana", last_name="Roe", email="ana@payer.example", billing={"countryCode": "DE"}
    )
    order_id = await shop.admit(**({"pan": FUNDS_CARD, "payer": person} | more))
    await shop.run_due()
    return order_id


async def first(shop: Shop, order_id: UUID) -> Row:
    return (await decisions(shop, order_id))[0]


async def brought(shop: Shop, sent: int, paid: int) -> None:
    """So many links of a month ago, of which some were paid."""
    at = await shop.now() - timedelta(days=30)
    async with owner(shop.world) as connection:
        for number in range(sent):
            order_id, merchant_id = new_id(), shop.merchant_id
            await connection.execute(
                "INSERT INTO contacts (merchant_id, mail_id, order_id, address_id, contacted_at)"
                " VALUES ($1, $2, $3, $4, $5)",
                merchant_id,
                new_id(),
                order_id,
                new_id(),
                at,
            )
            if number < paid:
                await connection.execute("SET session_replication_role = replica")
                await connection.execute(
                    "INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, "
                    "ladder, due_at, units,"
                    " asset, initiator) VALUES ($1, $2, $3, 1, 'approved', 'challenge', $4, 1, "
                    "'USD', 'customer')",
                    merchant_id,
                    new_id(),
                    order_id,
                    at,
                )
                await connection.execute("SET session_replication_role = origin")
        await connection.execute(
            "INSERT INTO contacts (merchant_id, mail_id, order_id, address_id, contacted_at)"
            " VALUES ($1, $2, $2, $2, $3)",
            shop.merchant_id,
            new_id(),
            at + timedelta(days=29),
        )


async def forget(shop: Shop) -> None:
    """What stands for nothing would not be verified."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "DELETE FROM attempts a WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = "
            "a.order_id)"
        )


def test_a_link_leaves_beside_the_tries_and_pays(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await switched(shop)
        await brought(shop, 60, 55)
        order_id = await declined(shop)
        row = await first(shop, order_id)
        await forget(shop)
        assert (row["verdict"], row["rules"][-1]) == ("plan", "link_now")
        assert row["features"]["link"] == {"policy": "links-1", "sent": 60, "paid": 55}
        ways = {one["name"]: one for one in row["alternatives"] if one["name"].startswith("link_")}
        assert ways["link_now"]["chance"] > 0.5
        assert ways["link_now"]["price"] > ways["link_last"]["price"]
        [mail] = await mails(shop)
        assert (mail["notice"], mail["state"] in ("owed", "sent")) == ("payment_link", True)
        assert (await shop.order(order_id))["next_attempt_at"] is not None, "the tries go on"
        assert (
            await answered(shop, await show(shop.world, *shop.key(order_id)), **ANOTHER)
        ).state == "passed"
        said = (
            "SELECT body ->> 'By' FROM outbox WHERE subject_id = $1 AND event = 'order.completed'"
        )
        assert await shop.value(said, order_id) == "link"
        await shop.advance(timedelta(days=9))
        assert (
            await shop.value(
                "SELECT count(*) FROM attempts WHERE order_id = $1 AND state = 'approved'", order_id
            )
            == 1
        )

    run(server, story)


def test_links_that_nobody_pays_wait_for_the_tries(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await switched(shop)
        await brought(shop, 400, 0)
        order_id = await declined(shop, units=400)
        row = await first(shop, order_id)
        assert (row["verdict"], row["rules"][-1]) == ("plan", "link_waits")
        assert await mails(shop) == []

    run(server, story)


def test_off_and_without_the_engine_nothing_changes(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await switched(shop, early=False)
        row = await first(shop, await declined(shop))
        assert "link" not in row["features"]
        assert not [one for one in row["alternatives"] if one["name"].startswith("link_")]
        await switch(shop.world, shop.scope, {"payment_link": False, "payment_link_early": True})
        assert "link" not in (await first(shop, await declined(shop)))["features"]
        assert await mails(shop) == []

    run(server, story)


def test_one_link_at_a_time_however_often_the_engine_decides(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await switched(shop)
        order_id = await declined(shop)
        for _ in range(3):
            await shop.advance(timedelta(days=4))
            await shop.settle()
        rows = [row for row in await decisions(shop, order_id) if "link_now" in row["rules"]]
        assert len(rows) <= 1
        assert len(await mails(shop)) == 1
        assert (
            await shop.value("SELECT count(*) FROM challenges WHERE order_id = $1", order_id) == 1
        )

    run(server, story)


def test_contacts_of_long_ago_are_forgotten(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await brought(shop, 2, 0)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE contacts SET contacted_at = contacted_at - $1::interval", CONTACTS_KEPT
            )
        await brought(shop, 1, 0)
        await purge_expired(shop.world)
        assert await shop.value("SELECT count(*) FROM contacts") == 2

    run(server, story)
