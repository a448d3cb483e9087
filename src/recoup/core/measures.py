"""What processes count and time for `/metrics`, declared where it happens. `main/metrics` tells each where to count; in
a process without metrics, like a command, nothing is counted and no library is loaded.

Labels are words of ours: never an id, never what a caller sent. What has more than LABELS_MAX sets of them counts the
rest as `other`.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

LABELS_MAX: Final = 2_000
OTHER: Final = "other"


def _nowhere(*_: object, by: float = 0.0) -> None:
    pass


class Measure:
    """A counter, or with `buckets` a histogram of seconds."""

    def __init__(self, name: str, help: str, *labels: str, buckets: tuple[float, ...] = ()) -> None:
        self.name, self.help, self.labels, self.buckets = name, help, labels, buckets
        self.add: Callable[..., None] = _nowhere

    def count_by(self, made: Callable[..., Callable[[float], object]]) -> None:
        """`made` answers, for values of the labels, what takes a number."""
        seen = set[tuple[str, ...]]()

        @cache
        def of(*values: str) -> Callable[[float], object]:
            return made(*values)

        def add(*values: str, by: float = 1.0) -> None:
            if values not in seen:
                if len(seen) >= LABELS_MAX:
                    values = (OTHER,) * len(values)
                seen.add(values)
            of(*values)(by)

        self.add = add


ATTEMPTS: Final = Measure("recoup_attempts", "Attempts that were sent, by the processor's answer", "route", "answer")
GATE: Final = Measure("recoup_gate_refusals", "Attempts that a network's rule or a switch held back", "reason")
DELIVERIES: Final = Measure("recoup_deliveries", "Webhooks that were posted, by how it ended", "result")
REFUSED: Final = Measure("recoup_database_refused", "Statements and connections that the database did not take", "why")
WAITS: Final = Measure(
    "recoup_pool_wait_seconds",
    "Waits for a database connection of this process, where none was free",
    "role",
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10),
)
CALLS: Final = Measure("recoup_calls", "Calls answered", "operation", "status")
SECONDS: Final = Measure(
    "recoup_call_seconds",
    "Seconds until a call was answered",
    "operation",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.85, 5),
)
LOOP_LAG: Final = Measure(
    "recoup_loop_lag_seconds",
    "By how much a second of the event loop was late",
    "part",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
MEASURES: Final = (ATTEMPTS, GATE, DELIVERIES, REFUSED, WAITS, CALLS, SECONDS, LOOP_LAG)
