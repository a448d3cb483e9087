"""The outgoing client calls nothing but checked addresses,
and knows by certificate whom it calls."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from tests.odd_servers import OK, certificate, saying, serving
from tests.outside.gateways.calls import client, run
from tests.rings import each


@each(
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

    async def behave(
        _h: bytes, _b: bytes, connection: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
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
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["::ffff:8.8.8.8"],
        ["fe80::1%eth0"],
        ["169.254.169.254"],
    ],
)
def test_a_name_with_one_inner_address_is_refused(found: list[str]) -> None:
    async def lookup(_host: str) -> list[str]:
        return found

    async def story() -> None:
        async with client(lookup=lookup) as web:
            answer = await web.post("https://hooks.example.com/", {}, b"")
            assert (answer.status, answer.error) == (None, "refused_address")

    run(story)


def test_a_name_that_turns_inward_later_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """DNS rebinding: the name was public when first asked; the kept connection does not help it."""
    from recoup.outside.web import names

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
            calls = [
                web.post("https://hooks.example.com/", {}, b"", timeout_seconds=0.2)
                for _ in range(5)
            ]
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

    async def behave(
        head: bytes, _b: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        heads.append(head)
        writer.write(OK)

    async def story() -> None:
        async with serving(behave, server_tls) as port:
            pinned = {"lookup": lookup, "allowed": lambda _address: True}
            async with client(tls=client_tls, **pinned) as web:
                good = await web.post(f"https://hooks.example.com:{port}/", {}, b"")
                assert (good.status, good.error) == (200, None)
                assert f"host: hooks.example.com:{port}\r\n".encode() in heads[0].lower()
                # Same machine, other name: neither the kept connection nor the certificate may
                # serve it.
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
            answer = await web.post(
                f"https://hooks.example.com:{port}/", {}, b"", timeout_seconds=3
            )
            assert answer.error == "tls"

    run(story)
