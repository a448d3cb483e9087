"""The mail of a notification. Who has left the merchant meanwhile, or wants no such mail any more,
gets none."""

from typing import Final
from uuid import UUID

from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.owed_mail import Letter, Owed, send_owed
from recoup.notifications.flows.tell_alert import reader_of
from recoup.notifications.rules.notification_words import foot_of, words_of
from recoup.notifications.rules.notifications import KINDS, ways_of
from recoup.notifications.store.notification_settings import (
    NotificationMail,
    claim_mails,
    close_mail,
)
from recoup.notifications.store.notifications import (
    MerchantReader,
    PartnerReader,
    partner_readers_of,
    readers_of,
)
from recoup.orders.flows.hosted_link import signed_token
from recoup.outside.mail.port import Message

UNSUBSCRIBE: Final = "unsubscribe"


async def send_notifications(world: World, merchant_id: UUID | None = None) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _OWED, merchant_id)


async def _letter(world: World, row: NotificationMail) -> Letter:
    kind = KINDS[row.kind]
    async with world.people.connection() as connection:
        readers = partner_readers_of if kind.partner else readers_of
        people = await readers(connection, world.name, row.subject_id, row.user_id)
    if not people or not ways_of(kind, reader_of(people[0])).mail:
        return "dropped"
    return lambda: message_of(world, row, people[0])


_OWED: Final = Owed(
    claim_mails,
    _letter,
    close_mail,
    "notification",
    ("notification", "user_id", "notification_id"),
)


def message_of(
    world: World, row: NotificationMail, reader: MerchantReader | PartnerReader
) -> Message:
    """Plain text, and short. The subject names the merchant or partner, and the world."""
    url = world.url
    to = Locale(reader.language, reader.zone)
    words = words_of(row.kind, row.facts, to)
    name, where = " ".join(row.subject_name.split())[:80], world.name.upper()
    stop = f"{url}/unsubscribe/{signed_token(world, UNSUBSCRIBE, row.user_id, row.notification_id)}"
    text = "\n\n".join(
        (
            f"{name}, {where}",
            words.title + ".",
            *words.lines,
            f"{url}/notifications/{row.notification_id}",
            foot_of(stop, f"{url}/account/notifications", to),
        )
    )
    headers = (
        ("List-Unsubscribe", f"<{stop}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    subject = f"{name} ({where}): {words.title}"
    return Message(row.notification_id, reader.email, "Recoup", "", subject, text, "", headers)
