"""Mails about somebody's own account."""

from operator import attrgetter
from typing import Final

from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.owed_mail import Owed, addressed, in_paragraphs, send_owed
from recoup.outside.mail.port import Message
from recoup.people.rules.account_words import HAPPENINGS
from recoup.people.rules.letters import of_account
from recoup.people.store.account_log import AccountMail, claim_mails, close_mail


async def send_account_mails(world: World) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _OWED)


def message_of(row: AccountMail, url: str) -> Message:
    to = Locale(row.language, row.zone)
    happening, left = HAPPENINGS[row.action], row.facts.get("codes_left")
    subject, parts = of_account(happening, row.at, row.email, left, to)
    return in_paragraphs(
        row.log_id, row.email, subject, [*parts, *([f"{url}/account"] if url else [])], to
    )


_OWED: Final = Owed(
    claim_mails,
    addressed(message_of),
    close_mail,
    attrgetter("log_id"),
    "account mail",
    ("line", "log_id"),
)
