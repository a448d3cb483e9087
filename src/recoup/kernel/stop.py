"""Long work in a thread ends soon after whoever waits for it has gone: its loops look up now and
then."""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from threading import Event
from typing import Final, TypeVar

EVERY: Final = 1_000
Item = TypeVar("Item")
# Set by `flows.threads`, whose thread inherits it. Elsewhere nothing is stopped.
GONE: Final[ContextVar[Event | None]] = ContextVar("gone", default=None)


class Stopped(Exception):
    """Raised when nobody waits for this work any more."""


def look_up() -> None:
    """Raises: Stopped."""
    gone = GONE.get()
    if gone is not None and gone.is_set():
        raise Stopped


def stoppable(items: Iterable[Item], every: int = EVERY) -> Iterator[Item]:
    """The same items; looks up before every so many. Raises: Stopped."""
    for count, item in enumerate(items):
        if count % every == 0:
            look_up()
        yield item
