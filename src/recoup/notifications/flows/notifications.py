"""People's acts on their notifications: read them, choose kinds, stop mails, set their zone."""

from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.local_time import read_zone
from recoup.kit.world import World
from recoup.notifications.flows.notification_mail import UNSUBSCRIBE
from recoup.notifications.rules.notifications import KINDS, may
from recoup.notifications.store import notification_settings as store
from recoup.notifications.store.notifications import (
    NamedNotification,
    find_notification,
    named_notification,
    partner_readers_of,
    readers_of,
)
from recoup.orders.flows.hosted_link import named_by

HOURS: Final = range(24)
ZONE_MAX: Final = 60


async def read(world: World, user_id: UUID, notification_id: UUID, *, unread: bool = False) -> None:
    """Raises: Problem(not_found), also for somebody else's and for what this person may not hear
    any more."""
    async with world.people.connection() as connection:
        if await find_notification(connection, user_id, world.name, may(), notification_id) is None:
            raise Problem("not_found", "There is no such notification.", "Open your notifications.")
        at = None if unread else world.clocks.wall()
        await store.mark_read(connection, (user_id, notification_id), world.name, at)


async def read_all(world: World, user_id: UUID, until: UUID, merchant_id: UUID | None) -> None:
    """Up to this one, of this merchant or of all."""
    await store.mark_all_read(
        world.people.alone, user_id, world.name, until, world.clocks.wall(), merchant_id
    )


async def choose(
    world: World,
    user_id: UUID,
    subject_id: UUID,
    wanted: dict[str, tuple[bool, bool]],
    *,
    partner: bool = False,
) -> None:
    """Sets a person's choices by kind: on the page, by mail; what is left out stays. What their
    role may not hear they cannot choose. `partner`: the subject is one, else a merchant.

    Raises: Problem(forbidden) for one that they do not reach; Problem(invalid) for what is no kind
    of its.
    """
    for name in wanted:
        if name not in KINDS or KINDS[name].partner != partner:
            raise invalid(Sentence("{0} is not a notification.", repr(name)), "kind")
    async with world.people.connection() as connection:
        readers = partner_readers_of if partner else readers_of
        if not await readers(connection, world.name, subject_id, user_id):
            whom = "partner" if partner else "merchant"
            raise Problem(
                "forbidden",
                Sentence("You are not a member of this {0}.", whom),
                "Ask its owner to invite you.",
            )
        await store.choose(connection, user_id, world.name, subject_id, wanted)


async def keep_zone(world: World, user_id: UUID, zone: str) -> str:
    """Answers its name. Raises: Problem(invalid) for none of the IANA's list."""
    try:
        if len(zone) > ZONE_MAX:
            raise ValueError(zone)
        named = read_zone(zone.strip())
    except ValueError:
        raise invalid(
            Sentence("There is no time zone {0}.", repr(zone[:40])),
            "zone",
            "Enter it like Europe/Berlin or GMT.",
        ) from None
    await store.save_zone(world.people.alone, user_id, named)
    return named


async def keep_language(world: World, user_id: UUID, language: str) -> None:
    """Stores a person's language, one that the door has words for; empty: their browser's."""
    await store.save_language(world.people.alone, user_id, language)


async def keep_digest(
    world: World, user_id: UUID, hour: int | None, empty: bool, mails: bool
) -> None:
    """`hour` of their zone, None: the installation's. `empty`: also of a day on which nothing was.
    `mails`: any at all.

    Raises: Problem(invalid).
    """
    if hour is not None and hour not in HOURS:
        raise invalid("A day has the hours 0 to 23.", "hour", "Choose one of the list.")
    async with world.people.transaction() as tx:
        await store.save_digest(tx, user_id, hour, empty)
        await store.save_mails(tx, user_id, mails)


async def subscription_of(world: World, token: str) -> NamedNotification:
    """The subscription, for the holder of a mail's link. Raises: Problem(not_found) for what we did
    not sign, or have forgotten."""
    named = named_by(world, UNSUBSCRIBE, token)
    row = None
    if named:
        row = await named_notification(world.people, *named, world.name)
    if row is None:
        raise Problem(
            "not_found",
            "This link is not valid: it is older than six months, or never existed.",
            "Sign in and change your notification settings.",
        )
    return row


async def unsubscribe(world: World, token: str, *, all_mails: bool = False) -> NamedNotification:
    """Stops mails of this kind about this merchant, or all mails; again, it does the same. What the
    page shows stays.

    Raises: Problem(not_found).
    """
    subscription = await subscription_of(world, token)
    if all_mails:
        await store.save_mails(world.people.alone, subscription.user_id, False)
    else:
        await store.no_mail_of(
            world.people.alone,
            subscription.user_id,
            world.name,
            subscription.subject_id,
            subscription.kind,
            KINDS[subscription.kind].page,
        )
    return subscription
