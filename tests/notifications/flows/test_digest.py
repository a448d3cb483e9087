"""The digest: once a day for each person and merchant, at their hour, whoever asks how often."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.disputes.flows.test_disputes import paid
from tests.telling import arrived, told, with_people
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.time import Clocks, WallTime
from recoup.notifications.flows.digest import send_digests
from recoup.notifications.flows.notification_mail import send_notifications
from recoup.notifications.flows.notifications import choose, keep_digest, keep_zone

BOTH = {"digest": (True, True)}
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class At(Clocks):
    """Stands still."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def wall(self) -> WallTime:
        return WallTime(self.at)


def story(server: ServerAddress, work: Callable[[Shop, dict[str, UUID]], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await work(shop, await with_people(shop))

    asyncio.run(inside())


def at(shop: Shop, moment: datetime) -> Shop:
    return replace(shop, world=replace(shop.world, clocks=At(moment)))


def tomorrow(hour: int) -> datetime:
    return (datetime.now(UTC) + timedelta(days=1)).replace(
        hour=hour, minute=0, second=0, microsecond=0
    )


async def digests(shop: Shop, user_id: UUID | None = None) -> list[dict[str, object]]:
    return [row["facts"] for row in await told(shop, user_id) if row["kind"] == "digest"]


def test_yesterday_is_told_once_at_the_hour(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        owner = people["owner"]
        await choose(shop.world, owner, shop.merchant_id, BOTH)
        await paid(shop)
        await shop.admit()
        before, when = at(shop, tomorrow(8) - timedelta(seconds=1)), at(shop, tomorrow(8))
        await send_digests(before.world)
        today = await digests(
            shop, owner
        )  # of the day before, on which nothing was, when the hour has passed today
        await asyncio.gather(*(send_digests(when.world) for _ in range(4)))
        await send_digests(at(shop, tomorrow(8) + 5 * HOUR).world)
        found = (await digests(shop, owner))[len(today) :]
        assert [(f["declined"], f["rescued"], f["recovered"]) for f in found] == [
            (2, 1, [["USD", 4590]])
        ]
        assert len(await told(shop)) == len(found) + len(today), "nobody else asked for it"
        await send_notifications(when.world)
        [mail] = await arrived(shop)
        assert "Declined 2, rescued 1: 50.0 % of 2." in mail["text"]
        assert "Recovered 45.90 USD." in mail["text"]

    story(server, work)


def test_a_day_on_which_nothing_was_is_told_only_to_who_wants_it(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        for name in ("owner", "analyst"):
            await choose(shop.world, people[name], shop.merchant_id, BOTH)
        await keep_digest(shop.world, people["analyst"], None, True, True)
        await send_digests(at(shop, tomorrow(8)).world)
        assert len(await digests(shop, people["owner"])) == 0
        assert len(await digests(shop, people["analyst"])) == 1
        await paid(shop)  # too late for the day that was looked at
        await send_digests(at(shop, tomorrow(8) + HOUR).world)
        assert len(await digests(shop)) == 1

    story(server, work)


def test_a_day_is_that_of_the_persons_zone_and_hour(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        await paid(shop)
        for name, zone, hour in (
            ("owner", "Pacific/Kiritimati", 6),
            ("analyst", "America/Los_Angeles", 23),
        ):
            await choose(shop.world, people[name], shop.merchant_id, BOTH)
            await keep_zone(shop.world, people[name], zone)
            await keep_digest(shop.world, people[name], hour, True, True)
        moment = tomorrow(0)
        for step in range(48):
            await send_digests(at(shop, moment + step * HOUR).world)
        for name in ("owner", "analyst"):
            found = await digests(shop, people[name])
            days = [str(f["day"]) for f in found]
            assert days == sorted(set(days))
            assert len(days) in (2, 3), "one a day, for two days"
            assert sum(int(str(f["declined"])) for f in found) == 1, (
                "the order stands in one of them"
            )

    story(server, work)


def test_who_may_not_hear_of_money_or_has_left_gets_no_digest(server: ServerAddress) -> None:
    async def work(shop: Shop, people: dict[str, UUID]) -> None:
        for name in ("developer", "owner"):
            await choose(shop.world, people[name], shop.merchant_id, BOTH)
        async with shop.world.people.connection() as connection:
            await connection.execute("DELETE FROM memberships WHERE user_id = $1", people["owner"])
        await paid(shop)
        await send_digests(at(shop, tomorrow(8)).world)
        assert await digests(shop) == []

    story(server, work)
