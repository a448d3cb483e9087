"""The middle of intent, call, outcome: one call outward, with no transaction open. Whatever happens is an Outcome."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta

from recoup.gateways.cards.bridge import NoProcessor
from recoup.gateways.cards.port import Outcome, Processor
from recoup.kernel.time import WallTime
from recoup.kernel.world import World

GRACE_SECONDS = 0.5  # beyond the time-out that the gateway keeps by itself


def deadline_of(world: World, send_before: datetime) -> float:
    """`send_before` on the monotonic clock. It was set before the locks were waited for; that wait is no grace."""
    left: timedelta = WallTime(send_before) - world.clocks.wall()
    return world.clocks.monotonic() + left / timedelta(seconds=1)


def processor_of(world: World, route: str) -> Processor:
    """The processor of that route. What went by one that is set no longer waits until it is set again."""
    processor: Processor = world.processors.get(route) or NoProcessor(route)
    return processor


async def call_with_timeout(call: Awaitable[Outcome], timeout_seconds: float) -> Outcome:
    """What the counterpart said; unknown when it takes too long or its connector breaks, for it may have happened."""
    try:
        async with asyncio.timeout(timeout_seconds + GRACE_SECONDS):
            return await call
    except TimeoutError:
        return Outcome("unknown", text="time-out")
    except Exception as error:  # noqa: BLE001 - a connector that breaks may have sent it: that is unknown, no error
        return Outcome("unknown", text=type(error).__name__)
