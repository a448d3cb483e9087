"""The growth of `tests/growth`, ten and a hundred times larger, and in milliseconds too.

100,000 orders take a minute to make, a million some minutes. Each merchant's day is counted several
times. What else the machine does adds to a statement's time and never takes from it, so that the
time of its fastest day is its own: what grows with history is slower on each of them.

An index gets deeper with its table, by the logarithm: a look-up in the longest goes through 2
blocks and reads a row after 1,000 orders, through 4 and a row after a million. A statement may read
that many more, by the index of its plan that got deepest, and never take more time for it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest
from tests.growth.day import Cost, grown
from tests.growth.ground import FEW, NAMES, Measured, counting_server, measured, played
from tests.growth.test_growth import MOST, SLACK, bounded

DAYS = 5
TIMED_FROM = 3  # days: the time of one alone says what the machine did just then
TIME_SLACK_MS = 1.0
SHOWN = 200  # letters of a statement


@pytest.fixture(scope="module", params=[100_000, 1_000_000])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Measured, Measured]]:
    with counting_server() as server:
        before = played(server)
        few = measured(server, before, FEW, counted=DAYS, warm=True)
        yield few, measured(server, before, request.param, counted=DAYS, warm=True)


@pytest.mark.parametrize("whose", [*NAMES, "owner"])
def test_a_day_costs_the_same_after_very_many_orders(
    both: tuple[Measured, Measured], whose: str
) -> None:
    few, many = (measure.days[whose] for measure in both)
    assert len(few.keys() & many.keys()) >= (4 if whose == "owner" else 300), (
        "most statements were met on both"
    )
    longest = sorted(few.keys() & many.keys(), key=lambda which: -many[which].ms)[:10]
    print(
        "\n".join((f"{whose}, the longest:", *(told(few[which], many[which]) for which in longest)))
    )  # noqa: T201
    more = slower(few, many, partial(deeper, *both))
    assert not more, f"{whose}: {len(more)} statements are slower:\n" + "\n".join(more)


def slower(
    few: Mapping[int, Cost], many: Mapping[int, Cost], deeper: Callable[[str], float]
) -> list[str]:
    """What reads more or takes longer, the longest first."""
    more = [
        (before, after)
        for before, after in grown(few, many, most=MOST, slack=SLACK)
        if after.buffers > before.buffers * deeper(after.sql) + SLACK
    ]
    longer = [
        (before, cost)
        for which, cost in many.items()
        if (before := few.get(which))
        and cost.days >= TIMED_FROM
        and cost.ms > before.ms * MOST + TIME_SLACK_MS
        and cost.ms * cost.calls > before.ms * before.calls * MOST + TIME_SLACK_MS * cost.calls
    ]
    found = dict.fromkeys(pair for pair in (*more, *longer) if not bounded(pair[1]))
    return [told(*pair) for pair in sorted(found, key=lambda pair: pair[0].ms - pair[1].ms)]


def deeper(few: Measured, many: Measured, sql: str) -> float:
    """How many times as many blocks a look-up reads, with the row's own, in the index of the plan
    that grew most."""
    used = re.findall(r"(?:using|Bitmap Index Scan on) (\w+)", many.plans.get(sql, ""))
    return max(
        ((many.levels[name] + 1) / (few.levels[name] + 1) for name in used if name in few.levels),
        default=1.0,
    )


def told(before: Cost, after: Cost) -> str:
    return (
        f"{before.buffers:.0f} -> {after.buffers:.0f} blocks, {before.ms:.2f} -> {after.ms:.2f} ms,"
        f" {after.calls:g} calls a day: {after.sql[:SHOWN]}"
    )
