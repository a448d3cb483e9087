"""What happened becomes one notification for each person who may hear of it, whatever comes twice
or in between."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.bank.flows.test_bank_payouts import closed
from tests.disputes.flows.test_disputes import paid, the_dispute
from tests.settling import DAY, payouts
from tests.settling import person as actor
from tests.telling import arrived, go_round, kinds, person, told, with_people
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.bank.flows import approve, tell_outcome
from recoup.db.server import ServerAddress
from recoup.db.upkeep import retain
from recoup.disputes.flows.answer import answer_dispute, note_evidence
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.insight.flows.verify import verify
from recoup.kit.upkeep import purge_expired
from recoup.main.doctor_verb import look_at
from recoup.networks.whys import HOLD_REASONS
from recoup.notifications.flows.notification_mail import message_of, send_notifications
from recoup.notifications.flows.notifications import keep_language, keep_zone
from recoup.notifications.flows.tell_alert import alert_of_orders, tell_alert
from recoup.notifications.store.notification_settings import NotificationMail, choose
from recoup.notifications.store.notifications import readers_of
from recoup.orders.rules.events import CATALOGUE
from recoup.outside.mail.smtp import compose
from recoup.people.flows.invitations import Subject
from recoup.people.flows.make_user import Membership
from recoup.people.flows.memberships import end_membership
from recoup.rescue.flows.by_hand import hold, release
from recoup.rescue.flows.due import start
from recoup.webhooks.flows import endpoints
from recoup.webhooks.rules.breaker import FAILURES_TO_OPEN

Story = Callable[[Shop, dict[str, UUID]], Awaitable[None]]


def story(server: ServerAddress, work: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await work(shop, await with_people(shop))
            await shop.settle()
            await shop.close_pages()
            found = await verify(shop.world)
            assert found.difference is None, found.difference

    asyncio.run(inside())


async def on_hold(shop: Shop, count: int = 1) -> list[UUID]:
    orders = await shop.admit_many(count)
    for order_id in orders:
        await hold(shop.orders, shop.scope, order_id, sorted(HOLD_REASONS)[0])
    await shop.publish()
    return orders


def test_a_code_that_is_on_no_list_is_told_of_once_a_week_with_its_orders(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        for code in ("9Z", "9Z", "51"):
            await start(shop.orders, shop.key(await shop.admit(code=code)))
        await go_round(shop)
        for role in ("owner", "operations", "developer"):
            [one] = await told(shop, people[role])
            facts = {name: one["facts"][name] for name in ("scheme", "kind", "code", "orders")}
            assert (one["kind"], facts) == (
                "unlisted_code",
                {"scheme": "visa", "kind": "code", "code": "9Z", "orders": 2},
            )
        assert await told(shop, people["analyst"]) == await told(shop, people["stranger"]) == []
        assert {mail["subject"] for mail in await arrived(shop)} == {
            "Brightleaf Tea (SANDBOX): The code 9Z is on no list"
        }
        [line] = [line async for line in look_at(shop.world) if line.what == "unlisted codes"]
        assert line.finding == "on no list, declines are read without them: visa 9Z (1)"

    story(server, work)


def test_orders_that_wait_are_told_of_together_once_an_hour(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        first = await on_hold(shop, 7)
        await release(shop.orders, shop.scope, first.pop())
        assert await told(shop) == [], "they are gathered for a minute"
        await go_round(shop)
        for role in ("owner", "operations", "developer", "analyst"):
            [one] = await told(shop, people[role])
            assert (one["kind"], one["mail_state"], one["facts"]["orders"]) == ("orders", "sent", 6)
            assert len(one["facts"]["first"]) == 5
            assert set(one["facts"]["first"]) < {str(order_id) for order_id in first}
        assert await told(shop, people["operator"]) == await told(shop, people["stranger"]) == []
        assert [mail["subject"] for mail in await arrived(shop)] == [
            "Brightleaf Tea (SANDBOX): 6 orders need attention"
        ] * 4
        await on_hold(shop)
        await go_round(shop)
        assert len(await told(shop)) == 4, "within the hour nobody hears of the next one"
        later = (
            "SELECT due_at > now() + interval '55 minutes' FROM due_work WHERE kind = "
            "'orders_alert'"
        )
        assert await shop.value(later)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE alerts SET created_at = created_at - interval '1 hour'"
            )
        await go_round(shop)
        assert len(await told(shop)) == 8
        assert (await told(shop, people["owner"]))[1]["facts"]["orders"] == 1, (
            "only those since the last time"
        )
        await go_round(shop)
        assert len(await told(shop)) == 8

    story(server, work)


def test_orders_that_went_on_by_themselves_need_nobody(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        [order_id] = await on_hold(shop)
        await release(shop.orders, shop.scope, order_id)
        await go_round(shop)
        assert await told(shop) == []
        await on_hold(shop)
        await go_round(shop)
        assert (await told(shop, people["owner"]))[0]["facts"]["orders"] == 1

    story(server, work)


def test_a_dispute_and_its_deadline_while_nothing_is_sent(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        order_id = await paid(shop)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), kind="service")
        await go_round(shop)
        dispute = await the_dispute(shop, order_id)
        [opened] = await told(shop, people["analyst"])
        assert (opened["kind"], opened["facts"]["dispute_id"]) == (
            "dispute",
            str(dispute["dispute_id"]),
        )
        assert await told(shop, people["developer"]) == [], "a developer hears of no money"
        left = dispute["respond_by"] - await shop.now()
        for days in (7, 3, 1):
            if left > timedelta(days=days):
                at = dispute["respond_by"] - timedelta(days=days)
                await shop.advance(at - await shop.now() + timedelta(minutes=1))
                await go_round(shop)
                found = [
                    row["facts"]
                    for row in await told(shop, people["owner"])
                    if row["kind"] == "deadline"
                ]
                assert [facts["days"] for facts in found][-1] == days
        assert (await kinds(shop, people["owner"])).count("deadline") == sum(
            left > d * DAY for d in (7, 3, 1)
        )

    story(server, work)


def test_who_has_answered_is_not_reminded(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        order_id = await paid(shop)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), kind="service")
        dispute = await the_dispute(shop, order_id)
        await note_evidence(shop.world, shop.scope, dispute["dispute_id"], "It was delivered.")
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute["dispute_id"], "contest")
        await shop.run_due()
        await shop.advance(dispute["respond_by"] - await shop.now())
        await go_round(shop)
        assert "deadline" not in await kinds(shop, people["owner"])
        assert not await shop.value("SELECT count(*) FROM due_work WHERE kind = 'dispute_reminder'")

    story(server, work)


def test_a_payout_from_its_making_to_the_bank(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await closed(shop)
        await go_round(shop)
        assert await kinds(shop, people["operator"]) == ["approval"]
        assert sorted(await kinds(shop, people["owner"])) == ["payout", "settlement"]
        assert await told(shop, people["developer"]) == []
        assert {mail["recipient"] for mail in await arrived(shop)} == {"operator@staff.example"}
        [payout] = await payouts(shop)
        await approve(shop.world, actor(shop, "olga"), payout["payout_id"])
        await shop.run_due()
        await go_round(shop)
        assert sorted(await kinds(shop, people["owner"])) == ["payout", "payout", "settlement"]
        await tell_outcome(
            shop.world, actor(shop, "olga"), payout["payout_id"], "returned", "closed account"
        )
        await go_round(shop)
        assert (await kinds(shop, people["analyst"]))[-1] == "payout_failed"
        assert "analyst@staff.example" in {mail["recipient"] for mail in await arrived(shop)}

    story(server, work)


def test_an_alert_that_is_carried_twice_tells_once(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await on_hold(shop)
        await go_round(shop)
        alert_id = await shop.value("SELECT alert_id FROM alerts WHERE kind = 'orders'")
        await asyncio.gather(
            *(tell_alert(shop.world, shop.merchant_id, alert_id) for _ in range(4))
        )
        await asyncio.gather(*(send_notifications(shop.world) for _ in range(4)))
        assert len(await told(shop)) == 4
        assert [mail["times"] for mail in await arrived(shop)] == [1] * 4

    story(server, work)


def test_who_leaves_hears_nothing_from_then_on(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await on_hold(shop)
        await shop.publish()
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE due_work SET due_at = now() WHERE kind = 'orders_alert'"
            )
        await shop.run_due()
        subject = Subject("merchant", shop.merchant_id, "Brightleaf Tea")
        await end_membership(
            shop.world, subject, people["analyst"], by=people["owner"], request_id="test"
        )
        await send_notifications(shop.world)
        [mine] = await told(shop, people["analyst"])
        assert mine["mail_state"] == "dropped", "also what was owed before"
        assert "analyst@staff.example" not in {mail["recipient"] for mail in await arrived(shop)}
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE alerts SET created_at = created_at - interval '1 hour'"
            )
        await on_hold(shop)
        await go_round(shop)
        assert len(await told(shop, people["analyst"])) == 1

    story(server, work)


def test_choices_decide_by_which_way(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        wanted = {
            "owner": (True, False),
            "operations": (False, True),
            "analyst": (False, False),
            "operator": (True, True),
        }
        async with shop.world.people.connection() as connection:
            for name, way in wanted.items():
                await choose(connection, people[name], "sandbox", shop.merchant_id, {"orders": way})
            await choose(
                connection,
                people["developer"],
                "live",
                shop.merchant_id,
                {"orders": (False, False)},
            )
        await on_hold(shop)
        await go_round(shop)
        found = {row["user_id"]: (row["on_page"], row["mail_state"]) for row in await told(shop)}
        assert found == {
            people["owner"]: (True, "none"),
            people["operations"]: (False, "sent"),
            people["operator"]: (True, "sent"),
            people["developer"]: (True, "sent"),
        }

    story(server, work)


@pytest.mark.parametrize(
    ("address", "state", "times"), [("refused", "refused", 0), ("later", "owed", 1)]
)
def test_a_mail_server_that_refuses_or_loses_its_answer(
    server: ServerAddress, address: str, state: str, times: int
) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        user = await person(shop, address, Membership("merchant", shop.merchant_id, "analyst"))
        await on_hold(shop)
        await go_round(shop)
        [mine] = await told(shop, user)
        assert (mine["mail_state"], mine["mail_tries"]) == (state, 1)
        async with shop.world.people.connection() as connection:
            await connection.execute(
                "UPDATE notifications SET mail_due_at = now() WHERE mail_due_at IS NOT NULL"
            )
        await send_notifications(shop.world)
        got = await shop.world.mail.inbox([mine["notification_id"]])
        assert [mail["times"] for mail in got.values()] == [times + 1] * bool(times), (
            "the same id: read once"
        )

    story(server, work)


def test_without_a_mail_server_the_page_tells(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        without = replace(shop, world=replace(shop.world, mail=None))
        await on_hold(without)
        await go_round(without)
        [mine] = await told(shop, people["owner"])
        assert (mine["on_page"], mine["mail_state"], mine["mail_why"]) == (
            True,
            "owed",
            "no mail server is set up",
        )

    story(server, work)


def test_a_mail_is_plain_short_and_can_be_stopped(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        order_id = await paid(shop, email="ana@payer.example")
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), kind="service")
        await go_round(shop)
        mail: dict[str, Any] = (await arrived(shop))[0]
        assert mail["html"] == ""
        assert mail["subject"].startswith(
            "Brightleaf Tea (SANDBOX): A dispute over 45.90 USD was opened"
        )
        assert len(mail["text"]) < 900
        for secret in ("ana", "Roe", "payer.example", "ending in"):
            assert secret not in mail["text"] + mail["subject"]
        [row] = await told(shop, people["owner"])
        assert "ana" not in str(row["facts"])
        async with shop.world.people.connection() as connection:
            [reader] = await readers_of(connection, "sandbox", shop.merchant_id, people["owner"])
        mail_row = NotificationMail(
            **{name: row[name] for name in NotificationMail.__struct_fields__}
        )
        written = (
            compose(message_of(shop.world, mail_row, reader), "recoup@example.com")
            .as_bytes()
            .decode()
        )
        head = written.partition("\r\n\r\n")[0]
        assert "List-Unsubscribe: <http://recoup.test/unsubscribe/" in head.replace("\r\n ", " "), (
            head
        )
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
        assert "multipart" not in head
        assert "=?" not in head

    story(server, work)


def test_everybody_is_mailed_in_their_own_language_and_zone(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await keep_language(shop.world, people["owner"], "de")
        await keep_zone(shop.world, people["owner"], "Asia/Kolkata")
        order_id = await paid(shop)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), kind="service")
        await go_round(shop)
        mails = {mail["recipient"].partition("@")[0]: mail for mail in await arrived(shop)}
        assert (
            "(SANDBOX): Ein Streitfall über 45,90 USD wurde eröffnet" in mails["owner"]["subject"]
        )
        assert " Asia/Kolkata." in mails["owner"]["text"]
        assert "Diese Mails abbestellen: http" in mails["owner"]["text"]
        assert "A dispute over 45.90 USD was opened" in mails["operations"]["subject"]
        assert " GMT." in mails["operations"]["text"]

    story(server, work)


def test_an_endpoint_that_is_down_is_told_of_once(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await endpoints.create(
            shop.world, shop.scope, "http://127.0.0.1:9/hook?key=abc", list(CATALOGUE), "rescue"
        )
        await shop.admit_many(4)
        for _ in range(FAILURES_TO_OPEN + 3):
            async with owner(shop.world) as connection:
                await connection.execute("UPDATE lanes SET due_at = now() WHERE due_at IS NOT NULL")
            await shop.publish()
        assert await shop.value("SELECT opened_at IS NOT NULL FROM endpoints")
        await go_round(shop)
        assert await kinds(shop, people["developer"]) == ["webhook"]
        assert await kinds(shop, people["analyst"]) == []
        mail = next(
            mail for mail in await arrived(shop) if mail["recipient"] == "developer@staff.example"
        )
        assert (
            "127.0.0.1:9. It is probed until it answers again; no events are lost." in mail["text"]
        )
        assert "key=abc" not in mail["text"], "an address may hold a secret"
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE endpoints SET probe_at = now()")
            await connection.execute("UPDATE lanes SET due_at = now() WHERE due_at IS NOT NULL")
        await shop.publish()
        await go_round(shop)
        assert await kinds(shop, people["developer"]) == ["webhook"]

    story(server, work)


def test_an_alert_waits_until_the_people_database_knows_the_merchant(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await on_hold(shop)
        await alert_of_orders(shop.world, shop.merchant_id)
        db = shop.world.people
        async with db.connection() as connection:
            await connection.execute("UPDATE merchant_worlds SET world = 'elsewhere'")
        await shop.run_due()
        assert await told(shop) == []
        assert await shop.value(
            "SELECT last_error LIKE '%has not heard%' FROM due_work WHERE kind = 'alert'"
        )
        async with db.connection() as connection:
            await connection.execute("UPDATE merchant_worlds SET world = 'sandbox'")
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE due_work SET lease_until = NULL")
        await shop.run_due()
        assert len(await told(shop)) == 4

    story(server, work)


def test_what_was_told_half_a_year_ago_is_forgotten(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await on_hold(shop)
        await go_round(shop)
        await purge_expired(shop.world)
        assert len(await told(shop)) == 4
        async with shop.world.people.connection() as connection:
            await connection.execute(
                "UPDATE notifications SET created_at = created_at - interval '181 days'"
            )
        await purge_expired(shop.world)
        assert await told(shop) == []
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE alerts SET created_at = created_at - interval '91 days'"
            )
            await retain(connection, shop.world.clocks.wall())
        assert not await shop.value("SELECT count(*) FROM alerts")

    story(server, work)
