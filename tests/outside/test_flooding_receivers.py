"""Receivers that never stop answering: the call ends, and hardly any of it is parsed."""

import asyncio

import pytest
from aiohttp.client_proto import ResponseHandler
from tests.odd_servers import OK, certificate, saying, serving
from tests.outside.gateways.calls import HEADERS, client, run, told

from recoup.outside.web.port import Answer

EARLY = b"HTTP/1.1 103 Early Hints\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
FLOODS = {
    "interim heads": (b"", EARLY, None, "too_large"),
    "long interim heads": (
        b"",
        b"HTTP/1.1 103 x\r\n" + b"a: " + b"b" * 8000 + b"\r\n\r\n",
        None,
        "too_large",
    ),
    "a head without end": (
        b"HTTP/1.1 200 OK\r\n",
        b"a: " + b"b" * 8000 + b"\r\n",
        None,
        "too_large",
    ),
    "answers": (b"", OK, None, "protocol"),
    "answers without a body": (b"", b"HTTP/1.1 204 No Content\r\n\r\n", None, "protocol"),
    "switches": (
        b"",
        b"HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        None,
        "protocol",
    ),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n", 200, "too_large"),
    "chunks with extensions": (CHUNKED, b"1;" + b"x" * 1000 + b"\r\nx\r\n", 200, "too_large"),
    "trailers": (CHUNKED + b"0\r\n", b"a: " + b"b" * 1000 + b"\r\n", 200, "too_large"),
}
PARSED_MAX = 2 * 65536 + 2048
WRITTEN_MAX = 32_000_000  # what the buffers of both ends hold, with room


class Flood:
    """A receiver that writes as long as it may; `written` tells how much that was, over all
    connections."""

    def __init__(self, first: bytes, again: bytes) -> None:
        self.first = first
        self.piece = again * (1 + (1 << 18) // len(again))
        self.written = 0
        self.cut = asyncio.Event()

    async def behave(
        self, _h: bytes, _b: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(self.first)
        try:
            while not writer.is_closing():
                writer.write(self.piece)
                self.written += len(self.piece)
                await writer.drain()
        finally:
            self.cut.set()


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the parser got, piece by piece."""
    pieces: list[int] = []
    whole = ResponseHandler.data_received

    def counted(self: ResponseHandler, data: bytes) -> None:
        pieces.append(len(data))
        whole(self, data)

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    return pieces


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_ends_the_call_before_it_is_parsed(kind: str, parsed: list[int]) -> None:
    first, again, status, error = FLOODS[kind]
    flood = Flood(first, again)
    (answer,) = told(flood.behave, timeout_seconds=20.0)
    assert (answer.status, answer.error, answer.taken) == (status, error, False)
    assert sum(parsed) <= PARSED_MAX
    assert flood.written <= WRITTEN_MAX
    assert flood.cut.is_set()


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_cut_over_tls_too(kind: str, parsed: list[int], tmp_path: object) -> None:
    first, again, status, error = FLOODS[kind]
    flood = Flood(first, again)
    server, trusting = certificate(str(tmp_path), "receiver.example")

    async def nearby(_name: str) -> list[str]:
        return ["127.0.0.1"]

    async def story() -> None:
        async with (
            serving(flood.behave, server) as port,
            client(tls=trusting, lookup=nearby, allowed=lambda _address: True) as web,
        ):
            answer = await web.post(
                f"https://receiver.example:{port}/", HEADERS, b"{}", timeout_seconds=20.0
            )
            assert (answer.status, answer.error, answer.taken) == (status, error, False)

    run(story)
    assert sum(parsed) <= PARSED_MAX
    assert flood.written <= WRITTEN_MAX


def test_floods_leave_the_loop_to_other_receivers(parsed: list[int]) -> None:
    """Twenty at once, and a good receiver beside them: what may delay it is what is parsed."""
    flood = Flood(b"", EARLY)

    async def story() -> None:
        async with serving(flood.behave) as bad, serving(saying(OK)) as good, client() as web:
            calls = [
                web.post(f"http://127.0.0.1:{bad}/", HEADERS, b"{}", timeout_seconds=60.0)
                for _ in range(20)
            ]
            *flooded, answer = await asyncio.gather(
                *calls, web.post(f"http://127.0.0.1:{good}/", HEADERS, b"{}", timeout_seconds=60.0)
            )
            assert {one.error for one in flooded} == {"too_large"}
            assert answer.taken

    run(story)
    assert max(parsed) <= 2048
    assert sum(parsed) <= 20 * 2048 + len(OK)


def test_an_answer_stands_when_the_flood_begins_after_it_was_read(parsed: list[int]) -> None:
    """The connection does not serve the next call: its answer would be one of the flood."""
    used: list[int] = []
    flood = Flood(b"", OK)

    async def behave(
        head: bytes, body: bytes, connection: int, number: int, writer: asyncio.StreamWriter
    ) -> None:
        used.append(connection)
        writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok")
        if connection == 1:
            await writer.drain()
            await read.wait()
            await flood.behave(head, body, connection, number, writer)

    read = asyncio.Event()

    async def story() -> None:
        async with serving(behave) as port, client() as web:
            one = await web.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
            read.set()
            await flood.cut.wait()
            other = await web.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
            assert [(each.status, each.error) for each in (one, other)] == [
                (201, None),
                (201, None),
            ]

    run(story)
    assert used == [1, 2]
    assert sum(parsed) <= 4096


def test_a_few_interim_heads_are_no_flood() -> None:
    used: list[int] = []

    async def behave(
        _h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        used.append(connection)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" + EARLY * 3 + OK)

    answers = told(behave, times=3)
    assert [(one.status, one.error, one.body_start) for one in answers] == [(200, None, b"ok")] * 3
    assert used == [1, 1, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"".join(b"40\r\n" + b"x" * 64 + b"\r\n" for _ in range(900)) + b"0\r\n\r\n",
        b"".join(b"1\r\nx\r\n" for _ in range(2000)) + b"0\r\n\r\n",
        b"e000\r\n" + b"x" * 0xE000 + b"\r\n0\r\nchecked: yes\r\n\r\n",
    ],
)
def test_long_answers_in_chunks_keep_their_connection(body: bytes) -> None:
    used: list[int] = []

    async def behave(
        _h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        used.append(connection)
        writer.write(CHUNKED + body)

    answers = told(behave, times=3)
    assert [(one.status, one.error) for one in answers] == [(200, None)] * 3
    assert used == [1, 1, 1]


def test_a_long_head_of_many_cookies_is_read() -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(
        b"set-cookie: a%d=%s\r\n" % (i, b"b" * 1000) for i in range(50)
    )
    (answer,) = told(saying(head + b"content-length: 2\r\n\r\nok"))
    assert (answer.status, answer.error, answer.body_start) == (200, None, b"ok")


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_line_break_after_the_counted_body_costs_no_delivery(pause: float) -> None:
    answers = told(saying(OK, b"\r\n", pause=pause), times=2)
    assert [(one.status, one.error) for one in answers] == [(200, None)] * 2


def test_a_body_without_length_or_end_is_cut_and_its_status_counts(parsed: list[int]) -> None:
    flood = Flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000)
    (answer,) = told(flood.behave, timeout_seconds=20.0)
    assert answer == Answer(200, {}, b"x" * 2048, answer.latency_ms)
    assert sum(parsed) <= PARSED_MAX
    assert flood.written <= WRITTEN_MAX


def test_a_greeting_before_the_request_is_no_answer() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n" * 1000)
        await reader.read()
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with client() as web:
            answer = await web.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
            assert (answer.status, answer.error) == (None, "protocol")
        server.close()

    run(story)
