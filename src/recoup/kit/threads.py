"""Work in a thread beside the event loop, which ends with its caller: a deadline, or a client that
hangs up.

A thread cannot be ended from outside. So the work looks up (`kernel.stop`), and the caller that was
cancelled waits until it has: its place goes to nobody while the work still takes a core.
"""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Final, ParamSpec, TypeVar

from recoup.kernel.stop import GONE

ENDS_WITHIN_SECONDS: Final = (
    10.0  # work looks up several times a second; beyond this it is left to itself
)
Given = ParamSpec("Given")
Done = TypeVar("Done")


async def run_stoppable(
    work: Callable[Given, Done], /, *values: Given.args, **named: Given.kwargs
) -> Done:
    """Returns what `work` returns. Work that takes more than some milliseconds looks up in its
    loops."""
    gone = Event()
    before = GONE.set(gone)
    try:
        working = asyncio.ensure_future(asyncio.to_thread(work, *values, **named))
    finally:
        GONE.reset(before)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        gone.set()
        working.add_done_callback(_heard)
        await asyncio.wait((working,), timeout=ENDS_WITHIN_SECONDS)
        raise


def _heard(working: asyncio.Future[Done]) -> None:
    """Retrieves the exception of abandoned work, so that asyncio does not log it."""
    if not working.cancelled():
        working.exception()
