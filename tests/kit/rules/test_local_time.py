"""Days and hours by somebody's clock, on the days on which clocks change too."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import noted
from recoup.kit.local_time import (
    REMIND_DAYS,
    begin_of,
    digest_day,
    local_day,
    next_reminder,
    read_zone,
    reminder_due,
    retold,
    span_of,
    zones,
)

# Changes at night, at midnight, by half an hour, over the date line, and none at all.
ZONES = (
    "GMT",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
)
FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2015, 2030))
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
DAY = timedelta(days=1)


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_moment_is_in_the_one_span_of_its_day(moment: datetime, zone: str) -> None:
    day = local_day(moment, zone)
    begin, end = span_of(day, zone)
    assert begin <= moment < end
    assert end == begin_of(day + DAY, zone)
    assert timedelta(hours=22) < end - begin < timedelta(hours=26)


@given(MOMENTS, st.sampled_from(ZONES), st.integers(0, 23))
def test_a_digest_is_due_once_a_day_from_its_hour_on(
    moment: datetime, zone: str, hour: int
) -> None:
    """Asked every quarter of an hour for three days: each day once, never before its clock has
    shown the hour."""
    due: list[date] = []
    for step in range(3 * 96):
        now = moment + step * timedelta(minutes=15)
        day = digest_day(now, zone, hour)
        if day is None:
            continue
        assert day == local_day(now, zone)
        if not due or due[-1] != day:
            assert not due or day > due[-1]
            due.append(day)
    whole = {local_day(moment + step * timedelta(hours=1), zone) for step in range(72)}
    inner = sorted(whole)[1:-1]
    assert set(inner) <= set(due), "no day in between is left out"


@pytest.mark.parametrize(
    ("zone", "hour", "day", "at"),
    [
        (
            "Europe/Berlin",
            2,
            date(2026, 3, 29),
            datetime(2026, 3, 29, 1, tzinfo=UTC),
        ),  # 02:00 is left out
        (
            "Europe/Berlin",
            2,
            date(2026, 10, 25),
            datetime(2026, 10, 25, 0, tzinfo=UTC),
        ),  # comes twice: the first
        (
            "Africa/Cairo",
            0,
            date(2026, 4, 24),
            datetime(2026, 4, 23, 22, tzinfo=UTC),
        ),  # its midnight is left out
        ("America/New_York", 8, date(2026, 3, 8), datetime(2026, 3, 8, 12, tzinfo=UTC)),
        ("GMT", 8, date(2026, 3, 8), datetime(2026, 3, 8, 8, tzinfo=UTC)),
    ],
    ids=["left out", "twice", "no midnight", "New York", "GMT"],
)
def test_on_days_on_which_clocks_change(zone: str, hour: int, day: date, at: datetime) -> None:
    assert digest_day(at, zone, hour) == day
    before = digest_day(at - timedelta(seconds=1), zone, hour)
    assert before is None or before < day


def test_a_day_may_have_23_or_25_hours() -> None:
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 1), 24)):
        begin, end = span_of(day, "Europe/Berlin")
        assert end - begin == timedelta(hours=hours)
        assert begin.astimezone(ZoneInfo("Europe/Berlin")).hour == 0


@pytest.mark.parametrize("text", ["gmt", "UTC", "z"])
def test_gmt_has_several_names(text: str) -> None:
    assert read_zone(text) == "GMT"


@pytest.mark.parametrize("text", ["", "Mars/Phobos", "localtime", "../etc/passwd", "\x00"])
def test_what_is_no_zone(text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        read_zone(text)


def test_zones_are_read_as_people_write_them() -> None:
    assert read_zone("europe/berlin") == "Europe/Berlin"
    assert read_zone("America/New York") == "America/New_York"
    assert len(zones()) > 400


@given(MOMENTS, st.integers(1, 60 * 24 * 30), st.integers(1, 60 * 24))
def test_each_reminder_comes_once_until_the_deadline(
    opened: datetime, minutes: int, late: int
) -> None:
    """As due work does it: looked at when it is due, or `late` minutes after. Never twice the same
    number of days."""
    deadline, now, heard = opened + timedelta(minutes=minutes), opened, []
    for _ in range(9):
        at = next_reminder(deadline, now)
        if at is None:
            break
        assert now < at < deadline
        now = at + timedelta(minutes=late)
        if (days := reminder_due(deadline, now)) is not None:
            heard.append(days)
    assert heard == sorted(set(heard), reverse=True)
    assert set(heard) <= {days for days in REMIND_DAYS if opened < deadline - days * DAY}
    assert next_reminder(deadline, deadline) is None
    assert reminder_due(deadline, deadline) is None
    if late < 60 and minutes > 8 * 24 * 60:
        assert heard == list(REMIND_DAYS)


@given(MOMENTS)
def test_a_moment_in_a_sentence_is_found_again_to_the_minute(moment: datetime) -> None:
    told = retold(f"Used up until {noted(moment)}.", datetime.isoformat)
    assert told == f"Used up until {moment.replace(second=0, microsecond=0).isoformat()}."


@pytest.mark.parametrize(
    "text",
    ["", "UTC", "2026-13-45 99:99 UTC", "2026-01-01 10:00", "x2026-01-01 10:00 UTC"],
    ids=["empty", "zone", "no moment", "no zone", "a word"],
)
def test_other_words_stay_as_they_are(text: str) -> None:
    assert retold(text, datetime.isoformat) == text


@each(
    ("typed", "zone"),
    [
        ("New York", "America/New_York"),
        ("new_york", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("berlin", "Europe/Berlin"),
        ("Louisville", "America/Louisville"),
        ("europe/berlin", "Europe/Berlin"),
        ("utc", "GMT"),
        ("EST5EDT", "EST5EDT"),
    ],
)
def test_a_city_finds_its_zone(typed: str, zone: str) -> None:
    assert read_zone(typed) == zone


def test_every_city_of_the_list_finds_a_zone_of_its_name() -> None:
    for name in zones().values():
        city = name.rpartition("/")[2]
        if "/" in name and not name.startswith(("Etc/", "SystemV/")):
            assert read_zone(city.replace("_", " ")).rpartition("/")[2] == city
