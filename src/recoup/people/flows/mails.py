"""Mails about people's accounts: what was done to theirs, a link that sets a new password, an
invitation, and to a shop's owners that somebody of the operator impersonates one of its people."""

from typing import Final
from uuid import UUID

from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.owed_mail import Letter, Owed, addressed, in_paragraphs, send_owed
from recoup.orders.rules.notices import is_address
from recoup.outside.mail.port import Message
from recoup.people.flows.invitations import token_context
from recoup.people.flows.password_links import LASTS, link_of_ask
from recoup.people.rules.account_words import HAPPENINGS
from recoup.people.rules.letters import (
    of_account,
    of_impersonation,
    of_invitation,
    of_password_link,
)
from recoup.people.store import account_log, impersonations, invitations, password_links


async def send_account_mails(world: World) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _ACCOUNT)


def _of_account(row: account_log.AccountMail, url: str) -> Message:
    to = Locale(row.language, row.zone)
    happening, left = HAPPENINGS[row.action], row.facts.get("codes_left")
    subject, parts = of_account(happening, row.at, row.email, left, to)
    return in_paragraphs(
        row.log_id, row.email, subject, [*parts, *([f"{url}/account"] if url else [])], to
    )


_ACCOUNT: Final = Owed(
    account_log.claim_mails,
    addressed(_of_account),
    account_log.close_mail,
    "account mail",
    ("line", "log_id"),
)


async def send_impersonation_mails(world: World) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _IMPERSONATION)


def _of_impersonation(row: impersonations.ImpersonationMail, url: str) -> Message:
    to, shop = Locale(row.language, row.zone), " ".join((row.merchant_name or "").split())
    whom, lasts = (row.as_name or "", row.role), (row.began_at, row.expires_at)
    subject, parts = of_impersonation(row.staff, shop, whom, row.reason, lasts, row.may_act, to)
    parts += [f"{url}/audit?kind=people"] if url else []
    return in_paragraphs(row.mail_id, row.email, subject, parts, to)


_IMPERSONATION: Final = Owed(
    impersonations.claim_impersonation_mails,
    addressed(_of_impersonation),
    impersonations.close_impersonation_mail,
    "mail of an impersonation",
    ("mail", "mail_id"),
)


async def send_password_links(world: World) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _PASSWORD)


def mails_leave(world: World) -> bool:
    """True when a mail of this installation can reach somebody; else it stays in the sandbox's
    mailbox, or waits."""
    ways = [way.mail for way in (world, world.other) if way]
    return any(way is not None and not hasattr(way, "inbox") for way in ways)


async def _of_password(world: World, row: password_links.PasswordMail) -> Letter:
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


_PASSWORD: Final = Owed(
    password_links.claim_mails,
    _of_password,
    password_links.close_mail,
    "mail of a password's link",
    ("ask", "ask_id"),
)


async def send_invitations(world: World, invitation_id: UUID | None = None) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _INVITATION, invitation_id)


async def _of_invitation(world: World, row: invitations.InvitationMail) -> Letter:
    """The mail in the language of the invited person, else of the inviting one."""

    def compose() -> Message:
        token = world.keys.open_secret(token_context(row.invitation_id), row.sealed_token).decode()
        link, to = f"{world.url}/invitations/{token}", Locale(row.language, row.zone)
        name = " ".join(row.subject_name.split())
        subject, parts = of_invitation(name, row.role, row.expires_at, link, to)
        return in_paragraphs(row.invitation_id, row.email, subject, parts, to)

    return compose


_INVITATION: Final = Owed(
    invitations.claim_mails,
    _of_invitation,
    invitations.close_mail,
    "invitation",
    ("invitation", "invitation_id"),
)
