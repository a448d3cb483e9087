"""Cycles do not drift: the n-th is the anchor plus n intervals,
month ends clamped each for itself."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recoup.orders.rules.cycles import cycle_at, first_from, next_charge

ANCHOR = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def test_month_ends_clamp_and_come_back() -> None:
    days = [cycle_at(ANCHOR, "month", 1, n).date().isoformat() for n in range(6)]
    assert days == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
        "2026-06-30",
    ]
    assert cycle_at(ANCHOR, "month", 1, 25).date().isoformat() == "2028-02-29"
    assert cycle_at(ANCHOR, "month", 3, 1).date().isoformat() == "2026-04-30"


def test_days_and_weeks_are_lengths() -> None:
    assert cycle_at(ANCHOR, "day", 10, 3) == ANCHOR + timedelta(days=30)
    assert cycle_at(ANCHOR, "week", 2, 3) == ANCHOR + timedelta(weeks=6)


@given(
    st.integers(0, 20 * 365 * 86400).map(
        lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
    ),
    st.sampled_from(["day", "week", "month"]),
    st.integers(1, 12),
    st.integers(0, 200),
)
def test_cycles_rise_and_keep_the_time_of_day(
    anchor: datetime, unit: str, count: int, n: int
) -> None:
    here, after = cycle_at(anchor, unit, count, n), cycle_at(anchor, unit, count, n + 1)
    assert here < after
    assert here.time() == anchor.time()
    if unit == "month":
        assert here.day in (anchor.day, 28, 29, 30)


def test_what_passed_in_a_pause_is_left_out() -> None:
    assert first_from(ANCHOR, "month", 1, 2, datetime(2026, 6, 1, tzinfo=UTC)) == 5
    assert first_from(ANCHOR, "month", 1, 2, datetime(2026, 1, 1, tzinfo=UTC)) == 2


def test_the_end_is_the_end() -> None:
    assert next_charge(ANCHOR, "day", 1, 3, 0, 3, None) is None
    assert next_charge(ANCHOR, "day", 1, 2, 0, 3, None) == ANCHOR + timedelta(days=2)
    assert next_charge(ANCHOR, "day", 1, 2, 1, 3, ANCHOR + timedelta(days=3)) == ANCHOR + timedelta(
        days=3
    )
    assert next_charge(ANCHOR, "day", 1, 2, 2, 0, ANCHOR + timedelta(days=3)) is None
