"""Mails that the people's database owes: intent, call, outcome. Sent again with the same Message-ID
when nobody knows whether one left."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from html import escape
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from recoup.db.pool import Database
from recoup.kernel.frozen import frozen
from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.post_mail import post_mail
from recoup.mail.rules.backoff import SCHEDULE
from recoup.orders.rules.notices import is_address
from recoup.outside.mail.port import Message

LEASE: Final = timedelta(seconds=30)  # beyond the call's own time-out
AT_ONCE: Final = 8
_LINK: Final = re.compile(r"\Ahttps?://\S+\Z")
Letter = Callable[[], Message] | str


class OwedRow(Protocol):
    """A mail that was claimed."""

    @property
    def mail_tries(self) -> int: ...


class Addressed(OwedRow, Protocol):
    @property
    def email(self) -> str: ...


R = TypeVar("R", bound=OwedRow)
A = TypeVar("A", bound=Addressed)


@frozen
class Owed(Generic[R]):
    """A kind of mail. `claim(connection, now, until, world, limit)` takes rows with `mail_tries`,
    of one thing where that is named behind; `letter` says how a row's mail is composed, or in which
    state none goes; `close(connection, *key, tries, state, again_at, why)`. `what` tells of it in
    the operator's log, where the last field of its key has the name that `which` begins with."""

    claim: Callable[..., Awaitable[Sequence[R]]]
    letter: Callable[[World, R], Awaitable[Letter]]
    close: Callable[..., Awaitable[None]]
    what: str
    which: tuple[str, ...]


async def send_owed(world: World, owed: Owed[R], *of: UUID | None) -> int:
    """Sends what is due, `of` one thing or all, side by side; answers how many were tried."""
    people = world.people_database
    if people is None:
        return 0
    wait, now = world.policy.webhook_timeout, world.clocks.wall()
    async with people.connection() as connection:
        rows = await owed.claim(connection, now, now + wait + LEASE, world.name, AT_ONCE, *of)
    await asyncio.gather(
        *(_send(world, people, owed, row, wait / timedelta(seconds=1)) for row in rows)
    )
    return len(rows)


async def _send(world: World, people: Database, owed: Owed[R], row: R, seconds: float) -> None:
    letter = await owed.letter(world, row)
    named, *fields = owed.which
    key = [getattr(row, field) for field in fields]
    if isinstance(letter, str):
        state, why, again_at = letter, "", None
    else:
        posted = await post_mail(world, letter, seconds, owed.what, **{named: str(key[-1])})
        state, why, again_at = str(posted.state), posted.why, None
    if state == "later":
        again = row.mail_tries <= len(SCHEDULE)
        state = "owed" if again else "given_up"
        again_at = world.clocks.wall() + SCHEDULE[row.mail_tries - 1] if again else None
    async with people.connection() as connection:
        await owed.close(connection, *key, row.mail_tries, state, again_at, why[:200])


def addressed(message_of: Callable[[A, str], Message]) -> Callable[[World, A], Awaitable[Letter]]:
    """The letter to a row's `email`, if mail can go there, from the row and this installation's
    address."""

    async def letter(world: World, row: A) -> Letter:
        if not is_address(row.email):
            return "no_address"
        return lambda: message_of(row, world.url)

    return letter


def in_paragraphs(
    mail_id: UUID, email: str, subject: str, parts: Sequence[str], to: Locale
) -> Message:
    """A part that is an address alone, which only we write, is a link."""
    html = "".join(f"<p>{_LINK.sub(_linked, escape(part))}</p>" for part in parts)
    return Message(
        mail_id,
        email,
        "Recoup",
        "",
        subject,
        "\n\n".join(parts),
        f'<!doctype html><html lang="{to.lang}"><body>{html}</body></html>',
    )


def _linked(match: re.Match[str]) -> str:
    return f'<a href="{match[0]}">{match[0]}</a>'
