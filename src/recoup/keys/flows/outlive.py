"""Work that goes on when its caller gives up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import structlog

from recoup.kernel.problem import Problem

T = TypeVar("T")
log = structlog.get_logger()
_UNDER_WAY: Final[set[asyncio.Task[Any]]] = set()


def outliving(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that nobody has to wait for. A Problem that ends it (a database that is away) is not
    logged: what it began stands in the database, and the worker looks after it."""
    task = asyncio.create_task(work)
    _UNDER_WAY.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _UNDER_WAY.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, Problem):
        log.error("what a caller began failed", exc_info=error)
