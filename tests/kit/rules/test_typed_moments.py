"""Days and moments as people type them into the portal, on a keypad of digits too."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit.files.moments import typed_day, typed_moment
from recoup.kit.report_spans import days


@each(
    "text",
    [
        "20261101",
        "2026-11-01",
        "2026/11/01",
        "2026.11.01",
        "2026/11/1",
        " 2026-11-01 ",
        "1 Nov 2026",
        "\uff12\uff10\uff12\uff16\uff11\uff11\uff10\uff11",
        "202611010830",
    ],
)
def test_each_form_of_a_day_is_read(text: str) -> None:
    assert typed_day(text) == date(2026, 11, 1)


@each(
    "text",
    [
        "",
        "2026",
        "2611",
        "261101",
        "2026110",
        "202611",
        "11012026",
        "01112026",
        "01/11/2026",
        "2026-11-01x",
        "20261301",
        "20260230",
        "1795955850",
        "1795955850000",
        "19991231",
        "22000101",
        "yesterday",
        "2026-11-01 CET",
        "9" * 5000,
    ],
)
def test_what_has_no_reading_or_two_is_no_day(text: str) -> None:
    assert typed_day(text) is None


def test_a_moment_has_its_time_and_its_zone_where_one_is_typed() -> None:
    at = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    assert [
        typed_moment(text) for text in ("202611010830", "2026-11-01 08:30", "2026-11-01T08:30")
    ] == [at] * 3
    east = timezone(timedelta(hours=1))
    for text in ("202611010830", "2026-11-01 08:30+01:00"):
        assert typed_moment(text, east) == at.replace(tzinfo=east)
    assert typed_moment("2026-11-01T08:30:00Z", east) == at
    assert typed_moment("199911010830") is None


@given(st.dates(date(2000, 1, 1), date(2199, 12, 31)))
def test_digits_alone_are_the_day_that_they_write(day: date) -> None:
    assert typed_day(day.strftime("%Y%m%d")) == typed_day(day.isoformat()) == day


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_day_of_these_years_or_none(text: str) -> None:
    found = typed_day(text)
    assert found is None or 2000 <= found.year < 2200


def test_the_days_of_a_report_and_of_a_comparison_may_be_typed_so() -> None:
    spelt = days("2026-11-01", "2026-11-30", "America/New_York")
    assert days("20261101", "20261130", "America/New_York") == spelt
    assert days("202611010000", "202612010000", "America/New_York") == spelt
    assert days("1 Nov 2026", "Nov 30, 2026", "America/New_York") == spelt, (
        "a day in words is a whole day"
    )
    hours = days("1 Nov 2026 8:30", "1 Nov 2026 9:30", "UTC")
    assert [one.hour * 60 + one.minute for one in hours] == [510, 570], "an hour stays one"
    for wrong in ("01112026", "2026-11", "2026111", "01/11/2026"):
        with pytest.raises(Problem):
            days(wrong, "2026-11-30", "UTC")
