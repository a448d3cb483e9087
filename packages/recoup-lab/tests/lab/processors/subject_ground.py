"""A connector before its stand-in, as the checks have it, for a story of one test."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from recoup.processors.gateways.port import Charge, Processor
from recoup_lab.conformance.subject import Subject

S = TypeVar("S", bound=Subject)
Said = tuple[str, str | None, str | None]


async def check_odd(connector: Processor, asked: Iterable[tuple[Charge, Said]]) -> None:
    """Sends a hundred charges or more, each of which ends in its state, fault and code."""
    complaints, seen = list[Any](), 0
    for charge, wanted in asked:
        said = await connector.charge(charge)
        seen += 1
        if (said.state, said.fault, said.own_code) != wanted:
            complaints.append(
                (charge.units, charge.currency, charge.descriptor, charge.credential, said, wanted)
            )
    assert complaints == []
    assert seen >= 100, seen


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
