"""Mail by SMTP: one message, one id, no header that somebody else wrote, nothing in the clear to
strangers."""

import asyncio
import email
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.policy import default

import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.outside.mail.port import Message
from recoup.outside.mail.smtp import SmtpMail, SmtpServer, compose

MESSAGE = Message(
    uuid.UUID("0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d"),
    "ana@payer.example",
    "Brightleaf Tea",
    "help@leaf.example",
    "Your payment of 45.90 USD",
    "Hello\n\nThe end.\n",
    "<p>Hello</p>",
)


@asynccontextmanager
async def smtp(said: dict[str, bytes] | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A mail server on loopback: its port, and the mails it took. `said`: other answers than yes,
    by command."""
    got: list[bytes] = []
    answers = {
        b"EHLO": b"250 hi",
        b"HELO": b"250 hi",
        b"MAIL": b"250 ok",
        b"RCPT": b"250 ok",
        b"DATA": b"354 go",
        b"RSET": b"250 ok",
        b"QUIT": b"221 bye",
    } | {k.encode(): v for k, v in (said or {}).items()}

    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            word = line.split()[0].upper()
            writer.write(answers.get(word, b"500 what") + b"\r\n")
            if word == b"DATA" and answers[b"DATA"].startswith(b"354"):
                body = await reader.readuntil(b"\r\n.\r\n")
                got.append(body)
                writer.write(answers.get(b"END", b"250 taken") + b"\r\n")
            if word == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], got
    finally:
        server.close()
        await asyncio.gather(*(task for task in serving if task is not None))


def sent(
    said: dict[str, bytes] | None = None, message: Message = MESSAGE
) -> tuple[str, list[bytes]]:
    async def story() -> tuple[str, list[bytes]]:
        async with smtp(said) as (port, got):
            mail = SmtpMail(SmtpServer("127.0.0.1", port, "pay@recoup.example", tls="none"))
            posted = await mail.send(message, 5)
        return posted.state, got

    return asyncio.run(story())


def test_a_mail_goes_out_plain_and_html() -> None:
    state, [raw] = sent()
    assert state == "sent"
    mail = email.message_from_bytes(raw, policy=default)
    assert mail["Message-ID"] == f"<{MESSAGE.id}@recoup.example>"
    assert mail["From"] == "Brightleaf Tea <pay@recoup.example>"
    assert (mail["To"], mail["Reply-To"], mail["Subject"]) == (
        MESSAGE.to,
        MESSAGE.reply_to,
        MESSAGE.subject,
    )
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@each(
    ("said", "state"),
    [
        ({"RCPT": b"550 no such user"}, "refused"),
        ({"RCPT": b"451 later"}, "later"),
        ({"END": b"554 spam"}, "refused"),
        ({"END": b"452 full"}, "later"),
        ({"MAIL": b"421 closing"}, "later"),
        ({"EHLO": b"421 no", "HELO": b"421 no"}, "later"),
    ],
)
def test_what_a_server_says(said: dict[str, bytes], state: str) -> None:
    assert sent(said)[0] == state


def test_no_server_is_later() -> None:
    mail = SmtpMail(SmtpServer("127.0.0.1", 1, "pay@recoup.example", tls="none"))
    assert asyncio.run(mail.send(MESSAGE, 1)).state == "later"


def test_a_server_without_encryption_is_not_told_anything() -> None:
    async def story() -> None:
        async with smtp() as (port, got):
            mail = SmtpMail(SmtpServer("127.0.0.1", port, "pay@recoup.example"))
            assert (await mail.send(MESSAGE, 5)).state == "later"
            assert got == []

    asyncio.run(story())


@each(
    "odd",
    [
        replace(MESSAGE, to="ana@payer.example\r\nBcc: all@payer.example"),
        replace(MESSAGE, to="ana"),
        replace(MESSAGE, subject="Hi\r\nBcc: all@payer.example"),
        replace(MESSAGE, sender_name="Tea\r\nBcc: all@x.example"),
        replace(MESSAGE, reply_to="a@x.example, b@x.example"),
        replace(MESSAGE, to="a@x.example, b@x.example"),
    ],
)
def test_nobody_writes_our_headers(odd: Message) -> None:
    state, got = sent(message=odd)
    assert (state, got) == ("refused", [])


def test_a_shop_may_have_any_name() -> None:
    for name in ("Tee & Söhne", 'The "Leaf" <leaf@x.example>', "小林", "x" * 128):
        mail = email.message_from_bytes(
            compose(replace(MESSAGE, sender_name=name), "p@r.example").as_bytes(), policy=default
        )
        assert mail["From"].addresses[0].addr_spec == "p@r.example"
        assert mail["From"].addresses[0].display_name == name


def test_a_subject_of_any_script_is_folded_and_a_link_is_not() -> None:
    subject, link = (
        "证据须在三天内提交：金额为 4,590 JPY 的争议" * 4,
        f"<https://x.example/{'a' * 200}>",
    )
    message = replace(MESSAGE, subject=subject, headers=(("List-Unsubscribe", link),))
    written = compose(message, "p@r.example").as_bytes()
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?\S+\?=", written)), "RFC 2047"
    assert f"List-Unsubscribe: {link}\r\n".encode() in written
    assert email.message_from_bytes(written, policy=default)["Subject"] == subject


@pytest.mark.parametrize(
    "wrong",
    [
        SmtpServer("mail.example", 25, "p@r.example", tls="none"),
        SmtpServer("mail.example", 25, "p@r.example", tls="x"),
        SmtpServer("mail.example", 587, ""),
    ],
)
def test_settings_that_would_tell_strangers_are_refused(wrong: SmtpServer) -> None:
    with pytest.raises(Problem):
        SmtpMail(wrong)
