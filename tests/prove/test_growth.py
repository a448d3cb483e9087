"""The growth of `tests/growth`, ten and a hundred times larger, and in milliseconds too.

100,000 orders take a minute to make, a million some minutes.
"""

from collections.abc import Iterator

import pytest
from tests.growth.day import grown
from tests.growth.ground import FEW, NAMES, Measured, counting_server, measured, played
from tests.growth.test_growth import MOST, SLACK, bounded

TIME_SLACK_MS = 1.0
TIMED_FROM = 3  # calls: the time of one alone says what the machine did just then


@pytest.fixture(scope="module", params=[100_000, 1_000_000])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Measured, Measured]]:
    with counting_server() as server:
        before = played(server)
        yield measured(server, before, FEW, warm=True), measured(server, before, request.param, warm=True)


@pytest.mark.parametrize("whose", [*NAMES, "owner"])
def test_a_day_costs_the_same_after_very_many_orders(both: tuple[Measured, Measured], whose: str) -> None:
    few, many = (measure.days[whose] for measure in both)
    for which, after in sorted(many.items(), key=lambda one: -one[1].ms * one[1].calls)[:10]:
        before = few.get(which)
        print(f"{whose}: {before and f'{before.buffers:.0f} blocks {before.ms:.2f} ms'} -> {after.buffers:.0f} blocks"  # noqa: T201
              f" {after.ms:.2f} ms, {after.calls} times: {after.sql[:100]}")  # fmt: skip
    more = {after.sql for _, after in grown(few, many, most=MOST, slack=SLACK)}
    slower = {
        after.sql[:200]: (few[which], after) for which, after in many.items()
        if which in few and not bounded(after)
        and (after.sql in more or after.calls >= TIMED_FROM and after.ms > few[which].ms * MOST + TIME_SLACK_MS)
    }  # fmt: skip
    assert not slower, slower
