"""Assumptions narrow the bounds of a history, and hold the truth where they are true."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.rules.test_history_figures import BEGIN, attempt, plan

from recoup.backtest.rules.assuming import Case, Narrowed, charges_by_card, narrow
from recoup.backtest.rules.history import (
    LENGTHS,
    TELLING,
    WINDOW,
    Payment,
    cohort_of,
    experiments,
    outcome_of,
)
from recoup.imports.rules.attempt import Attempt

DAY = st.integers(0, 80).map(lambda n: n / 4)


def other(days: float, state: Any, **more: Any) -> Attempt:
    return attempt(days, state)._replace(payment="q", ref=f"q{days}{state}", **more)


def bounds_of(payment: Payment, days: Sequence[float], *charges: Attempt) -> Narrowed:
    case = Case(payment, plan(*days), outcome_of(payment, plan(*days), WINDOW))
    return narrow([case], charges_by_card([payment, *([one] for one in charges)]), WINDOW)


def span(found: Narrowed) -> tuple[float | None, float | None]:
    return found.at_least, found.at_most


def test_another_charge_of_the_card_speaks_for_six_hours_and_its_amount() -> None:
    payment = [attempt(0), attempt(3)]
    for charge, expected in (
        (other(5, "approved"), (1, 1)),
        (other(5, "approved", units=999), (0, 1)),
        (other(5, "approved", asset="EUR"), (0, 1)),
        (other(5, "approved", card="z"), (0, 1)),
        (other(5.5, "approved"), (0, 1)),
        (other(5, "declined"), (0, 0)),
        (other(5, "declined", units=1001), (0, 1)),
        (other(5, "unknown"), (0, 1)),
        (other(40, "approved"), (0, 1)),
    ):
        assert span(bounds_of(payment, [5.1], charge)) == expected, charge


def test_attempts_that_contradict_are_counted_and_nothing_is_assumed_of_them() -> None:
    payment = [attempt(0), attempt(7, "approved")]
    at_once = bounds_of(payment, [5], other(5, "declined"), other(5.1, "approved"))
    assert (at_once.contradicted, span(at_once)) == (1, (None, None))


def test_a_few_that_contradict_leave_the_bounds_of_the_others_and_many_leave_none() -> None:
    story = [attempt(0), attempt(7, "approved")]
    payments = [[one._replace(card=f"k{number}") for one in story] for number in range(10)]
    cases = [Case(one, plan(5), outcome_of(one, plan(5), WINDOW)) for one in payments]
    shown = [[other(5, "approved", card=f"k{number}")] for number in range(10)]
    for count, expected in ((1, (0.9, 1)), (2, (None, None))):
        against = [[other(5.1, "declined", card=f"k{number}")] for number in range(count)]
        found = narrow(cases, charges_by_card([*payments, *shown, *against]), WINDOW)
        assert (found.contradicted, span(found)) == (count, expected)
        assert [*found.spans] == [(0, 1)] * count + [(1, 1)] * (10 - count)


def test_what_an_attempt_brought_is_not_told_again_by_another_charge() -> None:
    payment = [attempt(0), attempt(3), attempt(7)]
    assert span(bounds_of(payment, [3, 10], other(3.1, "approved", units=5000))) == (0, 1)
    assert span(bounds_of(payment, [3, 10], other(10, "declined"))) == (0, 0)


@given(
    st.lists(st.tuples(DAY, st.sampled_from(["approved", "declined"])), max_size=6),
    st.lists(DAY, max_size=4),
)
def test_no_assumption_widens(story: list[tuple[float, Any]], planned: list[float]) -> None:
    payment = [attempt(0), *(attempt(day, state) for day, state in sorted(story))]
    days = sorted(planned)
    base = outcome_of(payment, plan(*days), WINDOW)
    found = bounds_of(payment, days, *(other(day, state) for day, state in story))
    if found.at_least is None or found.at_most is None:
        assert found.contradicted
    else:
        assert base.least <= found.at_least <= found.at_most <= base.most


def test_a_comparison_says_how_long_it_takes_and_what_it_may_cost() -> None:
    payments = [
        [one._replace(payment=f"p{number}", at=one.at + timedelta(hours=number)) for one in story]
        for number in range(24 * 60)
        for story in [
            [attempt(0), attempt(3, "approved")] if number % 4 == 0 else [attempt(0), attempt(3)]
        ]
    ]
    cohort = cohort_of(payments, timedelta(days=10))
    assert cohort.payments[0][0].at == BEGIN + timedelta(hours=240)
    cohort = replace(cohort, payments=payments)
    found = experiments(cohort, 0.25)
    assert {round(one.days) for one in found} == {*LENGTHS}
    first = found[0]
    assert (first.orders, first.compared, first.at_risk) == (336, 0.1, 8)
    assert first.plus_minus > found[1].plus_minus > found[-1].plus_minus
    many = experiments(replace(cohort, payments=payments * 100), 0.25)
    assert sum(one.plus_minus <= TELLING for one in many) == len({one.compared for one in many}), (
        "no longer than needed"
    )
    assert max(one.days for one in many) < LENGTHS[-1]


def test_a_gap_of_years_is_no_time_of_business() -> None:
    """Neither of a month's payments nor of the last quarter that models are judged by."""
    hours = timedelta(hours=1)
    numbers = [*range(24 * 60), *range(24 * 1_000, 24 * 1_060)]
    payments = [
        [
            one._replace(payment=f"p{number}", at=one.at + number * hours)
            for one in (attempt(0), attempt(3))
        ]
        for number in numbers
    ]
    cohort = cohort_of(payments, timedelta(days=10))
    assert cohort.days == pytest.approx(2 * (60 - 10 - 7) + 10, abs=0.2)
    assert [one.orders for one in experiments(cohort, 0.25)][0] == pytest.approx(14 * 24, abs=2)
    assert cohort.learned_until == pytest.approx(
        BEGIN + timedelta(days=1_063 - 126 / 4), abs=timedelta(hours=2)
    )
    assert {round((one[0].at - BEGIN) / timedelta(days=1)) // 100 for one in cohort.payments} == {
        0,
        10,
    }
    assert [len(cohort.open), cohort.begun_before] == [2 * 24 * 7, 2 * 24 * 10], (
        "each part has edges"
    )
