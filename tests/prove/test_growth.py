"""The growth of `tests/growth`, ten and a hundred times larger, and in milliseconds too.

100,000 orders take minutes to make, a million most of an hour.
"""

from collections.abc import Iterator

import pytest
from tests.growth.day import grown
from tests.growth.ground import NAMES, Measured, counting_server, measured, played
from tests.growth.test_growth import BOUNDED, FEW, MOST, SLACK

TIME_SLACK_MS = 1.0


@pytest.fixture(scope="module", params=[100_000, 1_000_000])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Measured, Measured]]:
    with counting_server() as server:
        before = played(server)
        yield measured(server, before, FEW), measured(server, before, request.param)


@pytest.mark.parametrize("whose", [*NAMES, "owner"])
def test_a_day_costs_the_same_after_very_many_orders(both: tuple[Measured, Measured], whose: str) -> None:
    few, many = (measure.days[whose] for measure in both)
    for sql, after in sorted(many.items(), key=lambda one: -one[1].ms * one[1].calls)[:10]:
        print(f"{whose}: {few.get(sql)} -> {after}: {sql[:100]}")  # noqa: T201
    watched = {sql: after for sql, after in many.items() if sql in few and not sql.startswith(tuple(BOUNDED))}
    more = grown(few, many, most=MOST, slack=SLACK)
    slower = {
        sql[:200]: (few[sql], after) for sql, after in watched.items()
        if sql in more or after.ms > few[sql].ms * MOST + TIME_SLACK_MS
    }  # fmt: skip
    assert not slower, slower
