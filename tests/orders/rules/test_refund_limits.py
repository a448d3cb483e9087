"""Limits of refunds by people: no order of refunds and refusals passes a day's limit; parts count
together."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.orders.rules.refund_limits import (
    MOST,
    NONE,
    Limits,
    RefundApproval,
    check_day,
    check_limits,
    check_one,
    check_other,
    check_waiting,
    goes_alone,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
UNITS = st.integers(min_value=1, max_value=400)
LIMIT = st.none() | st.integers(min_value=1, max_value=900)


def request(state: str = "waiting") -> RefundApproval:
    return RefundApproval(
        UUID(int=1),
        UUID(int=2),
        state,
        100,
        "USD",
        "",
        [],
        "\\x",
        "user:ann",
        "owner",
        NOW,
        NOW + timedelta(days=7),
    )


ASKED = st.lists(st.tuples(UNITS, st.integers(0, 3), st.booleans()), max_size=40)


@given(st.builds(Limits, LIMIT, LIMIT, LIMIT), ASKED)
def test_no_order_of_refunds_approvals_and_refusals_passes_the_limits(
    limits: Limits, asked: list[tuple[int, int, bool]]
) -> None:
    """Each: units, of which order, whether the processor's side gives an earlier one up first."""
    made: list[tuple[int, int, bool]] = []  # units, order, by one person alone
    for units, order, gives_up in asked:
        if gives_up and made:
            made.pop(0)
        spent = sum(u for u, _, _ in made)
        alone = sum(u for u, o, by_one in made if o == order and by_one)
        try:
            goes = goes_alone(limits, units, "USD", spent_units=spent, alone_units=alone)
            if not goes:
                check_day(limits, units, spent, "USD")  # as when the second person agrees
        except Problem:
            continue
        made.append((units, order, goes))
        assert limits.refund_max_units is None or units <= limits.refund_max_units
        assert limits.day_max_units is None or sum(u for u, _, _ in made) <= limits.day_max_units
        for one in {o for _, o, _ in made}:
            of_one = sum(u for u, o, by_one in made if o == one and by_one)
            assert limits.second_from_units is None or of_one < limits.second_from_units


@given(UNITS, st.integers(0, 10**9), st.integers(0, 10**9))
def test_without_limits_everything_goes_alone(units: int, spent: int, alone: int) -> None:
    assert goes_alone(NONE, units, "JPY", spent_units=spent, alone_units=alone)


def test_words_name_the_amounts() -> None:
    with pytest.raises(
        Problem, match=r"Your role may refund at most 50.00 USD at once; this is 50.01 USD"
    ):
        check_one(Limits(5_000), 5_001, "USD")
    with pytest.raises(
        Problem, match=r"You have refunded 800 JPY of 1000 JPY today; 200 JPY are left"
    ):
        check_day(Limits(day_max_units=1_000), 201, 800, "JPY")
    check_day(Limits(day_max_units=1_000), 200, 800, "JPY")
    with pytest.raises(Problem, match=r"at most 0.00 USD"):
        goes_alone(Limits(0), 1, "USD", spent_units=0, alone_units=0)


@each(
    ("limits", "field"),
    [
        (Limits(-1), "refund_max"),
        (Limits(MOST + 1), "refund_max"),
        (Limits(None, -5), "day_max"),
        (Limits(second_from_units=0), "second_from"),
        (Limits(200, 100), "refund_max"),
        (Limits(100, 300, 101), "second_from"),
        (Limits(None, 300, 301), "second_from"),
    ],
)
def test_limits_that_make_no_sense_are_refused_with_their_field(limits: Limits, field: str) -> None:
    with pytest.raises(Problem) as refused:
        check_limits(limits)
    assert refused.value.code == "invalid"
    assert refused.value.field == field


def test_limits_that_make_sense_are_taken() -> None:
    for limits in (
        NONE,
        Limits(0, 0, None),
        Limits(100, 100, 100),
        Limits(None, None, 1),
        Limits(50, 500, 20),
    ):
        check_limits(limits)


@pytest.mark.parametrize("state", ["approved", "refused", "withdrawn", "expired"])
def test_what_was_decided_is_not_decided_again(state: str) -> None:
    check_waiting(request(), NOW)
    with pytest.raises(Problem) as refused:
        check_waiting(request(state), NOW)
    assert refused.value.code == "wrong_state"
    with pytest.raises(Problem, match="Nobody agreed within seven days"):
        check_waiting(request(), NOW + timedelta(days=7))


def test_who_asked_is_never_the_second_person() -> None:
    check_other(request(), "user:ben")
    with pytest.raises(Problem, match="needs somebody else"):
        check_other(request(), "user:ann")
