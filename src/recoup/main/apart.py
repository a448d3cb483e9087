"""Short work in a process of its own, so that one that runs for weeks keeps none of its memory."""

import asyncio
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from recoup.kernel.problem import Problem

T = TypeVar("T")


def apart(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Returns what it returns, or raises its Problem. Any other error is printed, and ends this
    process, too."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.close(reads)
        _do(work, writes)
    os.close(writes)
    with os.fdopen(reads, "rb") as answer:
        sent = answer.read()
    os.waitpid(child, 0)
    if not sent:
        sys.exit(1)
    result = pickle.loads(sent)  # noqa: S301 - our own
    if isinstance(result, Problem):
        raise result
    made: T = result
    return made


def _do(work: Callable[[], Coroutine[Any, Any, object]], writes: int) -> None:
    """Does the work and writes its answer; never returns."""
    ended = 1
    try:
        try:
            result = asyncio.run(work())
        except Problem as problem:
            result = problem
        with os.fdopen(writes, "wb") as answer:
            pickle.dump(result, answer)
        ended = 0
    except BaseException:  # noqa: BLE001 - of a copy of the process, nothing of it goes on
        traceback.print_exc()
    finally:
        os._exit(ended)
