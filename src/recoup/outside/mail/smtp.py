"""Mail by SMTP, with the standard library, in threads of its own. Encrypted, unless the server is
on this machine."""

import asyncio
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import EmailPolicy
from functools import partial
from typing import Any, BinaryIO, Final

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import invalid
from recoup.outside.mail.port import Message, Posted
from recoup.outside.web.threads import in_thread

REPLIES_BYTES_MAX: Final = 65_536


class Connection:
    """`timeout_seconds`: of each read and write; `cut` ends all of them, or a server that says a
    little again and again would keep its thread for ever."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._cut = False
        self._spare: socket.socket | None = None

    def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> smtplib.SMTP:
        """Raises: OSError, smtplib.SMTPException."""
        if tls:
            return _BoundedTls(self, host, port, timeout=self._timeout, context=tls)
        return _Bounded(self, host, port, timeout=self._timeout)

    def keep(self, connected: socket.socket) -> None:
        """A second handle of the connection, which stays the same when TLS begins. Raises:
        TimeoutError after `cut`."""
        self._spare = connected.dup()
        if self._cut:
            self.cut()
            connected.close()
            raise TimeoutError

    def cut(self) -> None:
        self._cut = True
        if self._spare:
            with suppress(OSError):
                self._spare.shutdown(socket.SHUT_RDWR)
            self._spare.close()


class _Replies:
    """Replies of the server, up to a bound."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, REPLIES_BYTES_MAX

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the mail server says too much")
        return line

    def close(self) -> None:
        self._file.close()


class _Bounded(smtplib.SMTP):
    def __init__(self, connection: Connection, host: str, port: int, **named: Any) -> None:
        self._connection = connection
        self._replies: _Replies | None = None
        super().__init__(host, port, **named)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._connection.keep(connected)
        return connected

    @property
    def file(self) -> Any:
        return self._replies

    @file.setter
    def file(self, given: BinaryIO | None) -> None:
        self._replies = _Replies(given) if given else None


class _BoundedTls(smtplib.SMTP_SSL, _Bounded):
    """The library's encrypted one asks the next class for its plain connection."""

    def __init__(self, connection: Connection, host: str, port: int, **named: Any) -> None:
        self._connection, self._replies = connection, None
        smtplib.SMTP_SSL.__init__(self, host, port, **named)


LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
GRACE_SECONDS: Final = 0.5
AT_ONCE: Final = 16
UNFOLDED: Final = SMTP_POLICY.clone(max_line_length=900)
FOLDED: Final = SMTP_POLICY.clone(
    max_line_length=76
)  # with the blank that goes before a word of 75


class _Folding(EmailPolicy):
    """A link that is folded would be encoded, and none any more; what is encoded stays within 75
    characters. Source: RFC 2047 §2."""

    def fold(self, name: str, value: str) -> str:
        return self.fold_binary(name, value).decode()

    def fold_binary(self, name: str, value: str) -> bytes:
        return (UNFOLDED if name.startswith("List-") else FOLDED).fold_binary(name, value)


POLICY: Final = _Folding(linesep=SMTP_POLICY.linesep)


@frozen
class SmtpServer:
    """`sender`: the address that mails come from. `tls`: starttls, implicit (its own port) or
    none."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "starttls"


class SmtpMail:
    """Implements `port.Mail`. Raises: Problem(invalid) for a server that would hear mails in the
    clear."""

    def __init__(self, server: SmtpServer) -> None:
        if server.tls not in ("starttls", "implicit", "none"):
            raise invalid(
                "The setting smtp_tls is starttls, implicit or none.",
                "smtp_tls",
                "Set it to one of these.",
            )
        if server.tls == "none" and server.host not in LOOPBACK:
            raise invalid(
                f"Mails to {server.host} would go in the clear.",
                "smtp_tls",
                "Use starttls or implicit.",
            )
        if not server.sender or "@" not in server.sender:
            raise invalid(
                "The setting smtp_from is the address that mails come from.",
                "smtp_from",
                "Set it like shop@example.com.",
            )
        self._server, self._turns = server, asyncio.Semaphore(AT_ONCE)
        self._tls = None if server.tls == "none" else ssl.create_default_context()

    async def send(self, message: Message, timeout_seconds: float) -> Posted:
        try:
            ready = compose(message, self._server.sender)
        except (ValueError, HeaderParseError) as error:
            return Posted("refused", f"not a mail: {type(error).__name__}")
        return await self._in_time(ready, timeout_seconds)

    async def greet(self, timeout_seconds: float) -> Posted:
        return await self._in_time(None, timeout_seconds)

    async def _in_time(self, ready: EmailMessage | None, timeout_seconds: float) -> Posted:
        connection = Connection(timeout_seconds)
        try:
            async with asyncio.timeout(timeout_seconds + GRACE_SECONDS):
                await self._turns.acquire()
                sending = in_thread(partial(self._post, ready, connection))
                sending.add_done_callback(lambda _: self._turns.release())
                return await asyncio.shield(sending)
        except TimeoutError:
            return Posted("later", "no answer in time")
        finally:
            connection.cut()

    def _post(self, ready: EmailMessage | None, connection: Connection) -> Posted:
        server = self._server
        try:
            client = connection.open(
                server.host, server.port, self._tls if server.tls == "implicit" else None
            )
            try:
                if server.tls == "starttls":
                    client.starttls(context=self._tls)
                if server.user:
                    client.login(server.user, server.password)
                client.ehlo_or_helo_if_needed()
                if ready is not None:
                    client.send_message(ready)
                with suppress(smtplib.SMTPException, OSError):
                    client.putcmd("quit")  # all was taken, whatever the answer to this
            finally:
                client.close()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Posted(
                "refused" if codes and min(codes) >= 500 else "later",
                f"recipient refused, {codes[:1]}",
            )
        except smtplib.SMTPResponseException as error:
            # What is wrong with us, not with this mail, is mended by somebody: it waits.
            ours = isinstance(
                error,
                (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError),
            )
            return Posted(
                "refused" if error.smtp_code >= 500 and not ours else "later",
                f"answered {error.smtp_code}",
            )
        except (smtplib.SMTPException, OSError) as error:
            return Posted("later", type(error).__name__)
        return Posted("sent")


def compose(message: Message, sender: str) -> EmailMessage:
    """Raises: ValueError, HeaderParseError for an address or a text that no header can hold."""
    mail = EmailMessage(policy=POLICY)
    mail["Message-ID"] = f"<{message.id}@{sender.partition('@')[2]}>"
    mail["From"] = Address(display_name=message.sender_name, addr_spec=sender)
    mail["To"] = Address(addr_spec=message.to)
    if message.reply_to:
        mail["Reply-To"] = Address(addr_spec=message.reply_to)
    mail["Subject"] = message.subject
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in message.headers:
        mail[name] = value
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail
