"""Figures of a benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a run. `seconds` a round and side; `count` scales what is prepared (1.0 is the real
    thing)."""

    rounds: int = 3
    seconds: float = 2.0
    connections: int = 64
    clients: int = 32
    count: float = 1.0

    def of(self, full: int) -> int:
        """`full` scaled, in whole clients' worth."""
        return max(self.clients, round(full * self.count) // self.clients * self.clients)


@dataclass(frozen=True, slots=True)
class Round:
    """Round of ours. Units: per second, milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Figure:
    """`ratio`: ours to pgbench's rate in the same round, median over the rounds; None where nothing
    is compared.

    `more`: figures that this benchmark alone has.
    """

    name: str
    per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    ratio: float | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        plain = {
            "name": self.name,
            "per_second": self.per_second,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "ratio": self.ratio,
        }
        return {name: _short(value) for name, value in (plain | self.more).items()}


def figure(name: str, ours: Sequence[Round], pgbench: Sequence[float], **more: Any) -> Figure:
    """The figure of interleaved rounds of both."""
    ratios = [one.per_second / other for one, other in zip(ours, pgbench, strict=True) if other]
    references = {"pgbench_per_second": median(pgbench)} if pgbench else {}
    return Figure(
        name,
        median(r.per_second for r in ours),
        median(r.p50_ms for r in ours),
        median(r.p99_ms for r in ours),
        median(ratios) if ratios else None,
        references | more,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """0.0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if not isinstance(value, float):
        return value
    return round(value) if value >= 1000 else round(value, 3)
