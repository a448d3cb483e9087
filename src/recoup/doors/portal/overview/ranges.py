"""The days that the overview is about: presets by name, or two dates. Days in GMT, both included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from recoup.doors.portal.orders.days import DAY, Days, read_day
from recoup.doors.portal.orders.days import PRESETS as LIST_PRESETS
from recoup.kernel.sentence import Sentence

DAYS_MAX: Final = 366
PRESETS: Final[Mapping[str, str]] = {
    "today": "Today", "yesterday": "Yesterday", "7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days",
    "week": "This week", "month": "This month", "last_month": "Last month", "quarter": "This quarter",
    "year": "This year",
}  # fmt: skip
USUAL: Final = "90d"  # windows take up to a month: of fewer days most orders are still open
FEWER: Final = ("30d", "7d", "today")
# As the list of orders reckons them.
_SPANS: Final[Mapping[str, Callable[[date], tuple[date, date]]]] = {
    name.replace("-", "_"): span for name, (_, span) in LIST_PRESETS.items()
}


@dataclass(frozen=True, slots=True)
class Range:
    """`name` of the preset, or empty; `unclear`: what could not be read, the usual days are shown instead."""

    first: date
    last: date
    name: str = ""
    unclear: str = ""

    @property
    def span(self) -> tuple[datetime, datetime]:
        return _start(self.first), _start(self.last + DAY)

    @property
    def listed(self) -> Days:
        """As the list of orders names them: a preset stays one, so that a view that is saved of it moves along."""
        return Days(self.name.replace("_", "-")) if self.name else Days(first=self.first, last=self.last)

    @property
    def days(self) -> list[date]:
        return [self.first + n * DAY for n in range((self.last - self.first).days + 1)]


def read_range(query: Mapping[str, str], today: date) -> Range:
    """Whatever stands in the address."""
    first, last, name = query.get("from", "").strip(), query.get("to", "").strip(), query.get("range", "")
    if not (first or last):
        unclear = Sentence("There is no range {0}.", repr(name[:20])) if name and name not in PRESETS else ""
        return _preset(name if name in PRESETS else USUAL, today, unclear)
    try:
        begin, end = (read_day(text) if text else today for text in (first, last))
    except ValueError:
        return _preset(USUAL, today, "Write days like 2026-11-20.")
    if begin > end:
        return _preset(USUAL, today, "The first day is after the last.")
    if (end - begin).days >= DAYS_MAX:
        return _preset(USUAL, today, Sentence("At most {0} days are counted at once.", DAYS_MAX))
    return Range(begin, end)


def _preset(name: str, today: date, unclear: str = "") -> Range:
    first, last = _SPANS[name](today)
    return Range(first, last, name, unclear)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
