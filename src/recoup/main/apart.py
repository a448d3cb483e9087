"""Work of a moment in a process of its own: one that runs for weeks does not keep what only the moment needs."""

import os
import pickle
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

from recoup.kernel.problem import Problem

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """What it answers, or the Problem that it raises. Any other error is sent on standard error, and ends us, too."""
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
    found = pickle.loads(sent)  # noqa: S301 - our own
    if isinstance(found, Problem):
        raise found
    made: T = found
    return made


def _do(work: Callable[[], object], writes: int) -> None:
    """Never returns."""
    ended = 1
    try:
        try:
            found = work()
        except Problem as problem:
            found = problem
        with os.fdopen(writes, "wb") as answer:
            pickle.dump(found, answer)
        ended = 0
    except BaseException:  # noqa: BLE001 - of a copy of the process, nothing of it goes on
        traceback.print_exc()
    finally:
        os._exit(ended)
