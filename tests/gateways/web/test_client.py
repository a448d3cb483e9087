"""The outgoing client against real servers that answer well, badly, slowly or not at all."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.gateways.web.servers import OK, Behaviour, certificate, end, saying, serving

from recoup.gateways.web.client import WebClient
from recoup.gateways.web.port import Answer

HEADERS = {"content-type": "application/json", "x-fc-nonce": "n"}


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


@contextlib.asynccontextmanager
async def client(**options: Any) -> AsyncIterator[WebClient]:
    made = WebClient(loopback=options.pop("loopback", True), **options)
    try:
        yield made
    finally:
        await made.close()


def told(behaviour: Behaviour, times: int = 1, **options: Any) -> list[Answer]:
    """What the client makes of a server that behaves so."""
    answers: list[Answer] = []

    async def story() -> None:
        async with serving(behaviour) as port, client() as web:
            for _ in range(times):
                answers.append(await web.post(f"http://127.0.0.1:{port}/hook?x=1", HEADERS, b"{}", **options))

    run(story)
    return answers


def test_a_post_arrives_as_it_was_sent() -> None:
    seen: list[bytes] = []

    async def behave(head: bytes, body: bytes, _c: int, _n: int, writer: asyncio.StreamWriter) -> None:
        seen.extend((head, body))
        writer.write(b"HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\nok")

    (answer,) = told(behave)
    head, body = seen
    assert body == b"{}"
    assert head.startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:-2]]
    assert sorted(names) == sorted(
        [
            b"host",
            b"user-agent",
            b"accept-encoding",
            b"content-type",
            b"x-fc-nonce",
            b"accept",
            b"content-length",
        ]
    )
    assert (answer.status, answer.error, answer.body_start, answer.taken) == (202, None, b"ok", True)
    assert answer.headers["retry-after"] == "7"
    assert 0 < answer.latency_ms < 5000


def test_connections_are_kept() -> None:
    used: list[int] = []

    async def behave(_h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter) -> None:
        used.append(connection)
        writer.write(OK)

    told(behave, times=3)
    assert used == [1, 1, 1]


def test_redirects_are_answers_and_not_followed() -> None:
    calls: list[bytes] = []

    async def behave(head: bytes, _b: bytes, _c: int, _n: int, writer: asyncio.StreamWriter) -> None:
        calls.append(head)
        writer.write(
            b"HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:1/\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
        )

    one, other = told(behave, times=2)
    assert (one.status, one.error, one.taken) == (307, None, False)
    assert other.status == 307
    assert len(calls) == 2
    assert b"cookie" not in calls[1].lower()


@pytest.mark.parametrize("size", [5_000, 60_000, 5_000_000])
def test_a_huge_answer_is_cut_and_its_status_counts(size: int) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size
    one, other = told(saying(head, b"x" * size), times=2)
    assert (one.status, one.error, one.body_start) == (200, None, b"x" * 2048)
    assert other == Answer(200, one.headers, one.body_start, other.latency_ms)


def test_an_endless_answer_ends_soon() -> None:
    async def behave(_h: bytes, _b: bytes, _c: int, _n: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"y" * 4096 + b"\r\n")
            await writer.drain()

    (answer,) = told(behave, timeout_seconds=5.0)
    assert (answer.status, answer.error) == (200, None)
    assert len(answer.body_start) == 2048


def test_a_compressed_bomb_stays_compressed() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    (answer,) = told(saying(head + bomb))
    assert answer.body_start == bomb[:2048]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n"
        + b"".join(b"x%d: a\r\n" % i for i in range(500))
        + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 200 " + b"O" * 20_000 + b"\r\n\r\n",
    ],
)
def test_a_head_without_end_is_too_large(head: bytes) -> None:
    (answer,) = told(saying(head, then="close"))
    assert (answer.status, answer.error) == (None, "too_large")


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
@pytest.mark.parametrize("then", ["close", "half", "reset"])
def test_garbage_is_a_protocol_error(said: bytes, then: str) -> None:
    (answer,) = told(saying(said, then=then))
    assert answer.error == "protocol"
    assert not answer.taken


@pytest.mark.parametrize("then", ["close", "half", "reset"])
def test_an_answer_cut_short_is_no_answer(then: str) -> None:
    (answer,) = told(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab", pause=0.05, then=then))
    assert (answer.status, answer.error, answer.body_start) == (200, "protocol", b"ab")
    assert not answer.taken


def test_a_half_closed_receiver_may_still_answer() -> None:
    (answer,) = told(saying(b"HTTP/1.1 200 OK\r\n\r\nok", then="half"))
    assert (answer.status, answer.error, answer.body_start) == (200, None, b"ok")


def test_silence_times_out() -> None:
    async def behave(*_: object) -> None:
        await asyncio.sleep(60)

    begun = time.monotonic()
    (answer,) = told(behave, timeout_seconds=0.3)
    assert (answer.status, answer.error) == (None, "timeout")
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        ([b"H", b"T", b"T", b"P"] * 40, None),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", *[b"a"] * 8], 200),
    ],
)
def test_a_slow_loris_is_cut_off(chunks: list[bytes], status: int | None) -> None:
    if status is None:
        chunks = [b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 40]
    begun = time.monotonic()
    (answer,) = told(saying(*chunks, pause=0.1), timeout_seconds=0.5)
    assert (answer.status, answer.error, answer.taken) == (status, "timeout", False)
    assert time.monotonic() - begun < 2


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def story() -> None:
        async with client() as web:
            answer = await web.post(f"http://127.0.0.1:{port}/", {}, b"")
            assert (answer.status, answer.error) == (None, "connect")

    run(story)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_kept_connection_that_died_costs_no_delivery(how: str) -> None:
    """The receiver drops the second request of the first connection unread: it may come again."""
    seen: list[tuple[int, int]] = []

    async def behave(
        _h: bytes, _b: bytes, connection: int, number: int, writer: asyncio.StreamWriter
    ) -> None:
        seen.append((connection, number))
        if (connection, number) == (1, 2):
            end(writer, how)
        else:
            writer.write(OK)

    one, other = told(behave, times=2)
    assert (one.status, one.retried) == (200, False)
    assert (other.status, other.error, other.retried) == (200, None, True)
    assert seen == [(1, 1), (1, 2), (2, 1)]


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_new_connection_that_dies_is_not_tried_again(how: str) -> None:
    seen: list[int] = []

    async def behave(_h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter) -> None:
        seen.append(connection)
        end(writer, how)

    (answer,) = told(behave)
    assert (answer.status, answer.error, answer.retried) == (None, "protocol", False)
    assert seen == [1]


def test_a_second_try_is_the_last() -> None:
    seen: list[tuple[int, int]] = []

    async def behave(
        _h: bytes, _b: bytes, connection: int, number: int, writer: asyncio.StreamWriter
    ) -> None:
        seen.append((connection, number))
        if (connection, number) == (1, 1):
            writer.write(OK)
        else:
            writer.close()

    answer = told(behave, times=2)[1]
    assert (answer.status, answer.error, answer.retried) == (None, "protocol", True)
    assert seen == [(1, 1), (1, 2), (2, 1)]


def test_an_answer_that_began_is_not_asked_for_again() -> None:
    seen: list[int] = []

    async def behave(
        _h: bytes, _b: bytes, connection: int, number: int, writer: asyncio.StreamWriter
    ) -> None:
        seen.append(connection)
        if number == 1:
            writer.write(OK)
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    answer = told(behave, times=2)[1]
    assert (answer.status, answer.error, answer.retried) == (200, "protocol", False)
    assert seen == [1, 1]


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://2130706433:{port}/",
        "https://127.0.0.1:{port}/",
        "http://a@127.0.0.1:{port}/",
        "https://169.254.169.254/",
        "nonsense",
    ],
)
def test_refused_addresses_are_not_called(url: str) -> None:
    calls: list[int] = []

    async def behave(_h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter) -> None:
        calls.append(connection)
        writer.write(OK)

    async def story() -> None:
        async with serving(behave) as port, client() as web:
            answer = await web.post(url.format(port=port), {}, b"")
            assert (answer.status, answer.error) == (None, "refused_address")

    run(story)
    assert calls == []


def test_without_the_sandbox_loopback_is_refused() -> None:
    async def story() -> None:
        async with serving(saying(OK)) as port, client(loopback=False) as web:
            answer = await web.post(f"http://127.0.0.1:{port}/", {}, b"")
            assert answer.error == "refused_address"

    run(story)


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:8.8.8.8"], ["fe80::1%eth0"], ["169.254.169.254"]],
)
def test_a_name_with_one_inner_address_is_refused(found: list[str]) -> None:
    async def lookup(_host: str) -> list[str]:
        return found

    async def story() -> None:
        async with client(lookup=lookup) as web:
            answer = await web.post("https://hooks.example.com/", {}, b"")
            assert (answer.status, answer.error) == (None, "refused_address")

    run(story)


def test_a_name_that_turns_inward_later_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DNS rebinding: the name was public when first asked; the kept connection does not help it."""
    from recoup.gateways.web import names

    monkeypatch.setattr(names, "REMEMBERED_SECONDS", 0.0)
    server_tls, client_tls = certificate(str(tmp_path), "hooks.example.com")
    inner: list[bool] = []

    async def lookup(_host: str) -> list[str]:
        return ["127.0.0.1"]

    async def story() -> None:
        options = {"lookup": lookup, "allowed": lambda _address: not inner, "tls": client_tls}
        async with serving(saying(OK), server_tls) as port, client(**options) as web:
            url = f"https://hooks.example.com:{port}/"
            assert (await web.post(url, {}, b"")).status == 200
            inner.append(True)
            assert (await web.post(url, {}, b"")).error == "refused_address"

    run(story)


@pytest.mark.parametrize("found", [[], None])
def test_a_name_without_address(found: list[str] | None) -> None:
    async def lookup(_host: str) -> list[str]:
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return found

    async def story() -> None:
        async with client(lookup=lookup) as web:
            answer = await web.post("https://hooks.example.com/", {}, b"")
            assert (answer.status, answer.error) == (None, "dns")

    run(story)


def test_a_slow_name_server_times_out_and_does_not_hurt_the_next() -> None:
    asked: list[str] = []

    async def lookup(host: str) -> list[str]:
        asked.append(host)
        await asyncio.sleep(60)
        return []

    async def story() -> None:
        async with client(lookup=lookup) as web:
            calls = [web.post("https://hooks.example.com/", {}, b"", timeout_seconds=0.2) for _ in range(5)]
            assert {answer.error for answer in await asyncio.gather(*calls)} == {"timeout"}

    run(story)
    assert asked == ["hooks.example.com"]


def test_the_certificate_is_checked_against_the_name_on_the_pinned_address(tmp_path: Path) -> None:
    server_tls, client_tls = certificate(str(tmp_path), "hooks.example.com")
    _, stranger = certificate(str(tmp_path), "other.example.com")
    names: list[str | None] = []
    heads: list[bytes] = []
    lookups: list[str] = []
    server_tls.sni_callback = lambda _socket, name, _context: names.append(name)

    async def lookup(host: str) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"]

    async def behave(head: bytes, _b: bytes, _c: int, _n: int, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(OK)

    async def story() -> None:
        async with serving(behave, server_tls) as port:
            pinned = {"lookup": lookup, "allowed": lambda _address: True}
            async with client(tls=client_tls, **pinned) as web:
                good = await web.post(f"https://hooks.example.com:{port}/", {}, b"")
                assert (good.status, good.error) == (200, None)
                assert f"host: hooks.example.com:{port}\r\n".encode() in heads[0].lower()
                # Same machine, other name: neither the kept connection nor the certificate may serve it.
                wrong = await web.post(f"https://other.example.com:{port}/", {}, b"")
                assert (wrong.status, wrong.error) == (None, "tls")
            for tls in (stranger, ssl.create_default_context(), None):
                async with client(tls=tls, **pinned) as web:
                    unknown = await web.post(f"https://hooks.example.com:{port}/", {}, b"")
                    assert (unknown.status, unknown.error) == (None, "tls")

    run(story)
    assert names[:2] == ["hooks.example.com", "other.example.com"]
    assert len(heads) == 1
    assert lookups[:2] == ["hooks.example.com", "other.example.com"]


def test_https_to_a_server_without_tls_is_a_tls_error() -> None:
    async def lookup(_host: str) -> list[str]:
        return ["127.0.0.1"]

    async def behave(*_: object) -> None: ...

    async def story() -> None:
        async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, client(lookup=lookup, allowed=lambda _address: True) as web:
            answer = await web.post(f"https://hooks.example.com:{port}/", {}, b"", timeout_seconds=3)
            assert answer.error == "tls"

    run(story)


def test_many_at_once_share_a_bounded_number_of_connections() -> None:
    used: set[int] = set()

    async def behave(_h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter) -> None:
        used.add(connection)
        writer.write(OK)

    async def story() -> None:
        async with serving(behave) as port, client() as web:
            url = f"http://127.0.0.1:{port}/"
            answers = await asyncio.gather(*(web.post(url, HEADERS, b"{}") for _ in range(500)))
            assert {answer.status for answer in answers} == {200}

    run(story)
    assert len(used) <= 64


def test_cancelling_a_call_is_not_swallowed() -> None:
    async def behave(*_: object) -> None:
        await asyncio.sleep(60)

    async def story() -> None:
        async with serving(behave) as port, client() as web:
            call = asyncio.create_task(web.post(f"http://127.0.0.1:{port}/", {}, b""))
            await asyncio.sleep(0.1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    run(story)


def test_a_line_break_in_a_header_never_leaves() -> None:
    async def story() -> None:
        async with serving(saying(OK)) as port, client() as web:
            answer = await web.post(f"http://127.0.0.1:{port}/", {"x": "a\r\ny: b"}, b"")
            assert (answer.status, answer.error) == (None, "protocol")

    run(story)
