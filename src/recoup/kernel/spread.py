"""Pure work on many jobs, done here; or, by whoever hands in another `Spread`, by several
processes. Answers are the same, and in the order of the jobs."""

import os
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

J = TypeVar("J")
R = TypeVar("R")


class Spread(Protocol):
    """Jobs, answers and the function itself can be pickled. Raises: what the first job that fails
    raises."""

    def __call__(self, work: Callable[[J], R], jobs: Sequence[J], /) -> list[R]: ...


def alone(work: Callable[[J], R], jobs: Sequence[J], /) -> list[R]:
    """Runs the jobs in this process."""
    return [work(job) for job in jobs]


def parts_of(items: Sequence[J], count: int) -> list[Sequence[J]]:
    """Splits the items into so many parts of about the same size, in order; fewer where there are
    fewer items."""
    count = min(count, len(items))
    return [items[len(items) * n // count : len(items) * (n + 1) // count] for n in range(count)]


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
