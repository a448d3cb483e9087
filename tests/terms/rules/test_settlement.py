"""Periods leave no gap and overlap nowhere; whatever a batch holds, it closes to 0."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.orders.rules import ledger
from recoup.orders.rules.ledger import RECIPES
from recoup.settlement.rules.settlement_file import KINDS
from recoup.terms.rules.settlement import (
    COLUMNS,
    DEFAULT,
    PERIODS,
    Earned,
    Terms,
    check_adjustment,
    check_second,
    check_start,
    check_terms,
    close,
    due_at,
    needs_second,
    period_end,
    period_start,
    reserve_days,
)

MOMENTS = st.integers(0, 8 * 366 * 86_400_000_000).map(
    lambda us: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
TERMS = st.sampled_from(sorted(PERIODS)).flatmap(
    lambda period: st.integers(1, PERIODS[period]).map(
        lambda anchor: Terms(period=period, anchor=anchor)
    )
)
UNITS = st.integers(-(10**12), 10**12)


@given(TERMS, MOMENTS)
def test_a_moment_is_in_exactly_one_period(terms: Terms, moment: datetime) -> None:
    start, end = period_start(terms, moment), period_end(terms, moment)
    assert start <= moment < end
    assert period_end(terms, start) == end
    assert period_start(terms, end) == end
    assert end - start <= timedelta(days=31)
    assert end.hour == end.minute == end.second == end.microsecond == 0


@given(TERMS, TERMS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_new_terms_end_the_running_period_and_never_one_before(
    old: Terms, new: Terms, start: datetime, later: timedelta
) -> None:
    changed = start + later
    end = period_end(old, start, [(changed, new)])
    assert start < end <= period_end(old, start)
    if end != period_end(old, start):
        assert end > changed
        assert end == period_end(new, changed)


def test_the_periods_of_a_month_and_a_week() -> None:
    day = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # a Friday
    assert period_end(Terms(period="month", anchor=1), day) == datetime(2026, 12, 1, tzinfo=UTC)
    assert period_end(Terms(period="month", anchor=28), day) == datetime(2026, 11, 28, tzinfo=UTC)
    assert period_end(Terms(period="month", anchor=15), day) == datetime(2026, 12, 15, tzinfo=UTC)
    assert period_end(Terms(period="week", anchor=1), day) == datetime(2026, 11, 23, tzinfo=UTC)
    assert period_end(Terms(period="week", anchor=5), day) == datetime(2026, 11, 27, tzinfo=UTC)
    assert period_end(Terms(period="day"), day) == datetime(2026, 11, 21, tzinfo=UTC)
    assert due_at(DEFAULT, datetime(2026, 12, 1, tzinfo=UTC)) == datetime(2026, 12, 3, tzinfo=UTC)


@given(
    st.dictionaries(st.sampled_from(COLUMNS), UNITS),
    st.integers(0, 10_000),
    st.integers(0, 10**9),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_a_batch_closes_to_nothing(
    sums: dict[str, int], share: int, minimum: int, asset: str
) -> None:
    terms = Terms(reserve_basis_points=share, minimums={"USD": minimum})
    held, payout, carried = close(sums, asset, terms, [Earned(sums.get("amount", 0), terms)])
    assert sum(sums.values()) - held - payout - carried == 0
    assert held >= 0
    assert payout >= 0
    assert not (payout and carried)
    assert payout == 0 or payout >= terms.minimums.get(asset, 1)
    assert held <= max(0, sum(sums.values()))
    own = [ledger.reserve_held(held)] if held else []
    own += [ledger.settlement_closed(payout)] if payout else []
    own += [ledger.carried(carried)] if carried else []
    first = [next(e for e in p.entries if e.account == "merchant_payable") for p in own]
    assert sum(sums.values()) - sum(e.units for e in first) == 0
    assert all(not sum(e.units for e in p.entries) for p in own)


def test_a_share_of_a_half_is_rounded_up_and_never_more_than_there_is() -> None:
    def held(amount: int, basis_points: int, **others: int) -> int:
        terms = Terms(reserve_basis_points=basis_points)
        return close({"amount": amount, **others}, "USD", terms, [Earned(amount, terms)]).held

    assert (held(150, 100), held(149, 100), held(1000, 5000, refund=-990)) == (2, 1, 10)


def test_of_each_amount_the_share_of_its_day_is_held_and_for_its_days_at_most() -> None:
    before, after = (
        Terms(reserve_basis_points=100, reserve_days=30),
        Terms(reserve_basis_points=5_000, reserve_days=90),
    )
    earned = [Earned(10_000, before), Earned(200, after), Earned(7_000, Terms(reserve_days=1))]
    assert close({"amount": 17_200}, "USD", after, earned).held == 100 + 100
    assert reserve_days(earned) == 30
    assert reserve_days(earned[1:]) == 90


def test_every_recipe_on_the_merchants_account_has_a_kind() -> None:
    moving = {
        one.name for one in RECIPES.values() if "merchant_payable" in one[1:3] and not one.wallet
    }
    assert moving == KINDS.keys(), "give these a kind"
    assert set(KINDS.values()) == {*COLUMNS, "payout"}


@each(
    ("change", "field"),
    [
        ({"period": "year"}, "period"),
        ({"period": "week", "anchor": 8}, "anchor"),
        ({"anchor": 0}, "anchor"),
        ({"anchor": 29}, "anchor"),
        ({"delay_days": -1}, "delay_days"),
        ({"delay_days": 91}, "delay_days"),
        ({"reserve_basis_points": 10_001}, "reserve_basis_points"),
        ({"reserve_days": 731}, "reserve_days"),
        ({"minimums": {"XXX": 1}}, "minimums"),
        ({"limits": {"USD": -1}}, "limits"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_name(change: dict[str, object], field: str) -> None:
    with pytest.raises(Problem) as refused:
        check_terms(Terms(**change))  # type: ignore[arg-type]
    assert refused.value.field == field or field in refused.value.fields
    check_terms(DEFAULT)


def test_the_past_stays_as_it_was_agreed() -> None:
    now = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    check_start(now, now)
    with pytest.raises(Problem, match="in the past"):
        check_start(now - timedelta(microseconds=1), now)


def test_an_adjustment_says_how_much_why_and_in_a_currency_that_there_is() -> None:
    wrong = ((0, "why", "USD", "amount"), (5, " ", "USD", "note"), (5, "why", "EUR", "currency"))
    for units, note, asset, field in wrong:
        with pytest.raises(Problem) as refused:
            check_adjustment(units, note, asset, {"USD": 1})
        assert field in refused.value.fields
    check_adjustment(-5, "why", "USD", {"USD": 1})


@given(UNITS, st.integers(0, 10**9))
def test_only_a_small_adjustment_is_one_persons(units: int, limit: int) -> None:
    assert needs_second(units, "USD", Terms(limits={"USD": limit})) == (abs(units) > limit)
    assert needs_second(units, "EUR", Terms(limits={"USD": limit})) == (units != 0)


def test_the_second_person_is_another() -> None:
    with pytest.raises(Problem, match="second person"):
        check_second("user:1", "user:1", "It")
    check_second("user:1", "user:2", "It")
    check_second(None, "user:2", "It")
