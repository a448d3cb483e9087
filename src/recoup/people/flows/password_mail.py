"""The mail with a link that sets a new password."""

from operator import attrgetter
from typing import Final

from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.owed_mail import Letter, Owed, in_paragraphs, send_owed
from recoup.orders.rules.notices import is_address
from recoup.people.flows.password_links import LASTS, link_of_ask
from recoup.people.rules.letters import of_password_link
from recoup.people.store.password_links import PasswordMail, claim_mails, close_mail


async def send_password_links(world: World) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _OWED)


def mails_leave(world: World) -> bool:
    """True when a mail of this installation can reach somebody; else it stays in the sandbox's
    mailbox, or waits."""
    other = world.other
    ways = [one.mail for one in (world, other) if one is not None]
    return any(way is not None and not hasattr(way, "inbox") for way in ways)


async def _letter(world: World, row: PasswordMail) -> Letter:
    if not is_address(row.email):
        return "no_address"
    now = world.clocks.wall()
    if row.requested_at <= now - LASTS:
        return "given_up"
    async with world.people.transaction() as tx:
        link = await link_of_ask(
            tx,
            world,
            row.ask_id,
            row.user_id,
            is_first=row.mail_tries == 1,
            request=row.request_id,
            place=row.place,
        )
    if link is None:
        return "dropped"
    to = Locale(row.language, row.zone)
    subject, parts = of_password_link(row.email, now + LASTS, link, to)
    return lambda: in_paragraphs(row.ask_id, row.email, subject, parts, to)


_OWED: Final = Owed(
    claim_mails,
    _letter,
    close_mail,
    attrgetter("ask_id"),
    "mail of a password's link",
    ("ask", "ask_id"),
)
