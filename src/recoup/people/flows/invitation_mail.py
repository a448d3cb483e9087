"""The mail of an invitation: in the language of the invited person, else of the inviting one."""

from operator import attrgetter
from typing import Final
from uuid import UUID

from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.owed_mail import Letter, Owed, in_paragraphs, send_owed
from recoup.outside.mail.port import Message
from recoup.people.flows.invitations import token_context
from recoup.people.rules.letters import of_invitation
from recoup.people.store.invitations import InvitationMail, claim_mails, close_mail


async def send_invitations(world: World, invitation_id: UUID | None = None) -> int:
    """Answers how many were tried."""
    return await send_owed(world, _OWED, invitation_id)


async def _letter(world: World, row: InvitationMail) -> Letter:
    def compose() -> Message:
        token = world.keys.open_secret(token_context(row.invitation_id), row.sealed_token).decode()
        link, to = f"{world.url}/invitations/{token}", Locale(row.language, row.zone)
        name = " ".join(row.subject_name.split())
        subject, parts = of_invitation(name, row.role, row.expires_at, link, to)
        return in_paragraphs(row.invitation_id, row.email, subject, parts, to)

    return compose


_OWED: Final = Owed(
    claim_mails,
    _letter,
    close_mail,
    attrgetter("invitation_id"),
    "invitation",
    ("invitation", "invitation_id"),
)
