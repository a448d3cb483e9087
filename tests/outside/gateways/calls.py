"""Calls through the real client, for tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from tests.odd_servers import Behaviour, serving

from recoup.outside.web.client import WebClient
from recoup.outside.web.port import Answer

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
                answers.append(
                    await web.post(f"http://127.0.0.1:{port}/hook?x=1", HEADERS, b"{}", **options)
                )

    run(story)
    return answers
