"""Mails with a link to pay: by day everywhere in the payer's country, inside the budget, never once
unsubscribed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.mail.rules.contacts import (
    ADDRESS_MAX,
    LINK,
    ORDER_MAX,
    WITHHELD,
    Contacted,
    by_day,
    why_withheld,
)

ZONES = {
    "DE": ("Europe/Berlin",),
    "GB": ("Europe/London",),
    "US": ("America/Los_Angeles", "America/New_York"),
    "AU": ("Australia/Perth", "Australia/Sydney"),
    "IN": ("Asia/Kolkata",),
    "JP": ("Asia/Tokyo",),
    "NZ": ("Pacific/Auckland",),
    "": ("America/Los_Angeles", "Europe/Berlin", "Europe/Athens"),
}
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(MOMENTS, st.sampled_from(sorted(ZONES)))
def test_nobody_is_written_to_at_night(at: datetime, country: str) -> None:
    found = by_day(country, at)
    assert at <= found <= at + timedelta(days=1)
    for zone in ZONES[country]:
        assert 8 <= found.astimezone(ZoneInfo(zone)).hour < 21, zone
    assert by_day(country, found) == found


def test_by_day_it_goes_at_once() -> None:
    noon = datetime(2026, 6, 10, 12, 7, 3, tzinfo=UTC)
    assert by_day("de", noon) == noon
    assert by_day("DE", noon.replace(hour=22)) == datetime(2026, 6, 11, 7, 0, tzinfo=UTC)


@each(
    ("notice", "before", "waits", "why"),
    [
        (LINK, Contacted(0, 0, False), True, None),
        (LINK, Contacted(ORDER_MAX - 1, ADDRESS_MAX - 1, False), True, None),
        (LINK, Contacted(ORDER_MAX, 0, False), True, "order_budget"),
        (LINK, Contacted(0, ADDRESS_MAX, False), True, "payer_budget"),
        (LINK, Contacted(0, 0, False), False, "ended"),
        (LINK, Contacted(0, 0, True), True, "unsubscribed"),
        ("challenge", Contacted(0, 0, True), True, "unsubscribed"),
        ("challenge", Contacted(9, 9, False), True, None),
    ],
)
def test_the_budget(notice: str, before: Contacted, waits: bool, why: str | None) -> None:
    assert why_withheld(notice, before, waits=waits) == why
    assert why is None or why in WITHHELD
