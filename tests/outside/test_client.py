"""The outgoing client against real servers that answer well, badly, slowly or not at all."""

import asyncio
import gzip
import socket
import time

import pytest
from tests.odd_servers import OK, end, saying, serving
from tests.outside.gateways.calls import HEADERS, client, run, told
from tests.rings import each

from recoup.outside.web.port import Answer


def test_a_post_arrives_as_it_was_sent() -> None:
    seen: list[bytes] = []

    async def behave(
        head: bytes, body: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
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
    assert (answer.status, answer.error, answer.body_start, answer.taken) == (
        202,
        None,
        b"ok",
        True,
    )
    assert answer.headers["retry-after"] == "7"
    assert 0 < answer.latency_ms < 5000


def test_connections_are_kept() -> None:
    used: list[int] = []

    async def behave(
        _h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        used.append(connection)
        writer.write(OK)

    told(behave, times=3)
    assert used == [1, 1, 1]


def test_redirects_are_answers_and_not_followed() -> None:
    calls: list[bytes] = []

    async def behave(
        head: bytes, _b: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        calls.append(head)
        writer.write(
            b"HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:1/\r\nset-cookie: "
            b"a=b\r\ncontent-length: 0\r\n\r\n"
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


@each(
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
@each("then", ["close", "half", "reset"])
def test_garbage_is_a_protocol_error(said: bytes, then: str) -> None:
    (answer,) = told(saying(said, then=then))
    assert answer.error == "protocol"
    assert not answer.taken


@pytest.mark.parametrize("then", ["close", "half", "reset"])
def test_an_answer_cut_short_is_no_answer(then: str) -> None:
    (answer,) = told(
        saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab", pause=0.05, then=then)
    )
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
    assert time.monotonic() - begun < 30  # not the 60 s of the silence


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
    (answer,) = told(saying(*chunks, pause=1), timeout_seconds=0.5)
    assert (answer.status, answer.error, answer.taken) == (status, "timeout", False)
    assert time.monotonic() - begun < 4  # not the 8 s and 40 s of the whole


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

    async def behave(
        _h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
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


@pytest.mark.parametrize("start", [b"H", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\ncontent-le"])
def test_part_of_a_head_on_a_kept_connection_counts_as_none(start: bytes) -> None:
    seen: list[int] = []

    async def behave(
        _h: bytes, _b: bytes, connection: int, number: int, writer: asyncio.StreamWriter
    ) -> None:
        seen.append(connection)
        writer.write(start if number == 2 else OK)
        if number == 2:
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.close()

    answer = told(behave, times=2)[1]
    assert (answer.status, answer.error, answer.retried) == (200, None, True)
    assert seen == [1, 1, 2]


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


def test_many_at_once_share_a_bounded_number_of_connections() -> None:
    used: set[int] = set()

    async def behave(
        _h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
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
