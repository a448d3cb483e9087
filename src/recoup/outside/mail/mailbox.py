"""The sandbox's twin: mails and SMS go into a table of its own, for people to look at. Some
addresses misbehave on demand."""

from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.kernel.time import Clocks
from recoup.outside.mail.port import Message, Posted
from recoup.outside.mail.smtp import compose
from recoup.outside.sms.port import Sms
from recoup.processors.gateways.sandbox.connections import LOST, Connect, Connections, install_book

SENDER: Final = "payments@sandbox.example"
REFUSED, LATER = "refused@", "later@"  # how such an address begins
NUMBER_REFUSED: Final = "000000"  # how a number ends to which nothing is sent
_PUT = """
INSERT INTO mailbox.mails AS m (id, arrived_at, recipient, sender, subject, text, html)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET times = m.times + 1
RETURNING times
"""
_INBOX = "SELECT * FROM mailbox.mails WHERE id = ANY($1::uuid[])"


async def install(connection: asyncpg.Connection) -> None:
    """Make the mailbox where it is missing. Safe to repeat and to run twice at once."""
    await install_book(connection, "recoup.outside.mail")


class Mailbox:
    """Implements `port.Mail` and `SmsSender`."""

    def __init__(self, source: str | Connect, *, clocks: Clocks | None = None) -> None:
        """`source`: DSN of the sandbox database, or what opens a connection to it. The mailbox must
        be installed."""
        self._connections = Connections(source, 2)
        self._clocks = clocks or Clocks()

    async def close(self) -> None:
        await self._connections.close()

    async def send(self, message: Message, timeout_seconds: float) -> Posted:
        """`refused@…` is refused for good; `later@…` is taken, but the answer to the first send is
        lost."""
        try:
            compose(message, SENDER)
        except ValueError:
            return Posted("refused", "not a mail")
        if message.to.startswith(REFUSED):
            return Posted("refused", "answered 550")
        try:
            times = await self._put(message)
        except LOST:
            return Posted("later", "the connection failed")
        if message.to.startswith(LATER) and times == 1:
            return Posted("later", "no answer in time")
        return Posted("sent")

    async def greet(self, timeout_seconds: float) -> Posted:
        return Posted("sent")

    async def send_sms(self, sms: Sms, timeout_seconds: float) -> Posted:
        """A number that ends with `NUMBER_REFUSED` is refused for good."""
        if sms.to.endswith(NUMBER_REFUSED):
            return Posted("refused", "answered 422")
        try:
            await self._put(Message(sms.id, sms.to, sms.sender_name, "", "", sms.text, ""))
        except LOST:
            return Posted("later", "the connection failed")
        return Posted("sent")

    async def _put(self, got: Message) -> int:
        """Puts a mail into the box and returns how often it came."""
        values = (got.to, got.sender_name, got.subject, got.text, got.html)
        async with self._connections.one() as connection:
            return int(await connection.fetchval(_PUT, got.id, self._clocks.wall(), *values))

    async def inbox(self, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
        """Mails among these that arrived."""
        async with self._connections.one() as connection:
            return {row["id"]: dict(row) for row in await connection.fetch(_INBOX, ids)}
