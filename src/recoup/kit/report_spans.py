"""Spans of days as people name them, in a zone: the last day is included, the instant after it ends
the span."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from recoup.kernel.problem import Sentence, invalid
from recoup.kit.files.moments import typed_day, typed_moment

_MONTH: Final = re.compile(r"(20[0-9]{2}|21[0-9]{2})-(0[1-9]|1[0-2])")
MONTHS_MAX: Final = 24
_DAY_DIGITS: Final = 8
Span = tuple[datetime, datetime]


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        cure = "Write it like UTC or America/New_York."
        raise invalid(
            Sentence("There is no time zone {0}.", repr(name[:40])), "zone", cure
        ) from None


def days(first: str, last: str, zone: str) -> Span:
    """Dates like 2026-11-01, or whole instants with or without offset; then `last` is the end
    itself.

    Raises: Problem(invalid).
    """
    begin, end = _instant(first, zone, 0), _instant(last, zone, 1)
    if begin >= end:
        raise invalid(
            Sentence("The period {0} to {1} ends before it begins.", first, last),
            "period",
            "Write the earlier day first.",
        )
    return begin, end


def days_of(span: Span, zone: str) -> tuple[date, date]:
    """First and last day of a span, as the zone counts them."""
    local = zone_of(zone)
    return span[0].astimezone(local).date(), (span[1] - timedelta(microseconds=1)).astimezone(
        local
    ).date()


def month(text: str, zone: str) -> Span:
    """`2026-11`. Raises: Problem(invalid)."""
    match = _MONTH.fullmatch(text)
    if not match:
        raise invalid(
            Sentence("{0} is not a month.", repr(text[:20])), "month", "Write it like 2026-11."
        )
    first = date(int(match[1]), int(match[2]), 1)
    return midnight(first, zone), midnight(
        (first.replace(day=28) + timedelta(days=4)).replace(day=1), zone
    )


def months_until(now: datetime, first: datetime | None, zone: tzinfo = UTC) -> list[str]:
    """Newest first, back to the month of `first`, at most MONTHS_MAX."""
    at, until = now.astimezone(zone).replace(day=1), (first or now).astimezone(zone)
    months: list[str] = []
    while len(months) < MONTHS_MAX and (at.year, at.month) >= (until.year, until.month):
        months.append(f"{at:%Y-%m}")
        at = (at - timedelta(days=1)).replace(day=1)
    return months


def _instant(text: str, zone: str, more_days: int) -> datetime:
    if ":" not in text and sum(map(str.isdigit, text)) <= _DAY_DIGITS:
        day = typed_day(text)
        if day is not None:
            return midnight(day + timedelta(days=more_days), zone)
    else:
        moment = typed_moment(text, zone_of(zone))
        if moment is not None:
            return moment
    raise invalid(
        Sentence("{0} is not a date.", repr(text[:40])), "period", "Write it like 2026-11-30."
    )


def midnight(day: date, zone: str) -> datetime:
    """Instant when the day begins there. Raises: Problem(invalid)."""
    if not 2000 <= day.year <= 2200:
        raise invalid(
            Sentence("{0} is too far away.", day),
            "period",
            "Name a day between the years 2000 and 2200.",
        )
    return datetime.combine(day, time(), zone_of(zone)).astimezone(UTC)
