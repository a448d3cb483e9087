"""What somebody without an account can make the door do: wait, hold and grow no more than its
limits say."""

import asyncio
import contextlib
import gc
import select
import signal
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest
import uvloop
from tests.kit.edge.raw_server import Raw, echo, memory, rest_of, send_all, serving
from tests.odd_servers import certificate

from recoup.kit.edge.asgi import Receive, Refusal, Scope, Send, hangs_up, send_refusal, send_stream
from recoup.kit.edge.connections import Connections, Handshakes, Limits
from recoup.kit.edge.proxies import Proxies

SOON = Limits(
    head_seconds=1.0,
    head_pressed_seconds=0.5,
    body_seconds=1.0,
    idle_seconds=2.0,
    write_seconds=1.0,
)
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
MEMORY = 24 << 20


def many(piece: bytes, size: int) -> Iterator[bytes]:
    return (piece for _ in range(size // len(piece)))


def has_ended(made: socket.socket) -> bytes:
    """What it still said. Raises: TimeoutError when the server never ends it."""
    return rest_of(made)


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /", b"a" * 65536),
        (b"GET / HTTP/1.1\r\nx-long: ", b"a" * 65536),
        (b"GET / HTTP/1.1\r\n", b"x-many: abcdefgh\r\n" * 4000),
        (b"GET / HTTP/1.1\r\n" + b"n" * 100, b"n" * 65536),
    ],
)
def test_an_endless_head_is_answered_431_and_never_kept(begin: bytes, more: bytes) -> None:
    with serving(Limits()) as raw:
        before = memory()
        with raw.connect(begin) as made:
            taken = send_all(made, many(more, 80 << 20))
            assert taken < 16 << 20, "the door went on reading"
        assert raw.is_healthy()
        assert memory() - before < MEMORY
        with raw.connect(begin + more * 2) as made:
            assert has_ended(made).startswith(b"HTTP/1.1 431 ")


def test_a_head_of_64_kib_is_taken_and_one_byte_more_is_not() -> None:
    with serving(Limits()) as raw:
        for size, status in ((65536 - 40, b"200"), (65537, b"431")):
            head = b"GET /" + b"a" * (size - 5) + b" HTTP/1.1\r\nconnection: close\r\n\r\n"
            assert raw.ask(head).split(b" ")[1] == status
        assert (
            raw.ask(b"GET / HTTP/1.1\r\nconnection: close\r\n" + b"a: b\r\n" * 190 + b"\r\n")[:12]
            == b"HTTP/1.1 200"
        )
        assert raw.ask(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n").startswith(
            b"HTTP/1.1 431"
        )


def test_a_large_body_in_the_same_read_is_no_large_head() -> None:
    body = b"x" * 500_000
    head = b"POST / HTTP/1.1\r\ncontent-length: 500000\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"
    with serving(Limits()) as raw:
        answered = raw.ask(head + body + head + body + last)
        assert answered.count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("half", [b"", b"\r\n", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
def test_a_head_that_never_ends_is_waited_for_no_longer_than_the_deadline(half: bytes) -> None:
    with serving(SOON) as raw, raw.connect(half) as made:
        said = has_ended(made)
        assert said[:12] == (b"HTTP/1.1 408" if half.strip() else b"")


def test_a_head_sent_byte_by_byte_has_one_deadline_in_all() -> None:
    with serving(SOON) as raw, raw.connect(b"GET / HTTP/1.1\r\n") as made:
        made.settimeout(0.2)
        said, until = b"", time.monotonic() + 20
        while time.monotonic() < until and not said:
            try:
                made.sendall(b"a")
                said = made.recv(100)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() < until
        assert raw.is_healthy()


@pytest.mark.parametrize("head", [b"content-length: 1000", b"transfer-encoding: chunked"])
def test_a_body_that_stops_coming_is_given_up(head: bytes) -> None:
    gone = threading.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    with (
        serving(SOON, waits) as raw,
        raw.connect(b"POST / HTTP/1.1\r\n" + head + b"\r\n\r\n3\r\nabc\r\n") as made,
    ):
        assert has_ended(made) == b""
        assert gone.wait(10)


def test_a_body_whose_call_was_answered_early_is_not_waited_for() -> None:
    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send_refusal(send, Refusal(200, b"ok"))

    with (
        serving(SOON, hasty) as raw,
        raw.connect(b"POST / HTTP/1.1\r\ncontent-length: 9999\r\n\r\nabc") as made,
    ):
        assert has_ended(made).endswith(b"ok")


def test_an_idle_connection_is_closed() -> None:
    with serving(SOON) as raw, raw.connect(GET) as made:
        assert has_ended(made).startswith(b"HTTP/1.1 200")


def test_line_ends_between_calls_keep_no_connection_open() -> None:
    with serving(SOON) as raw, raw.connect(GET) as made:
        made.settimeout(0.1)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                made.sendall(b"\r\n")
                if not made.recv(1000):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() < until


def test_health_checks_are_answered_while_one_address_holds_all_it_may() -> None:
    with serving(Limits(per_address=20, spare=4)) as raw:
        held = [raw.connect() for _ in range(200)]
        held += [raw.connect(b"GET / HTTP/1.1\r\n") for _ in range(50)]
        for _ in range(5):
            assert raw.is_healthy()
        answer = raw.ask(GET)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"retry-after" in answer
        assert len(raw.connections) <= 24 + 1
        for one in held:
            one.close()
        until = time.monotonic() + 10
        while len(raw.connections) and time.monotonic() < until:
            time.sleep(0.05)
        assert raw.ask(GET.replace(b"host: x", b"connection: close")).startswith(b"HTTP/1.1 200")


def test_health_checks_are_answered_while_all_connections_are_used() -> None:
    with serving(Limits(total=30, per_address=1000, spare=4), proxies="10.0.0.0/8") as raw:
        held = [raw.connect() for _ in range(100)]
        assert raw.is_healthy()
        assert raw.ask(GET).startswith(b"HTTP/1.1 503")
        assert len(raw.connections) <= 34 + 1
        for one in held:
            one.close()


def test_a_named_proxy_is_counted_in_all_and_not_as_one_address() -> None:
    with serving(Limits(total=60, per_address=10, spare=4), proxies="127.0.0.0/8") as raw:
        held = [raw.connect(GET) for _ in range(40)]
        for one in held:
            assert one.recv(1000).startswith(b"HTTP/1.1 200")
        held += [raw.connect() for _ in range(20)]
        time.sleep(0.2)
        assert raw.ask(GET).startswith(b"HTTP/1.1 503")
        for one in held:
            one.close()


def test_under_pressure_half_open_connections_go_sooner_than_working_ones() -> None:
    limits = replace(
        SOON, total=20, per_address=20, head_seconds=600, idle_seconds=600, idle_pressed_seconds=600
    )
    with serving(limits) as raw:
        worker = raw.connect(GET)
        said = b""
        while not said.endswith(b"\r\n\r\n0"):  # head and body may come in two pieces
            assert (piece := worker.recv(1000))
            said += piece
        silent = [raw.connect() for _ in range(18)]
        assert all(has_ended(one) == b"" for one in silent)
        worker.sendall(GET)
        assert worker.recv(1000).startswith(b"HTTP/1.1 200")
        worker.close()


def test_a_caller_that_never_reads_its_answers_is_cut_off() -> None:
    with serving(SOON) as raw:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", raw.port))
        before = memory()
        made.settimeout(20)
        send_all(made, many(b"GET /bytes/4000000 HTTP/1.1\r\nhost: x\r\n\r\n" * 100, 1 << 20))
        until = time.monotonic() + 20
        while len(raw.connections) and time.monotonic() < until:
            time.sleep(0.05)
        assert not len(raw.connections), "the connection is held for good"
        assert memory() - before < MEMORY
        made.close()


def test_a_closed_answer_that_nobody_reads_is_not_kept() -> None:
    with serving(SOON) as raw:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(("127.0.0.1", raw.port))
        made.sendall(b"GET /bytes/9000000 HTTP/1.1\r\nconnection: close\r\n\r\n")
        until = time.monotonic() + 20
        while len(raw.connections) and time.monotonic() < until:
            time.sleep(0.05)
        assert not len(raw.connections), "the connection is held for good"
        made.close()


def reader(raw: Raw, asked: bytes) -> socket.socket:
    """A caller behind a thin line: little is on its way to it."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    made.settimeout(20)
    made.connect(("127.0.0.1", raw.port))
    raw.made.append(made)
    made.sendall(asked)
    return made


def read_slowly(made: socket.socket, size: int) -> int:
    read = 0
    with contextlib.suppress(ConnectionResetError):
        while read < size and (piece := made.recv(65536)):
            read += len(piece)
            time.sleep(0.01 * len(piece) / 16384)
    return read


@pytest.mark.parametrize(
    "asked", [b"", b"connection: close\r\n"], ids=["kept open", "closed afterwards"]
)
def test_who_reads_slowly_and_steadily_gets_the_whole_answer(asked: bytes) -> None:
    """It was cut after the time that one who reads nothing has."""
    with serving(SOON, kernel_keeps=65536) as raw:
        made, began = (
            reader(raw, b"GET /bytes/5000000 HTTP/1.1\r\n" + asked + b"\r\n"),
            time.monotonic(),
        )
        assert read_slowly(made, 5_000_000) >= 5_000_000
        assert time.monotonic() - began > 2 * SOON.write_seconds


def test_who_reads_too_slowly_is_cut_off() -> None:
    with serving(replace(SOON, write_bytes_per_second=50 << 20), kernel_keeps=65536) as raw:
        made = reader(raw, b"GET /bytes/9000000 HTTP/1.1\r\n\r\n")
        assert read_slowly(made, 9_000_000) < 9_000_000


def test_many_half_bodies_of_one_address_do_not_cut_the_largest_upload_of_another() -> None:
    with serving(Limits(held_bytes=8 << 20)) as raw:
        honest = socket.create_connection(
            ("127.0.0.1", raw.port), timeout=20, source_address=("127.0.0.2", 0)
        )
        raw.made.append(honest)
        honest.sendall(
            b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 2000000\r\n\r\n"
            + b"x" * 1_900_000
        )
        begun = b"POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n"
        for _ in range(40):
            send_all(raw.connect(begun), iter([b"x" * 500_000]))
        assert raw.is_healthy()
        honest.sendall(b"x" * 100_000)
        assert rest_of(honest).endswith(b"2000000")


@pytest.mark.parametrize("head", [b"content-length: 1000000", b"transfer-encoding: chunked"])
def test_bodies_that_never_end_hold_no_more_than_their_room_together(head: bytes) -> None:
    begun = b"POST / HTTP/1.1\r\n" + head + b"\r\n\r\n"
    piece = b"x" * 900_000 if b"length" in head else b"dbba0\r\n" + b"x" * 900_000
    with serving(Limits(held_bytes=8 << 20)) as raw:
        before = memory()
        for _ in range(120):
            send_all(raw.connect(begun), iter([piece]))
        assert memory() - before < 3 * MEMORY, "a hundred megabytes were sent"
        small = b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 5\r\n\r\nab"
        with raw.connect(small) as made:
            time.sleep(0.2)
            made.sendall(b"cde")
            assert rest_of(made).endswith(b"5"), "the largest give way, not the others"
        whole = (
            b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 900000\r\n\r\n"
            + b"x" * 900_000
        )
        assert raw.ask(whole).endswith(b"900000")


def test_answers_that_nobody_reads_hold_no_more_than_their_room_together() -> None:
    with serving(Limits(held_bytes=8 << 20)) as raw:
        before = memory()
        for _ in range(40):
            raw.connect(b"GET /bytes/9000000 HTTP/1.1\r\n\r\n")
        time.sleep(0.5)
        assert raw.is_healthy()
        assert memory() - before < 4 * MEMORY, "it is some 300 MB"


def test_an_application_that_fails_for_a_caller_who_hung_up_leaves_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    over = threading.Event()

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
            raise OSError("of the application")
        finally:
            over.set()

    with serving(Limits(), fails) as raw:
        raw.connect(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nx").close()
        assert over.wait(20)
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_for_a_caller_that_hung_up_nothing_more_is_read() -> None:
    read, over = 0, threading.Event()

    async def rows() -> AsyncIterator[bytes]:
        nonlocal read
        try:
            while read < 1_000_000:
                read += 1
                yield b"x" * 1000
                await asyncio.sleep(0)
        finally:
            over.set()

    async def streams(scope: Scope, receive: Receive, send: Send) -> None:
        made = rows()
        async with aclosing(made):  # type: ignore[type-var]
            await send_stream(receive, send, 200, [], made)

    with serving(Limits(), streams) as raw:
        made = raw.connect(GET)
        assert made.recv(1000).startswith(b"HTTP/1.1 200")
        made.close()
        assert over.wait(20)
        assert read < 1_000_000


def test_no_answer_is_made_for_a_caller_that_has_not_read_those_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A hundred connections that asked thirty times each for a large page kept health checks
    waiting for 25 s."""
    made: list[str] = []
    hung_up: list[str] = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        made.append(scope["path"])
        if scope["path"] == "/waits":
            await hangs_up(receive)
            hung_up.append("waits")
            return
        await send_refusal(send, Refusal(200, b"x" * 4_000_000))

    with serving(Limits(), page, kernel_keeps=65536) as raw:
        unread = reader(raw, b"GET /page HTTP/1.1\r\nhost: x\r\n\r\n" * 30)
        time.sleep(0.3)
        assert len(made) == 1
        assert raw.is_healthy()
        read = read_until(unread, 9_000_000)
        assert 1 <= len(made) - read.count(b"HTTP/1.1 200") + 1 <= 2
        unread.close()
        ahead = reader(raw, b"GET /waits HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
        time.sleep(0.2)
        ahead.close()
        until = time.monotonic() + 10
        while not hung_up and time.monotonic() < until:
            time.sleep(0.02)
    assert hung_up == ["waits"], "of calls asked ahead the first one hears that its caller is gone"
    assert "Exception" not in caplog.text


def read_until(made: socket.socket, size: int) -> bytes:
    read = bytearray()
    while len(read) < size:
        read += made.recv(65536)
    return bytes(read)


def test_calls_asked_ahead_are_answered_in_order_up_to_a_number() -> None:
    with serving(Limits(pipelined=32)) as raw:
        answered = raw.ask(GET * 20 + GET.replace(b"host: x", b"connection: close"))
        assert answered.count(b"HTTP/1.1 200") == 21
        before = memory()
        with raw.connect() as made:
            send_all(made, many(GET * 5000, 40 << 20))
        assert raw.is_healthy()
        assert memory() - before < MEMORY


@pytest.mark.parametrize(
    "endless",
    [
        b"0\r\n" + b"x-trailer: abcdefgh\r\n" * 3000,
        b"0\r\nx: " + b"a" * 65536,
        b"5;" + b"a" * 65536,
    ],
    ids=["trailers", "one long trailer", "a chunk extension"],
)
def test_nothing_endless_comes_beside_a_body(endless: bytes) -> None:
    with serving(Limits()) as raw:
        before = memory()
        with raw.connect(
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + endless
        ) as made:
            more = endless.removeprefix(b"0\r\n")
            assert send_all(made, many(more, 60 << 20)) < 16 << 20
        assert raw.is_healthy()
        assert memory() - before < MEMORY


def test_trailers_do_not_become_headers_of_the_call() -> None:
    seen: list[int] = []

    async def counts(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        seen.append(len(scope["headers"]))

    with serving(Limits(), counts) as raw:
        head = b"POST / HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        assert raw.ask(head + b"3\r\nabc\r\n0\r\nx-one: 1\r\nx-two: 2\r\n\r\n").endswith(b"3")
    assert seen == [2]


def test_a_body_of_single_bytes_is_bounded_by_its_pieces() -> None:
    head = b"POST / HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    with serving(Limits()) as raw:
        assert raw.ask(head + b"1\r\na\r\n" * 10_000 + b"0\r\n\r\n").endswith(b"10000")
        with raw.connect(head) as made:
            assert send_all(made, many(b"1\r\na\r\n" * 10_000, 30 << 20)) < 16 << 20
        assert raw.is_healthy()


def test_what_is_no_http_is_answered_once_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving(Limits()) as raw:
        for junk in (
            b"\x16\x03\x01\x02\x00",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET  / HTTP/9\r\n\r\n",
            b"CONNECT host:443 HTTP/1.1\r\n\r\n",
        ):
            assert raw.ask(junk).startswith(b"HTTP/1.1 400")
        upgrade = b"GET / HTTP/1.1\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n"
        assert Raw.ask(raw, upgrade).startswith(b"HTTP/1.1 200")
    assert not caplog.records


def test_a_call_that_was_sent_along_with_an_upgrade_is_not_waited_for() -> None:
    """It is not read: the end of the connection says so at once."""
    upgrade = b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    with serving(Limits(idle_seconds=60)) as raw:
        begun = time.monotonic()
        said = raw.ask(upgrade + b"GET / HTTP/1.1\r\n\r\n")
        assert time.monotonic() - begun < 5
        assert said.count(b"HTTP/1.1 200") == 1
        assert b"connection: close" in said


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = str(tmp_path_factory.mktemp("tls"))
    certificate(folder, "localhost")
    return {"ssl_certfile": f"{folder}/localhost.pem"}


def over_tls(raw: Raw, sent: bytes, folder: str) -> bytes:
    with ssl.create_default_context(cafile=folder).wrap_socket(
        raw.connect(), server_hostname="localhost"
    ) as made:
        made.sendall(sent)
        return rest_of(made)


def test_a_handshake_that_never_comes_is_given_up_and_keeps_nobody_out(
    secured: dict[str, str],
) -> None:
    limits = replace(SOON, handshakes=20, handshakes_per_address=8)
    with serving(limits, **secured) as raw:
        silent = [raw.connect() for _ in range(100)]
        silent += [raw.connect(b"\x16\x03\x01") for _ in range(20)]
        closing = b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n"
        assert over_tls(raw, closing, secured["ssl_certfile"]).startswith(b"HTTP/1.1 200")
        assert all(has_ended(one) is not None for one in silent)
        assert over_tls(raw, closing, secured["ssl_certfile"]).startswith(b"HTTP/1.1 200")


def test_whoever_was_accepted_when_the_door_closes_still_shakes_hands(
    secured: dict[str, str],
) -> None:
    """However little time there was between."""

    async def story() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secured["ssl_certfile"])
        with socket.create_server(("127.0.0.1", 0)) as listener:
            connections = Connections(Limits(), {}, Proxies(""))
            door = Handshakes(listener, context, asyncio.Protocol, connections)
            for _ in range(20):
                await door.start_serving()
                theirs = ssl.create_default_context(cafile=secured["ssl_certfile"])
                caller = asyncio.create_task(
                    asyncio.open_connection(
                        *listener.getsockname(), ssl=theirs, server_hostname="localhost"
                    )
                )
                while not select.select([listener], [], [], 0)[0]:  # noqa: ASYNC110 - of the kernel
                    await asyncio.sleep(0)
                while select.select([listener], [], [], 0)[0]:  # noqa: ASYNC110 - of the kernel
                    await asyncio.sleep(0)
                door.close()
                _, writer = await caller
                writer.close()
                await door.wait_closed()
                door = Handshakes(listener, context, asyncio.Protocol, connections)
            door.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as doors have it
        runner.run(story())


def test_the_limits_hold_over_tls(secured: dict[str, str]) -> None:
    with serving(SOON, **secured) as raw:
        long = b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n"
        assert over_tls(raw, long, secured["ssl_certfile"]).startswith(b"HTTP/1.1 431")
        assert over_tls(raw, GET, secured["ssl_certfile"]).startswith(b"HTTP/1.1 200")
        assert over_tls(raw, b"GET / HTT", secured["ssl_certfile"]).startswith(b"HTTP/1.1 408")


def test_the_door_serves_on_until_the_balancer_knows_that_it_closes() -> None:
    with serving(Limits(), drain_seconds=2) as raw:
        assert not raw.server.is_draining
        raw.server.handle_exit(signal.SIGTERM, None)
        assert raw.server.is_draining
        assert raw.is_healthy()
        while not raw.server.should_exit:
            time.sleep(0.05)
    with serving(Limits(), drain_seconds=600) as raw:
        raw.server.handle_exit(signal.SIGTERM, None)
        raw.server.handle_exit(signal.SIGTERM, None)
        assert raw.server.should_exit, "a second signal waits no longer"
