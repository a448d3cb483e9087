"""A connector before its stand-in, as the checks have it, for a story of one test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from recoup.lab.conformance.subject import Subject

S = TypeVar("S", bound=Subject)


def play(subject: Callable[[], S], story: Callable[[S], Awaitable[None]]) -> None:
    async def whole() -> None:
        on = subject()
        await on.start()
        try:
            await story(on)
            assert on.unpublished() == [], "the vendor publishes all that was sent"
        finally:
            await on.stop()

    asyncio.run(whole())
