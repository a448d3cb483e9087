"""The mail of an invitation: intent, call, outcome. Sent again with the same Message-ID when nobody knows."""

import asyncio
from datetime import timedelta
from html import escape
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.flows.people.invitations import token_context
from recoup.gateways.web.mail.port import Mail, Message, Posted
from recoup.kernel.world import World
from recoup.rules.messages.backoff import SCHEDULE
from recoup.store.pool import Database
from recoup.store.write.invitations import claim_mails, close_mail

log = structlog.get_logger()
LEASE: Final = timedelta(seconds=30)  # beyond the call's own time-out
AT_ONCE: Final = 8


async def send_invitations(world: World, invitation_id: UUID | None = None) -> int:
    """What is owed and due, side by side; answers how many were tried."""
    people: Database | None = world.extra.get("people")
    if people is None:
        return 0
    wait, now = world.policy.webhook_timeout, world.clocks.wall()
    async with people.connection() as connection:
        rows = await claim_mails(connection, now, now + wait + LEASE, world.name, AT_ONCE, invitation_id)
    await asyncio.gather(*(_send(world, row, wait / timedelta(seconds=1)) for row in rows))
    return len(rows)


async def _send(world: World, row: Any, seconds: float) -> None:
    posted = await _post(world, row, seconds)
    state, again_at = str(posted.state), None
    if posted.state == "later":
        again = row["mail_tries"] <= len(SCHEDULE)
        state = "owed" if again else "given_up"
        again_at = world.clocks.wall() + SCHEDULE[row["mail_tries"] - 1] if again else None
    people: Database = world.extra["people"]
    async with people.connection() as connection:
        await close_mail(connection, row["invitation_id"], row["mail_tries"], state, again_at, posted.why[:200])


async def _post(world: World, row: Any, seconds: float) -> Posted:
    mail: Mail | None = world.mail
    if mail is None:
        return Posted("later", "no mail server is set up")
    try:
        token = world.keys.open_secret(token_context(row["invitation_id"]), row["sealed_token"]).decode()
        async with asyncio.timeout(seconds + 1):
            return await mail.send(_message(row, f"{world.extra.get('url', '')}/invitations/{token}"), seconds)
    except TimeoutError:
        return Posted("later", "no answer in time")
    except Exception as error:  # noqa: BLE001 - it counts as a try: backed off, shown, and at last given up
        log.warning("invitation not sent", invitation=str(row["invitation_id"]), error=type(error).__name__)
        return Posted("later", type(error).__name__)


def _message(row: Any, link: str) -> Message:
    name = " ".join(row["subject_name"].split())
    asked = f"You are invited to {name}, with the role {row['role']}."
    until = f"This link works once, until {row['expires_at']:%-d %B %Y %H:%M} GMT:"
    left = "If you do not know why you got this, leave it: nothing happens."
    html = f'<p>{escape(asked)}</p><p>{escape(until)} <a href="{escape(link)}">join</a></p><p>{escape(left)}</p>'
    text = "\n\n".join((asked, until, link, left))
    return Message(row["invitation_id"], row["email"], "Recoup", "", f"Invitation to {name}", text, html)
