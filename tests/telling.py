"""What tests of notifications need: people at a shop, and what they were told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kit.world import World
from recoup.notifications.flows.digest import send_digests
from recoup.notifications.flows.notification_mail import send_notifications
from recoup.notifications.flows.tell_alert import alert_of_orders, tell_alert, tell_partners
from recoup.onboarding.flows.register import register
from recoup.people.flows.make_user import Membership, make_user

PASSWORD = "correct horse battery"
ROLES = ("owner", "operations", "developer", "analyst")
Story = Callable[[Shop, dict[str, UUID]], Awaitable[None]]


def run(server: ServerAddress, story: Story) -> None:
    """In a sandbox, at a shop with people."""

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await story(shop, await with_people(shop))

    asyncio.run(inside())


async def with_people(shop: Shop) -> dict[str, UUID]:
    """One of each role, somebody of the operator, and a stranger of another shop."""
    await register(shop.world, shop.merchant_id)
    made = {
        role: await person(shop, role, Membership("merchant", shop.merchant_id, role))
        for role in ROLES
    }
    made["operator"] = await person(shop, "operator", Membership("operator", UUID(int=0), "owner"))
    made["stranger"] = await person(shop, "stranger", Membership("merchant", UUID(int=5), "owner"))
    return made


async def person(shop: Shop, name: str, *memberships: Membership) -> UUID:
    return await make_user(
        shop.world, f"{name}@staff.example", name.capitalize(), PASSWORD, list(memberships)
    )


async def told(shop: Shop, user_id: UUID | None = None) -> list[dict[str, Any]]:
    """Oldest first."""
    sql = (
        "SELECT * FROM notifications WHERE $1::uuid IS NULL OR user_id = $1 ORDER BY "
        "notification_id"
    )
    async with shop.world.people.connection() as connection:
        return [dict(row) for row in await connection.fetch(sql, user_id)]


async def kinds(shop: Shop, user_id: UUID) -> list[str]:
    return [row["kind"] for row in await told(shop, user_id)]


async def arrived(shop: Shop) -> list[dict[str, Any]]:
    """The mails of notifications that the sandbox's mailbox has."""
    inbox = await shop.world.mail.inbox([row["notification_id"] for row in await told(shop)])
    return sorted(inbox.values(), key=lambda mail: mail["recipient"])


async def work_alerts(world: World, merchant_id: UUID) -> None:
    """Of due work the merchant's alerts alone."""
    sql = "SELECT subject_id FROM due_work WHERE kind = 'alert' AND merchant_id = $1"
    async with world.db.connection() as connection:
        waiting = await connection.fetch(sql, merchant_id)
    for row in waiting:
        await tell_alert(world, merchant_id, row["subject_id"])


async def go_round(shop: Shop) -> None:
    """What a worker does, with the minute for gathering orders over."""
    await shop.publish()
    async with shop.world.db.connection() as connection:
        waits = await connection.fetchval(
            "SELECT count(*) FROM due_work WHERE kind = 'orders_alert'"
        )
    if waits:
        await alert_of_orders(shop.world, shop.merchant_id)
    await shop.run_due()
    await tell_partners(shop.world)
    await send_digests(shop.world)
    while await send_notifications(shop.world):
        pass
