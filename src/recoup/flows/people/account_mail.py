"""Mails about somebody's own account."""

from operator import attrgetter
from typing import Final

from recoup.flows.people.owed_mail import Owed, addressed, in_paragraphs, send_owed
from recoup.flows.world import World
from recoup.gateways.web.mail.port import Message
from recoup.rules.languages.locale import Locale
from recoup.rules.people.account_words import HAPPENINGS
from recoup.rules.people.letters import of_account
from recoup.store.people.account_log import AccountMail, claim_mails, close_mail


async def send_account_mails(world: World) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _OWED)


def message_of(row: AccountMail, url: str) -> Message:
    to = Locale(row.language, row.zone)
    happening, left = HAPPENINGS[row.action], row.facts.get("codes_left")
    subject, parts = of_account(happening, row.at, row.email, left, to)
    return in_paragraphs(row.log_id, row.email, subject, [*parts, *([f"{url}/account"] if url else [])], to)


_OWED: Final = Owed(
    claim_mails, addressed(message_of), close_mail, attrgetter("log_id"), "account mail", ("line", "log_id")
)
