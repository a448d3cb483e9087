"""The ways to go on that were open at a stored decision, and which of them are the same. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.explore import block_of
from recoup.rules.rescue.facts import hours_of
from recoup.rules.rescue.verdict import Offered

SAME_HOURS: Final = 3.0


class Way(NamedTuple):
    """`at`: hours since 1970, None for stopping. `chance`: a model's, None where none was asked."""

    at: float | None
    chance: float | None
    probability: float


def same(one: float | None, other: float | None, hours: float = SAME_HOURS) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= hours


def stored_ways(alternatives: Iterable[Mapping[str, Any]]) -> list[Way]:
    """Of an engine's decision, its own first; empty where it offered none."""
    return [
        Way(_hours(one["at"]) if one["at"] else None, one["chance"], one["probability"])
        for one in alternatives
        if "probability" in one
    ]


def offered_ways(decision: Decision) -> list[Way]:
    return [
        Way(_hours(one.at) if one.at else None, one.chance, one.probability)
        for one in decision.alternatives
        if isinstance(one, Offered)
    ]


def way_of(verdict: str, plan: Sequence[str] | Sequence[datetime], now: float) -> float | None:
    """What a decision leads to: when the next send leaves."""
    if verdict == "attempt_now":
        return now
    if verdict != "plan" or not plan:
        return None
    first = plan[0]
    return _hours(first) if isinstance(first, str) else hours_of(first)


def probability(ways: Iterable[Way], at: float | None) -> float:
    return min(1.0, sum(one.probability for one in ways if same(one.at, at)))


def chance_at(ways: Iterable[Way], at: float, now: float) -> tuple[float, bool]:
    """The chance of the way that is the same, else of one in the same block; and whether it is that one's own."""
    nearest, block, in_block = None, block_of(max(0.0, at - now)), 0.0
    for one in ways:
        if one.at is None or one.chance is None:
            continue
        if same(one.at, at) and (nearest is None or abs(one.at - at) < abs(nearest[0] - at)):
            nearest = one.at, one.chance
        if block_of(max(0.0, one.at - now)) == block:
            in_block = max(in_block, one.chance)
    return (nearest[1], True) if nearest is not None else (in_block, False)


def _hours(text: str) -> float:
    return hours_of(datetime.fromisoformat(text))
