"""A partner's endpoint that takes nothing any more: the partner's people who look after hooks hear
of it, once."""

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import pytest
from tests.notifications.flows.test_kill_notifications import killed_everywhere
from tests.odd_servers import serving
from tests.partners.page.test_partner import Office, office, post
from tests.telling import arrived, go_round, told
from tests.worlds import owner

from recoup.db.server import ServerAddress
from recoup.db.upkeep import retain
from recoup.kernel.scope import Actor, PartnerScope
from recoup.kit.world import World
from recoup.notifications.flows.notification_mail import send_notifications
from recoup.notifications.flows.tell_alert import tell_partners
from recoup.notifications.store.alerts import ALERTS_KEPT
from recoup.orders.rules.events import CATALOGUE
from recoup.people.flows.invitations import Subject
from recoup.people.flows.memberships import end_membership
from recoup.webhooks.flows import endpoints
from recoup.webhooks.rules.breaker import FAILURES_TO_OPEN

HEARS = {"developer", "operations", "owner"}


async def endpoint(at: Office, url: str = "http://127.0.0.1:9/hook?key=abc") -> UUID:
    scope = PartnerScope(at.partner_id, Actor("partner", "p"), "test")
    made = await endpoints.create(at.world, scope, url, list(CATALOGUE), "rescue")
    return made.endpoint_id


async def fail(at: Office, tries: int) -> None:
    for _ in range(tries):
        async with owner(at.world) as connection:
            await connection.execute("UPDATE lanes SET due_at = now() WHERE due_at IS NOT NULL")
            await connection.execute(
                "UPDATE endpoints SET probe_at = now() WHERE probe_at IS NOT NULL"
            )
        await at.shop.publish()


async def heard(at: Office) -> list[tuple[str, str]]:
    """Who was told, and of what."""
    rows = await at.world.people.fetch(
        "SELECT u.email, n.kind FROM notifications n JOIN users u USING (user_id) ORDER BY 1, 2"
    )
    return [(row["email"].partition("@")[0], row["kind"]) for row in rows]


def test_those_who_may_change_hooks_hear_once_and_are_led_there(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        endpoint_id = await endpoint(at)
        await at.world.people.execute(
            "INSERT INTO person_settings (user_id, language)"
            " SELECT user_id, 'fr' FROM users WHERE email = 'developer@example.test'"
        )
        await at.shop.admit_many(4)
        await fail(at, FAILURES_TO_OPEN + 3)
        await go_round(at.shop)
        assert await heard(at) == [(role, "partner_webhook") for role in sorted(HEARS)]
        await fail(at, 2)
        await go_round(at.shop)
        assert len(await heard(at)) == len(HEARS), "it is down still"
        [mail] = [
            mail for mail in await arrived(at.shop) if mail["recipient"] == "developer@example.test"
        ]
        assert (
            mail["subject"]
            == "Subscriptions Inc (SANDBOX): Un point d’accès de webhook est hors service"
        )
        assert "Ne plus recevoir ces e-mails" in mail["text"]
        assert "key=abc" not in mail["text"], "an address may hold a secret"
        dev, analyst = await at.as_("developer"), await at.as_("analyst")
        page = await dev.get("/notifications")
        [to] = re.findall(r'href="(/notifications/[0-9a-f-]{36})"', page.text)
        answer = await dev.get(to)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/partner/webhooks/{endpoint_id}",
        )
        assert (await dev.get(answer.headers["location"])).status_code == 200
        assert "partner_webhook" in (await dev.get("/account/notifications")).text
        assert "partner_webhook" not in (await analyst.get("/account/notifications")).text
        assert (await analyst.get(to)).status_code == 404, "somebody else's"

    office(server, story)


def test_one_that_is_gone_for_good_is_told_as_switched_off(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        async def gone(
            _h: bytes, _b: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
        ) -> None:
            writer.write(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()

        async with serving(gone) as port:
            await endpoint(at, f"http://127.0.0.1:{port}/hook")
            await at.shop.admit_many(2)
            await at.shop.publish()
        await go_round(at.shop)
        assert await heard(at) == [(role, "partner_webhook") for role in sorted(HEARS)]
        assert {row["facts"]["state"] for row in await told(at.shop)} == {"disabled"}

    office(server, story)


def test_choices_links_and_leaving_count_as_at_a_merchant(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        boss, dev = await at.as_("owner"), await at.as_("developer")
        answer = await post(
            boss,
            "/account/notifications",
            "/account/notifications",
            partner=str(at.partner_id),
            kind=["partner_webhook"],
            page=["partner_webhook"],
        )
        assert answer.status_code == 303
        wrong = await post(
            boss,
            "/account/notifications",
            "/account/notifications",
            partner=str(at.partner_id),
            kind=["payout"],
        )
        assert "is not a notification" in wrong.text
        await endpoint(at)
        await at.shop.admit_many(4)
        await fail(at, FAILURES_TO_OPEN + 1)
        await tell_partners(at.world)
        subject = Subject("partner", at.partner_id, "Subscriptions Inc")
        users = {
            row["email"].partition("@")[0]: row["user_id"]
            for row in await at.world.people.fetch("SELECT email, user_id FROM users")
        }
        await end_membership(
            at.world, subject, users["operations"], by=users["owner"], request_id="test"
        )
        while await send_notifications(at.world):
            pass
        states = {row["user_id"]: row["mail_state"] for row in await told(at.shop)}
        assert states == {
            users["owner"]: "none",
            users["operations"]: "dropped",
            users["developer"]: "sent",
        }
        [mail] = await arrived(at.shop)
        [link] = re.findall(r"http://recoup\.test(/unsubscribe/\S+)", mail["text"])
        assert "Subscriptions Inc" in (await dev.get(link)).text
        assert (await dev.post(link)).status_code == 200
        page = (await dev.get("/account/notifications")).text
        assert 'name="page" value="partner_webhook" checked' in page
        assert 'name="mail" value="partner_webhook" checked' not in page

    office(server, story)


def test_what_was_told_long_ago_is_forgotten(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        await endpoint(at)
        await at.shop.admit_many(4)
        await fail(at, FAILURES_TO_OPEN + 1)
        async with owner(at.world) as connection:
            later = at.world.clocks.wall() + ALERTS_KEPT + timedelta(hours=1)
            await retain(connection, later)
            assert await connection.fetchval("SELECT count(*) FROM partner_alerts") == 1, (
                "nobody was told yet"
            )
            await tell_partners(at.world)
            await retain(connection, later)
            assert await connection.fetchval("SELECT count(*) FROM partner_alerts") == 0

    office(server, story)


@pytest.mark.timeout(600)
def test_it_is_told_once_whatever_dies(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        await endpoint(at)
        await at.shop.admit_many(4)
        await fail(at, FAILURES_TO_OPEN + 1)
        await tell_partners(at.world)

        async def begin() -> int:
            async with owner(at.world) as connection:
                await connection.execute(
                    "INSERT INTO partner_alerts SELECT partner_id, gen_random_uuid(), kind, about,"
                    " (SELECT max(step) + 1 FROM partner_alerts), facts, now() FROM partner_alerts "
                    "LIMIT 1"
                )
            return len(await told(at.shop))

        async def act(world: World, before: int) -> None:
            await tell_partners(world)

        async def check(before: int) -> None:
            assert len(await told(at.shop)) == before + len(HEARS)

        await killed_everywhere(at.shop, begin, act, check, steps_min=3)

    office(server, story)
