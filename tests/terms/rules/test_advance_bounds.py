"""Bounds of what closed orders brought, by tenth of the chance that was foreseen."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.terms.rules.advance_bounds import (
    PAYERS_MIN,
    TENTHS,
    WEEK,
    WHOLE,
    Bounds,
    Cell,
    HeldBounds,
    TenthBounds,
    Week,
    held,
    next_week_over,
    tables_of,
    tenth_of,
    upper_bound,
    weeks_until,
)

UNTIL = date(2026, 6, 1)


def cell(tenth: int, lost: float = 0.0, payers: int = 20, week: int = 0, **more: Any) -> Cell:
    usual: dict[str, Any] = {
        "scored": "model",
        "source": "comparable",
        "units": 10_000,
        "orders": payers,
    }
    names = tuple(range(week * payers, (week + 1) * payers))
    return Cell(tenth=tenth, lost_units=int(10_000 * lost), payers=names, **(usual | more))


def weeks(count: int, *make: Any) -> list[Week]:
    begin = UNTIL - count * WEEK
    return [Week(begin + n * WEEK, tuple(one(n) for one in make)) for n in range(count)]


def model_table(found: list[Week]) -> TenthBounds:
    return tables_of(found, UNTIL)["model"]


def test_a_tenth_says_something_from_a_hundred_customers_and_eight_weeks_on() -> None:
    for few in (
        weeks(8, lambda n: cell(7, payers=12, week=n)),
        weeks(7, lambda n: cell(7, payers=20, week=n)),
    ):
        found = model_table(few)
        assert (found.is_known(7), found.collected[7], found.lost_from[0]) == (False, 0, WHOLE)
        assert found.least_tenth(WHOLE) is None
    enough = model_table(weeks(8, lambda n: cell(7, payers=13, week=n)))
    assert (enough.payers[7], enough.weeks[7], enough.is_known(7)) == (PAYERS_MIN, 8, True)
    assert enough.collected[7] == WHOLE - upper_bound([0.0] * 8)
    assert enough.lost_from[:8] == (enough.lost_from[0],) * 8
    assert enough.lost_from[8:] == (WHOLE, WHOLE)
    assert enough.least_tenth(enough.lost_from[0]) == 0


def test_customers_who_come_again_count_once() -> None:
    again = model_table(weeks(30, lambda n: replace(cell(7), payers=tuple(range(50)))))
    assert again.payers[7] == 50


def test_the_worse_of_the_last_thirteen_weeks_and_of_all_counts() -> None:
    bad_lately = weeks(52, lambda n: cell(8, 0.1 if n < 39 else 0.6, week=n))
    bad_before = weeks(52, lambda n: cell(8, 0.6 if n < 39 else 0.1, week=n))
    steady = model_table(weeks(52, lambda n: cell(8, 0.1, week=n))).collected[8]
    assert (
        model_table(bad_lately).collected[8] < 4_000 < model_table(bad_before).collected[8] < steady
    )


def test_what_nobody_tried_lately_vouches_for_nothing() -> None:
    old = [
        replace(week, begins=week.begins - 20 * WEEK)
        for week in weeks(30, lambda n: cell(8, week=n))
    ]
    assert model_table(old).collected[8] == 0
    prior = [
        replace(week, cells=tuple(replace(one, scored="prior") for one in week.cells))
        for week in old
    ]
    assert tables_of(prior, UNTIL)["prior"].collected[8] == WHOLE - upper_bound([0.0] * 30), (
        "a prior does not wear out"
    )


def test_advances_that_lose_more_than_orders_like_them_decide() -> None:
    alike = lambda n: cell(8, 0.0, week=n)  # noqa: E731
    advanced = lambda n: cell(8, 0.5, week=n, source="advanced", units=10_000)  # noqa: E731
    both = model_table(weeks(40, alike, advanced)).collected[8]
    assert both < model_table(weeks(40, alike, lambda n: cell(8, 0.5, week=n))).collected[8]


def test_the_loosest_chance_is_one_that_all_higher_ones_stand_by() -> None:
    known = (True,) * 9 + (False,)
    table = TenthBounds(
        (100,) * TENTHS,
        (8,) * TENTHS,
        (0,) * TENTHS,
        known,
        (900, 800, 700, 600, 500, 990, 400, 300, 200, WHOLE),
    )
    assert table.least_tenth(500) == 6, "what is above 50 % fails, so what is below is not asked"
    assert table.least_tenth(1_000) == 0
    assert table.least_tenth(199) is None


@given(st.integers(0, WHOLE), st.integers(0, WHOLE))
def test_who_allows_more_loss_never_gets_a_stricter_rule(first: int, second: int) -> None:
    table = model_table(
        weeks(30, *(lambda n, t=t: cell(t, (10 - t) / 20, week=n) for t in range(TENTHS)))
    )
    less, more = sorted((first, second))
    strict, loose = table.least_tenth(less), table.least_tenth(more)
    assert strict is None or loose is not None and loose <= strict


def test_kinds_of_chance_are_told_apart() -> None:
    found = tables_of(
        weeks(10, lambda n: cell(6, week=n), lambda n: cell(6, 1.0, week=n, scored="prior")), UNTIL
    )
    assert found["model"].collected[6] > 0
    assert found["prior"].collected[6] == 0


@pytest.mark.parametrize(("chance", "tenth"), [(0, 0), (999, 0), (1000, 1), (9999, 9), (10_000, 9)])
def test_a_chance_lies_in_one_tenth(chance: int, tenth: int) -> None:
    assert tenth_of(chance) == tenth


@given(
    st.integers(0, 6 * 366 * 86_400).map(
        lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    )
)
def test_a_week_counts_once_the_time_of_its_last_order_is_over(now: datetime) -> None:
    until = weeks_until(now)
    last = datetime(until.year, until.month, until.day, tzinfo=UTC) - timedelta(microseconds=1)
    assert until.weekday() == 0
    assert last + timedelta(days=30) < now
    due = next_week_over(now)
    assert now < due <= now + WEEK
    assert weeks_until(due) == until + WEEK


def test_what_a_decision_holds_is_the_same_after_storing() -> None:
    made = Bounds(7, UNTIL, UNTIL, tables_of(weeks(10, lambda n: cell(6, week=n)), UNTIL))
    one = held(made, "model")
    assert one is not None
    assert HeldBounds.from_dict(json.loads(json.dumps(one.features()))) == one
    assert one.name == "bounds-7"
    assert held(None, "model") is None
    assert not one.is_stale(datetime(2026, 9, 29, tzinfo=UTC))
    assert one.is_stale(datetime(2026, 9, 30, tzinfo=UTC))
