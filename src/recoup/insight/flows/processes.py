"""Spreads pure work over processes of its own, which end with the one that began them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import TypeVar

from recoup.kernel.problem import Problem
from recoup.kernel.spread import Spread, alone

J = TypeVar("J")
R = TypeVar("R")


@contextmanager
def spread_over(processes: int) -> Iterator[Spread]:
    """Spreads jobs over processes; with one, all is done here. Raises inside: what a job raises;
    Problem(unavailable) when a process is ended from outside."""
    if processes <= 1:
        yield alone
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), follow_parent) as pool:

        def spread(work: Callable[[J], R], jobs: Sequence[J], /) -> list[R]:
            return list(pool.map(work, jobs))

        try:
            yield spread
        except BrokenProcessPool:
            message, cure = (
                "A process of the back-test was ended.",
                "See whether the machine has enough memory.",
            )
            raise Problem("unavailable", message, cure=cure) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def follow_parent() -> None:
    """A process of a pool, which begins with this, would not notice by itself that nobody is left
    to give it jobs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
