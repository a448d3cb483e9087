"""A receiver whose name servers do not answer keeps nobody else's webhooks, and nothing else,
waiting."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.outside.gateways.calls import client, run

from recoup.outside.web import client as web_client
from recoup.outside.web import names
from recoup.outside.web.names import CheckedNames

PUBLIC = "203.0.112.7"


@asynccontextmanager
async def dead(monkeypatch: pytest.MonkeyPatch, *ends: str) -> AsyncIterator[list[str]]:
    """Names that end so are not answered until the test is over; all others at once. Yields what
    was asked."""
    over, asked = threading.Event(), []

    def ask(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if host.endswith(ends):
            over.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    try:
        yield asked
    finally:
        over.set()


def test_fifty_endpoints_of_one_dead_domain_do_not_fail_everybodys_webhooks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        async with dead(monkeypatch, ".evil.example"), client() as web:
            bad = [
                asyncio.create_task(web._names.addresses(f"h{n}.evil.example")) for n in range(50)
            ]
            await asyncio.sleep(0.1)
            async with asyncio.timeout(5):
                assert await web._names.addresses("hooks.shop.example.com") == [PUBLIC]
                # the loop's own threads, by which the databases and the card processor are found,
                # are free, too
                found = await asyncio.get_running_loop().getaddrinfo("database.example.com", 5432)
            assert found[0][4][0] == PUBLIC
            for task in bad:
                task.cancel()

    run(story)


def test_dead_domains_together_leave_room_for_names_that_are_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        web_client, "SLOW_SECONDS", -1.0
    )  # so that one question is enough to be known as slow
    ends = tuple(f".dead{n}.example" for n in range(web_client.THREADS_MAX))

    async def story() -> None:
        asking = web_client.Lookups(lambda host: [PUBLIC])
        for end in ends:
            await asking(f"first{end}")
        async with dead(monkeypatch, *ends):
            asking._ask = web_client._resolve
            bad = [
                asyncio.create_task(asking(f"h{n}{end}"))
                for n in range(web_client.EACH_MAX)
                for end in ends
            ]
            await asyncio.sleep(0.1)
            async with asyncio.timeout(5):
                assert await asking("hooks.shop.example.com") == [PUBLIC]
            for task in bad:
                task.cancel()

    run(story)


def test_a_domain_has_so_many_questions_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with dead(monkeypatch, ".evil.example") as asked:
            asking, most = web_client.Lookups(), web_client.EACH_MAX + web_client.WAITING_MAX
            bad = [asyncio.create_task(asking(f"h{n}.evil.example")) for n in range(most)]
            await asyncio.sleep(0.1)
            with pytest.raises(OSError, match="too many names"):
                await asking("one-more.evil.example")
            assert len(asked) == web_client.EACH_MAX
            for task in bad:
                task.cancel()
            await asyncio.gather(*bad, return_exceptions=True)
            assert not asking._domains

    run(story)


@pytest.mark.parametrize("silence", ["none", "soon"])
def test_a_receiver_is_called_where_it_was_while_its_name_servers_are_away(
    monkeypatch: pytest.MonkeyPatch, silence: str
) -> None:
    monkeypatch.setattr(names, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setattr(names, "PATIENCE_SECONDS", 0.05)
    away: list[bool] = []

    async def lookup(_host: str) -> list[str]:
        if away:
            await asyncio.sleep(0 if silence == "soon" else 60)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return ["127.0.0.1"]

    async def story() -> None:
        known = CheckedNames(lookup, lambda _address: True)
        assert await known.addresses("hooks.example.com") == ["127.0.0.1"]
        away.append(True)
        for _ in range(3):
            assert await known.addresses("hooks.example.com") == ["127.0.0.1"]
        monkeypatch.setattr(names, "UNANSWERED_SECONDS", 0.0)
        with pytest.raises(OSError if silence == "soon" else TimeoutError):
            async with asyncio.timeout(0.3):
                await known.addresses("hooks.example.com")
        await known.close()

    run(story)


def test_a_name_that_has_no_address_any_more_is_forgotten_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "REMEMBERED_SECONDS", 0.0)
    gone: list[bool] = []

    async def lookup(_host: str) -> list[str]:
        if gone:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return ["127.0.0.1"]

    async def story() -> None:
        known = CheckedNames(lookup, lambda _address: True)
        await known.addresses("hooks.example.com")
        gone.append(True)
        for _ in range(2):
            with pytest.raises(OSError, match="unknown"):
                await known.addresses("hooks.example.com")

    run(story)
