"""Days as people choose them, in the zone of their list: by name, or first and last, both included."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from recoup.kernel.sentence import Sentence
from recoup.rules.money.report_spans import midnight

DAY: Final = timedelta(days=1)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _months(day: date, count: int) -> date:
    """The first day of the month that is so many months away."""
    month = day.year * 12 + day.month - 1 + count
    return date(month // 12, month % 12 + 1, 1)


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _quarter(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


# name -> words, and its first and last day as of today; weeks begin on Monday
PRESETS: Final[dict[str, tuple[str, Callable[[date], tuple[date, date]]]]] = {
    "today": ("today", lambda day: (day, day)),
    "yesterday": ("yesterday", lambda day: (day - DAY, day - DAY)),
    "7d": ("last 7 days", lambda day: (day - 6 * DAY, day)),
    "30d": ("last 30 days", lambda day: (day - 29 * DAY, day)),
    "90d": ("last 90 days", lambda day: (day - 89 * DAY, day)),
    "week": ("this week", lambda day: (_week(day), day)),
    "last-week": ("last week", lambda day: (_week(day) - 7 * DAY, _week(day) - DAY)),
    "month": ("this month", lambda day: (_months(day, 0), day)),
    "last-month": ("last month", lambda day: (_months(day, -1), _months(day, 0) - DAY)),
    "quarter": ("this quarter", lambda day: (_quarter(day), day)),
    "last-quarter": ("last quarter", lambda day: (_months(_quarter(day), -3), _quarter(day) - DAY)),
    "year": ("this year", lambda day: (date(day.year, 1, 1), day)),
    "last-year": ("last year", lambda day: (date(day.year - 1, 1, 1), date(day.year - 1, 12, 31))),
}


class Days(NamedTuple):
    """Empty: all days. A `preset` counts from today each time that it is looked at."""

    preset: str = ""
    first: date | None = None
    last: date | None = None

    def span(self, zone: str, today: date) -> tuple[datetime | None, datetime | None]:
        """The first is included, the second is not. A day begins at its midnight there, whatever the clocks do."""
        first, last = PRESETS[self.preset][1](today) if self.preset else (self.first, self.last)
        return midnight(first, zone) if first else None, midnight(last + DAY, zone) if last else None

    def words(self) -> str:
        if self.preset:
            return PRESETS[self.preset][0]
        if self.first and self.last:
            one = self.first == self.last
            return Sentence("{0}", self.first) if one else Sentence("{0} – {1}", self.first, self.last)
        return Sentence("from {0}", self.first) if self.first else Sentence("until {0}", self.last)


def read_days(text: str) -> Days:
    """`7d`, `2026-11-03` or `2026-11-01..2026-11-05`, whose sides may be empty. Raises: ValueError."""
    name = text.strip().lower().replace("_", "-").replace(" ", "-")
    if name in PRESETS:
        return Days(name)
    first, dots, last = text.partition("..")
    if not dots:
        return Days("", read_day(first), read_day(first))
    if not first.strip() and not last.strip():
        raise ValueError(text)
    return between(read_day(first) if first.strip() else None, read_day(last) if last.strip() else None)


def between(first: date | None, last: date | None) -> Days:
    """Raises: ValueError for days that end before they begin."""
    if first and last and first > last:
        raise ValueError(last)
    return Days("", first, last)


def read_day(text: str) -> date:
    """Raises: ValueError."""
    if not _DATE.match(text.strip()):
        raise ValueError(text)
    day = date.fromisoformat(text.strip()[:10])
    if not 2000 <= day.year < 2200:
        raise ValueError(text)
    return day
