"""Good instants, in the card holder's day."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kit.slots import (
    is_pay_day,
    month_start_slot,
    next_day_slot,
    next_minute,
    offset_minutes,
    pay_day_slot,
)

moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - given a zone
    datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
offsets = st.integers(-14 * 60, 14 * 60)


@each(
    ("given_", "country", "minutes"),
    [
        (-5, "US", -300),
        ("-5", None, -300),
        (0, "US", 0),
        (5.5, None, 330),
        (-300, None, -300),
        ("330", None, 330),
        (None, "DE", 60),
        (None, "de", 60),
        (None, None, -480),
        ("", "XX", -480),
        ("soon", "JP", 540),
        (9999, "GB", 0),
        (float("nan"), "GB", 0),
    ],
)
def test_offsets_come_in_hours_or_minutes_or_from_the_country(
    given_: float | str | None, country: str | None, minutes: int
) -> None:
    assert offset_minutes(given_, country) == minutes


def test_pay_days_of_december_2026() -> None:
    days = [day for day in range(1, 32) if is_pay_day(date(2026, 12, day))]
    assert days == [1, 4, 11, 15, 18, 25, 31]
    assert is_pay_day(date(2026, 11, 30))  # Monday, the last business day
    assert is_pay_day(date(2026, 1, 30))  # Friday before a month that ends on Saturday


def test_debit_is_tried_just_after_midnight_and_credit_in_the_morning() -> None:
    friday = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert pay_day_slot(friday, -300, debit=True).astimezone(UTC) == datetime(
        2026, 11, 27, 5, 5, tzinfo=UTC
    )
    assert pay_day_slot(friday, -300, debit=False).astimezone(UTC) == datetime(
        2026, 11, 27, 14, 30, tzinfo=UTC
    )


@given(moments, offsets, st.booleans())
def test_slots_lie_ahead_on_their_days(after: datetime, offset: int, debit: bool) -> None:
    pay, start = pay_day_slot(after, offset, debit), month_start_slot(after, offset, debit)
    assert after <= pay <= after + timedelta(days=8)
    assert after <= start <= after + timedelta(days=32)
    assert is_pay_day(pay.date())
    assert start.day == 1
    assert (pay.hour, pay.minute) == ((0, 5) if debit else (9, 30))


@given(moments, offsets, st.booleans())
def test_the_next_day_is_the_next_local_day(after: datetime, offset: int, debit: bool) -> None:
    slot = next_day_slot(after, after, offset, debit)
    assert slot.date() == after.astimezone(slot.tzinfo).date() + timedelta(days=1)


@given(moments)
def test_the_next_minute_is_full_and_not_before(moment: datetime) -> None:
    full = next_minute(moment)
    assert (full.second, full.microsecond) == (0, 0)
    assert moment <= full < moment + timedelta(minutes=1)
