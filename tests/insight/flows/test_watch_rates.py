"""A rescue rate that falls is told once, whoever dies, to everybody who may see the overview."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tests.notifications.flows.test_kill_notifications import killed_everywhere
from tests.telling import ROLES, arrived, go_round, kinds, run, told, work_alerts
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.insight.flows.watch_rates import watch_rates
from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.notifications.rules.notification_words import words_of

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


async def placed(
    shop: Shop, ago: timedelta, count: int, rescued: int = 0, *, after: timedelta = HOUR
) -> None:
    """Payments as lists and logs hold them; the first `rescued` of them were, so long `after` they
    were placed."""
    at = await shop.now() - ago
    ids = [new_id() for _ in range(count)]
    async with owner(shop.world) as connection, connection.transaction():
        await connection.execute(
            "SET LOCAL session_replication_role = replica"
        )  # a log's middle without its begin
        await connection.execute(
            """INSERT INTO order_heads (merchant_id, order_id, placed_at, status, order_type,
                 source, door, site_id, asset, units)
               SELECT $1, o.id, $2, CASE WHEN o.no <= $4 THEN 7
                 ELSE 4 END, 'MIT', 'api', 'rescue', $1, 'USD', 100
               FROM unnest($3::uuid[]) WITH ORDINALITY AS o (id, no)""",
            shop.merchant_id,
            at,
            ids,
            rescued,
        )
        await connection.execute(
            """INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body,
                 actor, request_id, business_at, recorded_at)
               SELECT $1, id, 3, 'collected', 'processing', 'completed', '{}', 'system', 'test', $2,
                 $2
               FROM unnest($3::uuid[]) AS id""",
            shop.merchant_id,
            at + after,
            ids[:rescued],
        )


async def a_week(
    shop: Shop, count: int = 20, rescued: int = 10, *, after: timedelta = HOUR
) -> None:
    for day in range(1, 8):
        await placed(shop, day * DAY + 6 * HOUR, count, rescued, after=after)


async def later(shop: Shop) -> None:
    """An hour later the worker looks again."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE rescue_watches SET checked_at = checked_at - interval '1 hour'"
        )
    assert await watch_rates(shop.world) >= 1
    await go_round(shop)


def test_a_fall_is_told_once_and_the_next_one_after_it_was_back(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await a_week(shop)
        await placed(shop, DAY + 5 * HOUR, 20)
        await placed(shop, 6 * HOUR, 60, 10)
        await watch_rates(shop.world)
        await go_round(shop)
        for role in ROLES:
            assert await kinds(shop, people[role]) == ["rate"]
        assert await kinds(shop, people["operator"]) == await kinds(shop, people["stranger"]) == []
        words = words_of("rate", (await told(shop))[0]["facts"])
        assert (words.title, words.path) == (
            "The rescue rate fell from 43.8 % to 16.7 %",
            "/overview",
        )
        assert {mail["subject"] for mail in await arrived(shop)} == {
            "Brightleaf Tea (SANDBOX): The rescue rate fell from 43.8 % to 16.7 %"
        }
        assert await watch_rates(shop.world) == 0, "once an hour"
        await later(shop)
        assert len(await told(shop)) == len(ROLES), "the same fall"
        await placed(shop, 5 * HOUR, 100, 90)
        await later(shop)
        assert len(await told(shop)) == len(ROLES), "being back is no news"
        await placed(shop, 4 * HOUR, 300)
        await later(shop)
        assert len(await told(shop)) == 2 * len(ROLES)

    run(server, story)


def test_that_payments_are_young_is_no_fall(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await a_week(shop, after=30 * HOUR)
        await a_week(shop, 20, 2)
        await placed(shop, 6 * HOUR, 60, 3)
        await watch_rates(shop.world)
        await go_round(shop)
        assert await told(shop) == [], (
            "at their age 5 % of those before were rescued as well, though by now it is 30 %"
        )

    run(server, story)


def test_a_day_is_one_of_the_merchants_clock(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await a_week(shop)
        await placed(shop, 6 * HOUR, 60)
        await shop.advance(DAY)
        await watch_rates(shop.world)
        await go_round(shop)
        assert "rate" not in await kinds(shop, people["owner"]), (
            "nothing came in within its last day"
        )

    run(server, story)


def test_of_workers_at_once_one_looks(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        everybody = await shop.value("SELECT count(*) FROM merchants")
        assert sum(await asyncio.gather(*(watch_rates(shop.world) for _ in range(4)))) == everybody

    run(server, story)


@pytest.mark.timeout(900)
def test_it_is_told_once_whatever_dies(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await a_week(shop)
        await placed(shop, 6 * HOUR, 60)

        async def begin() -> int:
            async with owner(shop.world) as connection:
                await connection.execute("UPDATE rescue_watches SET fell_at = NULL")
            return len(await told(shop))

        async def act(world: World, before: int) -> None:
            async with owner(
                shop.world
            ) as connection:  # what a dead worker took waits for the next hour
                await connection.execute(
                    "UPDATE rescue_watches SET checked_at = checked_at - interval '1 hour'"
                )
            await watch_rates(world, shop.merchant_id)
            await work_alerts(world, shop.merchant_id)

        async def check(before: int) -> None:
            assert [row["kind"] for row in (await told(shop))[before:]] == ["rate"] * len(ROLES)

        await killed_everywhere(shop, begin, act, check, steps_min=6)

    run(server, story)
