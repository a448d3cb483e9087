"""The database is kept up by whichever worker leases it: partitions ahead of time, old records dropped in time, and
what may be forgotten forgotten: card codes after an hour, log-in tokens that have run out, signatures whose time is
over, sessions that ended by themselves, files, notifications that are half a year old, contacts with payers after 400
days, keys of processors that were disconnected, attempts out of files 25 months after they were imported."""

from datetime import timedelta
from typing import Final

from recoup.flows.lists.folder import forget_files
from recoup.flows.merchants.connect import erase_ended
from recoup.flows.people.second_factor import OFFER_LASTS
from recoup.flows.people.sessions import IDLE
from recoup.flows.people.sign_in import SIGN_UP_GOES_ON
from recoup.flows.world import World
from recoup.rules.imports.attempt import IMPORTS_KEPT
from recoup.store.cards.vault import CVV_KEPT, forget_codes
from recoup.store.insight.imported import forget_imports
from recoup.store.merchants.key_endings import forget_endings
from recoup.store.merchants.signatures import forget_signatures
from recoup.store.messages.contacts import forget_contacts
from recoup.store.messages.notification_settings import forget_notifications
from recoup.store.operation.upkeep import (
    finish_upkeep,
    forget_expired_tokens,
    last_alive,
    lease_upkeep,
    note_alive,
)
from recoup.store.people.account_log import forget_over
from recoup.store.people.password_links import forget_old_links
from recoup.store.upkeep import keep_up, may_keep_up

TASK: Final = "partitions"
EVERY: Final = timedelta(hours=1)
LEASED: Final = timedelta(minutes=10)


async def upkeep(world: World) -> int:
    """Once an hour over all workers; one that dies meanwhile is followed by another. A worker that has no log-in of the
    schema's owner leaves it to others."""
    owner = world.owner_dsn
    if not owner or not await may_keep_up(owner):
        return 0
    now = world.clocks.wall()
    async with world.db.transaction() as tx:
        ours = await lease_upkeep(tx, TASK, until=now + LEASED, now=now, done_before=now - EVERY)
    if ours:
        await keep_up(owner, now)
        async with world.db.transaction() as tx:
            await finish_upkeep(tx, TASK, world.clocks.wall())
    return 0


ALIVE: Final = "worker"
ALIVE_SECONDS: Final = 10.0
ALIVE_WITHIN: Final = timedelta(seconds=2.5 * ALIVE_SECONDS)
LATE_SECONDS_MAX: Final = 300.0


async def beat(world: World) -> int:
    """Notes that a worker lives."""
    await note_alive(world.db.alone, ALIVE, world.clocks.wall())
    return 0


async def beaten_ago(world: World) -> timedelta | None:
    """Time since a worker last said that it lives; None: none ever did."""
    at = await last_alive(world.db.reader, ALIVE)
    return None if at is None else world.clocks.wall() - at


CONTACTS_KEPT: Final = timedelta(days=400)  # beyond every budget and every order's end
NOTIFICATIONS_KEPT: Final = timedelta(days=180)
ASKS_KEPT: Final = timedelta(days=1)  # for a new password
ENDINGS_KEPT: Final = timedelta(minutes=15)  # longer than an access token lives
AT_ONCE: Final = 1_000


async def purge_expired(world: World) -> int:
    async with world.db.connection() as connection:
        wall = world.clocks.wall()
        await forget_codes(connection, wall - CVV_KEPT)
        await forget_expired_tokens(connection, wall)
        await forget_signatures(connection, wall)
        await forget_endings(connection, ENDINGS_KEPT)
        await forget_imports(connection, wall - IMPORTS_KEPT, AT_ONCE)
        await forget_contacts(connection, wall - CONTACTS_KEPT, AT_ONCE)
    people = world.people_database
    if people is not None:
        async with people.connection() as connection:
            await forget_over(connection, wall, wall - IDLE, wall - OFFER_LASTS, wall - SIGN_UP_GOES_ON)
            await forget_old_links(connection, wall, wall - ASKS_KEPT)
            await forget_notifications(connection, wall - NOTIFICATIONS_KEPT, AT_ONCE)
    await forget_files(world)
    await erase_ended(world)
    return 0
