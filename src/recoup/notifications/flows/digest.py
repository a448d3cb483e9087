"""The digest: once a day, at the hour that a person chose, what was yesterday in their zone, by the
merchant's clock.

The day is taken in the transaction that writes the notification: however often or wherever it is
tried, there is one. What would take too long to count is tried again later. Source: decision 0038.
"""

import random
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import structlog
from msgspec.structs import asdict

from recoup.db.pool import Database
from recoup.kernel.ids import new_id
from recoup.kernel.problem import in_words
from recoup.kernel.time import business_at
from recoup.kit.local_time import digest_day, span_of
from recoup.kit.world import World
from recoup.merchants.store.merchants import offset_of
from recoup.notifications.flows.tell_alert import notification, reader_of
from recoup.notifications.rules.notifications import KINDS, ways_of
from recoup.notifications.store.day_figures import day_figures
from recoup.notifications.store.notification_settings import take_day, tell
from recoup.notifications.store.notifications import WantedDigest, digests_wanted, readers_of

log = structlog.get_logger()


async def send_digests(world: World, merchant_id: UUID | None = None) -> int:
    """Sends the digests that are due and returns how many days were taken. The failure of one does
    not starve those after it."""
    people = world.people_database
    if people is None:
        return 0
    wanted = await digests_wanted(people, world.name)
    offsets: dict[UUID, int | None] = {}
    done = 0
    for row in random.sample(wanted, len(wanted)):  # workers begin elsewhere, each
        owner = row.merchant_id
        if merchant_id not in (None, owner):
            continue
        if owner not in offsets:
            offsets[owner] = await offset_of(world.db, owner)
        offset = offsets[owner]
        if offset is None:
            continue
        day = digest_day(
            business_at(world.clocks.wall(), offset), row.zone, _hour(world, row.digest_hour)
        )
        if day is None or row.last_day and day <= row.last_day:
            continue
        try:
            done += await _digest(world, people, row, day)
        except (asyncpg.PostgresError, KeyError) as error:
            log.warning(
                "digest not made", merchant=str(owner), user=str(row.user_id), error=in_words(error)
            )
    return done


def _hour(world: World, chosen: int | None) -> int:
    return world.policy.digest_hour if chosen is None else chosen


async def _digest(world: World, people: Database, wanted: WantedDigest, day: date) -> bool:
    merchant_id, user_id = wanted.merchant_id, wanted.user_id
    readers = await readers_of(people, world.name, merchant_id, user_id)
    reader = readers[0] if readers else None
    way = ways_of(KINDS["digest"], reader_of(reader)) if reader else None
    if reader is None or way is None or not (way.page or way.mail):
        return False
    yesterday = day - timedelta(days=1)
    async with world.db.connection() as connection:
        figures = await day_figures(connection, merchant_id, span_of(yesterday, reader.zone))
    telling = (
        bool(figures.declined or figures.refunds or figures.disputes or figures.waiting)
        or reader.digest_empty
    )
    wall = world.clocks.wall()
    row = notification(
        world,
        user_id,
        (merchant_id, reader.subject_name),
        new_id(),
        "digest",
        {"day": yesterday.isoformat()} | asdict(figures),
        way,
        wall,
    )
    async with people.transaction() as tx:
        notification_id = row.notification_id if telling else None
        if not await take_day(tx, user_id, world.name, merchant_id, day, notification_id, wall):
            return False
        if telling:
            await tell(tx, [row])
    return True
