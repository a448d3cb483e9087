"""A mail server that never comes to an end keeps neither a thread nor the exports behind it, and
fills no memory."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.odd_servers import certificate
from tests.outside.test_mail import MESSAGE, sent

from recoup.outside.mail import smtp
from recoup.outside.mail.smtp import SmtpMail, SmtpServer

GREETS, EHLO = b"220 test\r\n", b"250-x\r\n250-STARTTLS\r\n250 8BITMIME\r\n"


@asynccontextmanager
async def server(how: str) -> AsyncIterator[tuple[int, list[int]]]:
    """Its port, and how many bytes it got rid of by each connection."""
    wrote: list[int] = []
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        index = len(wrote)
        wrote.append(0)
        serving.append(asyncio.current_task())

        async def say(text: bytes) -> None:
            writer.write(text)
            await writer.drain()
            wrote[index] += len(text)

        try:
            if how == "in TLS":
                await say(GREETS)
                await reader.readline()
                await say(EHLO)
                await reader.readline()
                await say(b"220 go\r\n")
                await say(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB, a byte of it now and then
            while not reader.at_eof():
                line = b"220-x\r\n" * (1000 if how == "floods" else 1)
                await say(b"\x00" if how in ("in TLS", "before TLS") else line)
                if how != "floods":
                    await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], wrote
    finally:
        listening.close()
        for task in serving:
            if task is not None:
                task.cancel()
        await asyncio.sleep(0.1)


def threads() -> int:
    return sum(one.daemon for one in threading.enumerate())


@pytest.mark.parametrize("how", ["drips", "in TLS", "before TLS"])
def test_exports_go_on_while_a_mail_server_never_comes_to_an_end(how: str) -> None:
    tls = {"drips": "none", "in TLS": "starttls", "before TLS": "implicit"}[how]

    async def story() -> None:
        before = threads()
        async with server(how) as (port, _):
            mail = SmtpMail(SmtpServer("127.0.0.1", port, "pay@recoup.example", tls=tls))
            sending = [asyncio.create_task(mail.send(MESSAGE, 0.2)) for _ in range(40)]
            async with asyncio.timeout(5):
                assert await asyncio.to_thread(lambda: "a sheet") == "a sheet"
                assert {posted.state for posted in await asyncio.gather(*sending)} == {"later"}
                for _ in range(200):
                    await asyncio.sleep(0.02 if threads() > before else 0)
                assert threads() <= before

    asyncio.run(story())


def test_a_mail_server_that_says_more_and_more_fills_no_memory() -> None:
    async def story() -> None:
        async with server("floods") as (port, wrote):
            mail = SmtpMail(SmtpServer("127.0.0.1", port, "pay@recoup.example", tls="none"))
            posted = await mail.send(MESSAGE, 2)
            assert (posted.state, posted.why) == ("later", "SMTPServerDisconnected")
            assert wrote[0] < 16 * smtp.REPLIES_BYTES_MAX + (8 << 20), (
                "beside what the system buffers"
            )

    asyncio.run(story())


@pytest.mark.parametrize("said", [b"500 what", b"421 closing"])
def test_a_mail_that_was_taken_is_not_sent_again_whatever_is_said_at_the_end(said: bytes) -> None:
    state, got = sent({"QUIT": said})
    assert (state, len(got)) == ("sent", 1)


def test_a_mail_goes_by_tls_from_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_tls, client_tls = certificate(str(tmp_path), "localhost")
    monkeypatch.setattr(smtp.ssl, "create_default_context", lambda: client_tls)
    got: list[bytes] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETS)
        while line := await reader.readline():
            if line.upper().startswith(b"DATA"):
                writer.write(b"354 go\r\n")
                got.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 ok\r\n")
        writer.close()
        over.set()

    async def story() -> None:
        listening = await asyncio.start_server(serve, "localhost", 0, ssl=server_tls)
        port = listening.sockets[0].getsockname()[1]
        mail = SmtpMail(SmtpServer("localhost", port, "pay@recoup.example", tls="implicit"))
        assert (await mail.send(MESSAGE, 5)).state == "sent"
        await over.wait()
        listening.close()
        await asyncio.sleep(0.1)

    asyncio.run(story())
    assert len(got) == 1
