"""The longest tests begin first: a run that ends with one of minutes leaves all but one of its
workers idle meanwhile.

pytest-xdist gives each worker a part of the list, in order, and a worker that has finished takes
from the ends of the others'. So the long files are dealt out to the beginnings of the parts.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

# Files with a test, or tests, of half a minute and more of processor time, the longest first.
LONG: Final = (
    "tests/browser/test_accessible.py",
    "tests/rescue/flows/test_kill_between_statements.py",
    "packages/recoup-lab/tests/lab/test_simulate.py",
    "tests/rescue/flows/test_limits.py",
    "tests/isolation/test_every_route.py",
    "tests/parts/test_kill_parts.py",
    "tests/docs/test_first_payment.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each worker makes the same list."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = dealt(items, workers, lambda item: item.nodeid.partition("::")[0])


def dealt(items: list[T], workers: int, file_of: Callable[[T], str]) -> list[T]:
    """In parts as long as pytest-xdist makes them."""
    long = [
        of_file for name in LONG if (of_file := [item for item in items if file_of(item) == name])
    ]
    rest = [item for item in items if file_of(item) not in LONG]
    ordered: list[T] = []
    for worker in range(workers):
        first = [item for of_file in long[worker::workers] for item in of_file]
        size = (len(items) - len(ordered)) // (workers - worker)
        after = max(0, size - len(first))
        ordered += first + rest[:after]
        rest = rest[after:]
    return ordered
