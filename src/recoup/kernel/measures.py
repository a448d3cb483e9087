"""Measures that processes count and time for `/metrics`, declared where it happens. `main/metrics`
says where each counts; in a process without metrics, like a command, nothing is counted and no
library is loaded.

Labels are words of ours: never an id, never what a caller sent.
"""

from collections.abc import Callable
from typing import Final


class Measure:
    """A counter, or with `buckets` a histogram of seconds."""

    def __init__(self, name: str, help: str, *labels: str, buckets: tuple[float, ...] = ()) -> None:
        self.name, self.help, self.labels, self.buckets = name, help, labels, buckets
        self.add: Callable[..., object] = lambda *_, **__: None


ATTEMPTS: Final = Measure(
    "recoup_attempts", "Attempts that were sent, by the processor's answer", "route", "answer"
)
GATE: Final = Measure(
    "recoup_gate_refusals", "Attempts that a network's rule or a switch held back", "reason"
)
DELIVERIES: Final = Measure(
    "recoup_deliveries", "Webhooks that were posted, by how it ended", "result"
)
REFUSED: Final = Measure(
    "recoup_database_refused", "Statements and connections that the database did not take", "why"
)
_WAITS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)
WAITS: Final = Measure(
    "recoup_pool_wait_seconds", "Waits for a connection, where none is free", "role", buckets=_WAITS
)
LONG_READS: Final = Measure(
    "recoup_long_reads", "Reads that may go to a replica, by the server that did them", "kind"
)
LOG_LOST: Final = Measure(
    "recoup_log_lines_lost", "Log lines that were not written: the disk is full, or nobody reads"
)
REPLACED: Final = Measure(
    "recoup_replaced", "Doors and workers that stood still and were replaced", "part"
)
BATCHES: Final = Measure(
    "recoup_batch_seconds",
    "Seconds that rows waited for a batch to begin (queue) and until it was committed (run)",
    "part",
)
OUTSIDE: Final = Measure(
    "recoup_outside_seconds", "Seconds in calls to processors, banks and channels"
)
MEASURES: Final = (
    ATTEMPTS,
    GATE,
    DELIVERIES,
    REFUSED,
    WAITS,
    LONG_READS,
    LOG_LOST,
    REPLACED,
    BATCHES,
    OUTSIDE,
)
