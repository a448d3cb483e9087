"""No large body gets in: declared, chunked or lying."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from tests.kit.edge.asgi_client import call, refuse, request, scope_of
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import App, Receive, Refusal, Scope, Send, send_refusal
from recoup.kit.edge.entry import Entry
from recoup.kit.edge.json_body import read_body

LIMIT = 1000


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(receive)
    await send_refusal(send, Refusal(200, str(len(body)).encode()))


async def never_reads(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send_refusal(send, Refusal(404, b""))


LIMITED: App = Entry(echo, refuse, bytes_max=LIMIT)


def length(value: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", value)]


def test_a_body_at_the_limit_passes_in_any_number_of_chunks() -> None:
    body = b"x" * LIMIT
    assert call(LIMITED, scope_of(headers=length(b"1000")), request(body)).body == b"1000"
    chunked = [(b"transfer-encoding", b"chunked")]
    assert (
        call(LIMITED, scope_of(headers=chunked), request(body[:1], body[1:], b"")).body == b"1000"
    )
    assert call(LIMITED, scope_of(headers=chunked), request()).body == b"0"
    assert call(LIMITED, scope_of(), request(b"")).body == b"0"


@each("value", [b"1001", b"99999999999999999999999999", b"-1", b"1e3", b"", b"0x10", b"10, 10"])
def test_a_declared_length_is_enough_to_refuse(value: bytes) -> None:
    got = call(
        Entry(never_reads, refuse, bytes_max=LIMIT), scope_of(headers=length(value)), request(b"x")
    )
    assert (got.status, got.body, got.header(b"connection")) == (413, b"too_large", b"close")


def test_a_chunked_body_is_counted_before_routing() -> None:
    chunked = [(b"transfer-encoding", b"chunked")]
    got = call(
        Entry(never_reads, refuse, bytes_max=LIMIT),
        scope_of(headers=chunked),
        request(*[b"x" * 100] * 11),
    )
    assert got.status == 413


@pytest.mark.parametrize("headers", [length(b"5"), []])
def test_a_lying_length_is_counted_while_reading(headers: list[tuple[bytes, bytes]]) -> None:
    got = call(LIMITED, scope_of(headers=headers), request(b"x" * 600, b"x" * 600))
    assert got.status == 413


def test_a_path_that_takes_files_has_a_limit_of_its_own_for_bodies_that_say_their_length() -> None:
    async def counts(_scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        await send_refusal(send, Refusal(200, str(size).encode()))

    limited, body = (
        Entry(counts, refuse, bytes_max=LIMIT, larger={"/files": 2 * LIMIT}),
        request(b"x" * 1500),
    )
    assert call(limited, scope_of(path="/files", headers=length(b"1500")), body).body == b"1500"
    assert call(limited, scope_of(path="/files", headers=length(b"2001")), body).status == 413
    assert call(limited, scope_of(path="/other", headers=length(b"1500")), body).status == 413
    lying = request(b"x" * 1500, b"x" * 1500)
    assert call(limited, scope_of(path="/files", headers=length(b"5")), lying).status == 413
    chunked = [(b"transfer-encoding", b"chunked")]
    assert (
        call(limited, scope_of(path="/files", headers=chunked), request(b"x" * 1500)).status == 413
    )


def test_a_problem_that_a_door_leaves_to_the_edge_is_answered() -> None:
    async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise Problem("unavailable", "no", retry_after_seconds=7)

    got = call(Entry(fails, refuse), scope_of(), request())
    assert (got.status, got.body, got.header(b"retry-after")) == (503, b"unavailable", b"7")


def test_a_problem_in_the_midst_of_an_answer_ends_it() -> None:
    async def fails(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise Problem("unavailable", "no")

    with pytest.raises(Problem, match="no"):
        call(Entry(fails, refuse), scope_of(), request())


def test_a_caller_that_hangs_up_is_told_nothing() -> None:
    chunked = [(b"transfer-encoding", b"chunked")]
    assert call(LIMITED, scope_of(headers=chunked), [{"type": "http.disconnect"}]).status == 0


@contextlib.contextmanager
def serving(app: App) -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            app, log_level="error", lifespan="off", loop="uvloop", http="httptools"
        )  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join()


def test_a_real_client_hears_413_and_not_a_broken_pipe() -> None:
    with serving(Entry(echo, refuse)) as port:
        for body, encode in [(b"x" * 4_000_000, False), (iter([b"x" * 100_000] * 40), True)]:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            client.request(
                "POST",
                "/",
                body,
                encode_chunked=encode,
                headers={"Transfer-Encoding": "chunked"} if encode else {},
            )
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (413, b"too_large")
            client.close()
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(2):
            client.request("POST", "/", b"x" * (1 << 20))
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (200, b"1048576")
        client.close()
