"""Calls of proxies that were not named, and calls for names that are not ours, are refused with
what to set."""

from pathlib import Path

import pytest
from tests.kit.edge.asgi_client import Got, call, request, scope_of
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import App, Receive, Refusal, Scope, Send, send_refusal
from recoup.kit.edge.entry import Entry, Hosts
from recoup.kit.edge.proxies import Proxies
from recoup.main.app import make_app
from recoup.main.databases import Databases
from recoup.main.settings import Settings

PROXY = ("10.1.2.3", 40_000)


async def who(scope: Scope, _receive: Receive, send: Send) -> None:
    await send_refusal(send, Refusal(200, f"{scope['client'][0]} {scope['scheme']}".encode()))


def refuse(_scope: Scope, problem: Problem) -> Refusal:
    return Refusal(403, f"{problem.code} {problem.sentence()}".encode())


def ask(
    headers: dict[str, str],
    client: tuple[str, int] = ("127.0.0.1", 5),
    path: str = "/orders",
    **settings: str,
) -> Got:
    made = Settings(**settings)  # type: ignore[arg-type]
    front: App = Entry(who, refuse, proxies=Proxies(made.behind_proxy), hosts=Hosts(made.hosts))
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return call(front, scope_of(path, sent, client=client), request())


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"]
)
def test_a_call_through_a_proxy_that_was_not_named_is_refused_with_the_setting(header: str) -> None:
    got = ask({header: "203.0.113.9"})
    assert got.status == 403
    assert b"RECOUP_BEHIND_PROXY" in got.body
    assert (
        ask({header: "203.0.113.9"}, client=("192.0.2.9", 5), behind_proxy="10.0.0.0/8").status
        == 403
    )
    assert ask({header: "203.0.113.9"}, path="/healthz").status == 200, "a balancer's own question"


def test_a_named_proxy_says_who_calls_and_over_what() -> None:
    def told(headers: dict[str, str]) -> bytes:
        return ask(headers, client=PROXY, behind_proxy="10.0.0.0/8, 192.0.2.1").body

    assert (
        told({"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
        == b"203.0.113.9 https"
    )
    assert told({"X-Forwarded-For": "127.0.0.1, 203.0.113.9, 192.0.2.1"}) == b"203.0.113.9 http", (
        "what a caller wrote"
    )
    assert told({"X-Forwarded-For": "203.0.113.9:4711"}) == b"203.0.113.9 http"
    assert told({"X-Forwarded-For": "[2001:db8::1]:4711"}) == b"2001:db8::1 http"
    assert told({"X-Forwarded-For": "2001:db8::1"}) == b"2001:db8::1 http"
    assert told({"X-Forwarded-For": "10.9.9.9, 10.8.8.8"}) == b"10.9.9.9 http"
    for nonsense in ("unknown", "a:b:c", "", ",", "127.0.0.1, nobody"):
        assert (
            told({"X-Forwarded-For": nonsense, "X-Forwarded-Proto": "gopher"}) == b"10.1.2.3 http"
        )
    assert told({}) == b"10.1.2.3 http"


def test_a_named_proxy_that_adds_no_header_is_told_once_in_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Everybody behind it shared one throttle, and nothing said so."""
    front: App = Entry(who, refuse, proxies=Proxies("10.0.0.0/8"))

    def asked(path: str, *sent: tuple[bytes, bytes], client: tuple[str, int] = PROXY) -> None:
        call(front, scope_of(path, list(sent), client=client), request())

    asked("/healthz")
    asked("/orders", (b"x-forwarded-for", b"203.0.113.9"))
    asked("/orders", client=("203.0.113.9", 5))
    assert not caplog.messages
    for _ in range(3):
        asked("/orders")
    assert [
        one for one in caplog.messages if "The proxy 10.1.2.3 sends no X-Forwarded-For" in one
    ] == caplog.messages
    assert len(caplog.messages) == 1
    caplog.clear()
    anybody: App = Entry(who, refuse, proxies=Proxies("*"))
    call(
        anybody,
        scope_of("/orders", [(b"x-forwarded-for", b"203.0.113.9")], client=PROXY),
        request(),
    )
    assert not caplog.messages


OWN = {"host": "0.0.0.0", "public_url": "https://pay.example.com"}


@each(
    "name",
    [
        "pay.example.com",
        "PAY.example.com:443",
        "pay.example.com.",
        "localhost:8400",
        "127.0.0.1:8400",
        "[::1]:8400",
        "192.168.1.7:8400",
        "recoup.localhost",
    ],
)
def test_a_call_for_a_name_of_ours_is_taken(name: str) -> None:
    assert ask({"Host": name}, **OWN).status == 200


@each(
    "name",
    [
        "evil.example",
        "pay.example.com.evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil",
        "xlocalhost",
        "",
        "[evil.example]",
        "pay.example.com:80:evil",
        "[::1].evil.example",
        "[::1].evil.example:80",
        "[::1]evil.example",
        "[::1",
        "[localhost]",
        "[pay.example.com]",
        "127.0.0.1:80.evil.example",
        "localhost:evil",
        "localhost:80@evil",
    ],
)
def test_a_page_of_another_site_does_not_reach_a_service_under_its_own_name(name: str) -> None:
    got = ask({"Host": name}, **OWN)
    assert got.status == 403
    assert b"RECOUP_ALLOWED_HOSTS" in got.body
    assert ask({"Host": name}, path="/readyz", **OWN).status == 200


def test_more_names_are_allowed_by_the_setting() -> None:
    more = {"allowed_hosts": "recoup.internal, *.shops.example"}
    assert ask({"Host": "recoup.internal:8400"}, **more).status == 200
    assert ask({"Host": "a.shops.example"}, **more).status == 200
    assert ask({"Host": "shops.example"}, **more).status == 403
    assert ask({"Host": "evil.example"}, **more).status == 403
    assert ask({"Host": "anything.example"}, allowed_hosts="*").status == 200
    assert ask({}).status == 200, "HTTP/1.0 names no host, and no browser speaks it"


def test_what_is_longer_than_any_address_or_header_is_refused_before_a_door_reads_it() -> None:
    def told(path: str = "/orders", query: str = "", **headers: str) -> bytes:
        front: App = Entry(who, refuse)
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        return call(front, scope_of(path, sent, query_string=query.encode()), request()).body

    long, fits = "x" * 70_000, b"192.0.2.7 http"
    assert told("/" + "x" * 1_023) == told(query=f"q={'x' * 32_000}&{'a=1&' * 9_000}") == fits
    assert told(cookie="x" * 8_192) == fits
    assert told(f"/orders/{long}").startswith(b"no_such_path")
    for query in (long, f"q={long}", f"a=1&{long}=1", f"q={long}&a=1"):
        assert b"A parameter of the query has more than" in told(query=query)
    assert b"A header has more than 8,192 bytes" in told(authorization=long)


def test_browsers_are_told_to_stay_secure_where_tls_ends_in_the_door() -> None:
    for settings, wanted in (
        ({"tls_cert": "a.pem", "tls_key": "b.pem"}, b"max-age=31536000"),
        ({}, None),
    ):
        app = make_app(
            Settings(**settings),
            Databases("", "", None, None),
        )  # type: ignore[arg-type]
        got = call(app, scope_of("/healthz", method="GET", query_string=b""), request())
        assert (got.status, got.header(b"strict-transport-security")) == (200, wanted)
    caddy = (Path(__file__).parents[3] / "deploy/Caddyfile").read_text()
    assert 'header Strict-Transport-Security "max-age=31536000"' in caddy
