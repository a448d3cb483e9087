"""Paths, ids and headers, around a small Starlette app."""

import asyncio
import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from tests.kit.edge.asgi_client import Got, call, refuse, request, scope_of
from tests.rings import each

from recoup.kit.edge.asgi import App, Message, Receive, Scope, Send
from recoup.kit.edge.entry import Entry, spell
from recoup.kit.edge.tracing import request_id, trace_id
from recoup.networks.magic import script_card


async def outcome(asked: Request) -> JSONResponse:
    return JSONResponse({"request": request_id(asked.scope), "trace": trace_id(asked.scope)})


async def page(_asked: Request) -> HTMLResponse:
    return HTMLResponse("<p>", headers={"cache-control": "private"})


async def root(_asked: Request) -> JSONResponse:
    return JSONResponse({})


ROUTES = [
    Route("/", root, methods=["POST"]),
    Route("/v1/outcome", outcome, methods=["POST"]),
    Route("/page", page, methods=["POST"]),
]
APP: App = Entry(Starlette(routes=ROUTES), refuse)  # type: ignore[arg-type]


def post(path: str, *headers: tuple[bytes, bytes], **more: object) -> Got:
    return call(APP, scope_of(path, list(headers), query_string=b"", **more), request(b"{}"))


@each(
    "path",
    [
        "/v1/outcome",
        "/v1//outcome",
        "//v1///outcome//",
        "/v1/outcome/",
        "/v1/Outcome",
        "/V1/OUTCOME",
        "//V1//outCome/",
    ],
)
def test_carelessly_joined_paths_arrive(path: str) -> None:
    assert post(path).status == 200


def test_one_path() -> None:
    for path, plain in {"": "/", "/": "/", "//": "/", "///a//": "/a", "/a/b": "/a/b"}.items():
        scope = scope_of(path)
        spell(scope)
        assert scope["path"] == plain
    assert post("//").status == 200
    assert post("/Page").status == 404, "only the rescue API's paths are read in any case"
    assert post("/v1/Nowhere").status == 404
    assert post("/v1/out//come").status == 404


def test_a_sane_request_id_is_kept_and_echoed() -> None:
    got = post("/v1/outcome", (b"x-request-id", b"abc-1.2:3_4"))
    assert got.header(b"x-request-id") == b"abc-1.2:3_4"
    assert b'"request":"abc-1.2:3_4"' in got.body


@each("given", [b"", b"a b", b"a\r\nx: y", b"x" * 129, b"\xff", b"<script>", b"-a"])
def test_an_odd_request_id_is_replaced(given: bytes) -> None:
    found = post("/v1/outcome", (b"x-request-id", given)).header(b"x-request-id")
    assert found is not None
    assert re.fullmatch(rb"[0-9a-f]{32}", found)


def test_the_callers_trace_goes_on_with_a_span_of_ours() -> None:
    trace, span = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
    body = post("/v1/outcome", (b"traceparent", b"00-%s-%s-00" % (trace, span))).body
    assert re.search(rb'"trace":"00-%s-[0-9a-f]{16}-01"' % trace, body)
    assert span not in body


CARD = script_card("visa", "51", 7, serial=4321).encode()


@pytest.mark.parametrize(
    "given",
    [b"", b"00-x-y-01", b"01-" + b"1" * 32]
    + [b"00-%s-%s-01" % (one, b"1" * 16) for one in (b"0" * 32, 2 * CARD, CARD + b"ab" * 8)],
)
def test_an_odd_trace_is_replaced(given: bytes) -> None:
    body = post("/v1/outcome", (b"traceparent", given)).body
    found = re.search(rb'"trace":"00-([0-9a-f]{32})-[0-9a-f]{16}-01"', body)
    assert found
    assert found[1] != b"0" * 32
    assert CARD not in body


def test_other_kinds_of_connection_pass() -> None:
    seen: list[str] = []

    async def app(scope: object, _receive: object, _send: object) -> None:
        seen.append(scope["type"])  # type: ignore[index]

    call(Entry(app, refuse), {"type": "lifespan"}, [])
    assert seen == ["lifespan"]


def test_a_call_that_is_cancelled_by_the_end_is_to_be_sent_again() -> None:
    async def waits(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def ended() -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        task = asyncio.create_task(Entry(waits, refuse)(scope_of("/v1/evaluate"), receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await task
        return sent

    start = asyncio.run(ended())[0]
    assert start["status"] == 503
    assert (b"retry-after", b"2") in start["headers"]
