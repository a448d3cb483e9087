"""A process dies between every two statements of telling people; another goes on. Nobody hears
twice or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import kills, run_until_killed, survived
from tests.notifications.flows.test_digest import At, tomorrow
from tests.notifications.flows.test_notifications import on_hold
from tests.onboarding.flows.test_kill_onboarding import dying_world
from tests.rings import deep
from tests.telling import told, with_people
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kit.world import World
from recoup.notifications.flows.digest import send_digests
from recoup.notifications.flows.notification_mail import send_notifications
from recoup.notifications.flows.notifications import choose, keep_digest
from recoup.notifications.flows.tell_alert import alert_of_orders, tell_alert

pytestmark = deep("kills")

STEPS_MAX = 60
PEOPLE = 4  # who hear of orders


async def killed_everywhere(
    shop: Shop,
    begin: Callable[[], Awaitable[Any]],
    act: Callable[[World, Any], Awaitable[object]],
    check: Callable[[Any], Awaitable[None]],
    *,
    steps_min: int,
) -> None:
    """`begin` makes what is to be told; `act` dies at each of its statements, and is done again by
    another."""
    for killer in kills(act.__qualname__, least=steps_min, most=STEPS_MAX):
        made = await begin()
        async with dying_world(shop.world, killer) as dying:
            outcome = await run_until_killed(killer, act(dying, made))
        if isinstance(outcome, BaseException):
            raise outcome
        if not survived(killer):
            await act(shop.world, made)
        await check(made)


def run(server: ServerAddress, story: Callable[[Shop, dict[str, UUID]], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await story(shop, await with_people(shop))
            found = await verify(shop.world)
            assert found.difference is None, found.difference

    asyncio.run(inside())


@pytest.mark.timeout(900)
def test_orders_are_gathered_and_told_once(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        async def begin() -> int:
            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE alerts SET created_at = created_at - interval '1 hour'"
                )
            await on_hold(shop)
            return len(await told(shop))

        async def act(world: World, before: int) -> None:
            await alert_of_orders(world, shop.merchant_id)
            sql = "SELECT subject_id FROM due_work WHERE kind = 'alert' AND merchant_id = $1"
            async with world.db.connection() as connection:
                waiting = [
                    row["subject_id"] for row in await connection.fetch(sql, shop.merchant_id)
                ]
            for alert_id in waiting:
                await tell_alert(world, shop.merchant_id, alert_id)

        async def check(before: int) -> None:
            found = (await told(shop))[before:]
            assert len(found) == PEOPLE, [row["kind"] for row in found]
            assert {row["facts"]["orders"] for row in found} == {1}
            kinds = "SELECT count(*) FROM due_work WHERE kind IN ('alert', 'orders_alert')"
            assert not await shop.value(kinds)

        await killed_everywhere(shop, begin, act, check, steps_min=10)

    run(server, story)


@pytest.mark.timeout(900)
def test_a_mail_leaves_with_one_id_whatever_dies(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        async def begin() -> int:
            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE alerts SET created_at = created_at - interval '1 hour'"
                )
            await on_hold(shop)
            before = len(await told(shop))
            await alert_of_orders(shop.world, shop.merchant_id)
            await shop.run_due()
            return before

        async def act(world: World, before: int) -> None:
            async with (
                shop.world.people.connection() as connection
            ):  # the lease of who died is over
                await connection.execute(
                    "UPDATE notifications SET mail_due_at = now() WHERE mail_due_at IS NOT NULL"
                )
            while await send_notifications(world):
                pass

        async def check(before: int) -> None:
            found = (await told(shop))[before:]
            assert [row["mail_state"] for row in found] == ["sent"] * PEOPLE
            inbox = await shop.world.mail.inbox([row["notification_id"] for row in found])
            assert len(inbox) == PEOPLE, (
                "each under the one id that its reader's program knows it by"
            )

        await killed_everywhere(shop, begin, act, check, steps_min=3)

    run(server, story)


@pytest.mark.timeout(900)
def test_a_digest_is_made_once(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        user = people["owner"]
        await choose(shop.world, user, shop.merchant_id, {"digest": (True, True)})
        await keep_digest(shop.world, user, 0, True, True)

        async def begin() -> int:
            async with shop.world.people.connection() as connection:
                await connection.execute("DELETE FROM digests")
            return len(await told(shop))

        async def act(world: World, before: int) -> None:
            await send_digests(replace(world, clocks=At(tomorrow(12))))

        async def check(before: int) -> None:
            await send_digests(replace(shop.world, clocks=At(tomorrow(13))))
            assert [row["kind"] for row in (await told(shop))[before:]] == ["digest"]

        await killed_everywhere(shop, begin, act, check, steps_min=6)

    run(server, story)
