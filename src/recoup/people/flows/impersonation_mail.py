"""The mail to a shop's owners that somebody of the operator impersonates one of its people."""

from operator import attrgetter
from typing import Final

from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.owed_mail import Owed, addressed, in_paragraphs, send_owed
from recoup.outside.mail.port import Message
from recoup.people.rules.letters import of_impersonation
from recoup.people.store.impersonations import (
    ImpersonationMail,
    claim_impersonation_mails,
    close_impersonation_mail,
)


async def send_impersonation_mails(world: World) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _OWED)


def message_of(row: ImpersonationMail, url: str) -> Message:
    to, shop = Locale(row.language, row.zone), " ".join((row.merchant_name or "").split())
    whom, lasts = (row.as_name or "", row.role), (row.began_at, row.expires_at)
    subject, parts = of_impersonation(row.staff, shop, whom, row.reason, lasts, row.may_act, to)
    parts += [f"{url}/audit?kind=people"] if url else []
    return in_paragraphs(row.mail_id, row.email, subject, parts, to)


_OWED: Final = Owed(
    claim_impersonation_mails,
    addressed(message_of),
    close_impersonation_mail,
    attrgetter("mail_id"),
    "mail of an impersonation",
    ("mail", "mail_id"),
)
