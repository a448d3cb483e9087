"""Weeks of declined payments: no rate without its denominator, no day before every order is that
old."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from recoup.uplift.rules.cohorts import (
    CURVE_DAYS,
    CohortCount,
    by_place,
    cohort_file,
    cohorts,
    monday,
)
from recoup.uplift.rules.report import cohort_report

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
SITE, CAMPAIGN = UUID(int=1), UUID(int=2)
COUNTS = st.lists(
    st.builds(
        CohortCount,
        st.sampled_from([monday(NOW) - timedelta(weeks=weeks) for weeks in range(6)]),
        st.sampled_from([SITE, UUID(int=9)]),
        st.sampled_from([None, CAMPAIGN]),
        st.sampled_from(["USD", "JPY"]),
        st.none() | st.integers(0, 30),
        st.booleans(),
        st.integers(1, 50),
        st.integers(1, 10**9),
    ),
    max_size=30,
)


def count(week: date, day: int | None, orders: int, *, closed: bool = True) -> CohortCount:
    return CohortCount(week, SITE, None, "USD", day, closed, orders, orders * 100)


def test_a_week_shows_only_what_every_order_of_it_is_old_enough_for() -> None:
    week = date(2026, 3, 9)  # its youngest order is 14 days old on the 30th
    (found,) = cohorts(
        [count(week, 0, 10), count(week, 5, 10), count(week, None, 60, closed=False)], NOW
    )
    assert dict(zip(CURVE_DAYS, found.curve, strict=True)) == {
        0: 0.125,
        1: 0.125,
        3: 0.125,
        7: 0.25,
        14: None,
        21: None,
        30: None,
    }
    assert (found.sums.orders, found.sums.closed, found.sums.rescued, found.sums.rate) == (
        80,
        20,
        20,
        1.0,
    )
    assert cohorts([count(monday(NOW), 0, 3)], NOW)[0].curve == (None,) * len(CURVE_DAYS)


@given(COUNTS)
def test_weeks_and_places_hold_the_same_orders(counts: list[CohortCount]) -> None:
    weeks, places = cohorts(counts, NOW), by_place(counts)
    for name in ("orders", "closed", "rescued"):
        assert sum(getattr(one.sums, name) for one in weeks) == sum(
            getattr(one, name) for one in places.values()
        )
    for one in weeks:
        shares = [share for share in one.curve if share is not None]
        assert shares == sorted(shares)
        assert all(0 <= share <= 1 for share in shares)
        assert (one.sums.rate is None) == (one.sums.closed == 0)


def test_the_file_has_a_line_a_week_and_no_formula() -> None:
    report = cohort_report(
        cohorts([count(date(2026, 3, 9), 0, 10), count(date(2026, 3, 2), None, 4)], NOW),
        [
            (
                {"siteId": str(SITE), "site": "=cmd()", "campaignId": None, "campaign": None},
                by_place([count(date(2026, 3, 9), 0, 10)])[SITE, None],
            )
        ],
    )
    head, first, second = (line.strip().split(",") for line in cohort_file(report, "week"))
    assert head[:5] == ["week", "orders", "closed", "rescued", "rate"]
    assert head[-2:] == ["closed_USD", "rescued_USD"]
    assert (first[0], first[1], first[-2:]) == ("2026-03-09", "10", ["1000", "1000"])
    assert (second[3], second[4]) == ("0", "0.0")
    assert "'=cmd()" in list(cohort_file(report, "site"))[1]
