"""The worker's loops: again at once while much is left, after a rest when little came, so that more
comes together."""

import asyncio

from recoup.main.clock import Loop, _loop
from recoup.merchants.flows.standing import FixedStanding

LONG = 3600.0


def _passes(did: list[int], *, pause: float, rest: float) -> int:
    """How many there were until the loop slept for long."""
    passes = iter(did)
    made = 0

    async def once() -> int:
        nonlocal made
        made += 1
        return next(passes)

    async def story() -> None:
        task = asyncio.create_task(
            _loop(Loop("test", once, pause, rest, much=100), FixedStanding())
        )
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(story())
    return made


def test_a_full_pass_is_followed_by_the_next_at_once() -> None:
    assert _passes([100, 200, 100, 0], pause=LONG, rest=LONG) == 4


def test_after_a_small_pass_the_loop_rests() -> None:
    assert _passes([100, 99, 1], pause=0.0, rest=LONG) == 2


def test_after_nothing_it_waits_for_longer() -> None:
    assert _passes([5, 0, 5], pause=LONG, rest=0.0) == 2
