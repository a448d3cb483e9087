"""The days that the overview is about: presets by name, or two dates. Days in GMT, both included."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

DAYS_MAX: Final = 366
PRESETS: Final[Mapping[str, str]] = {
    "today": "Today", "yesterday": "Yesterday", "7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days",
    "week": "This week", "month": "This month", "last_month": "Last month", "quarter": "This quarter",
    "year": "This year",
}  # fmt: skip
USUAL: Final = "30d"


@dataclass(frozen=True, slots=True)
class Range:
    """`name` of the preset, or empty; `unclear`: what could not be read, the usual days are shown instead."""

    first: date
    last: date
    name: str = ""
    unclear: str = ""

    @property
    def span(self) -> tuple[datetime, datetime]:
        return _start(self.first), _start(self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


def read_range(query: Mapping[str, str], today: date) -> Range:
    """Whatever stands in the address."""
    first, last, name = query.get("from", "").strip(), query.get("to", "").strip(), query.get("range", "")
    if not (first or last):
        unclear = f"There is no range {name[:20]!r}." if name and name not in PRESETS else ""
        return _preset(name if name in PRESETS else USUAL, today, unclear)
    try:
        begin, end = (date.fromisoformat(text[:10]) if text else today for text in (first, last))
    except ValueError:
        return _preset(USUAL, today, "Write days like 2026-11-20.")
    if not (2000 <= begin.year < 2200 and 2000 <= end.year < 2200):
        return _preset(USUAL, today, "Write days like 2026-11-20.")
    if begin > end:
        return _preset(USUAL, today, "The first day is after the last.")
    if (end - begin).days >= DAYS_MAX:
        return _preset(USUAL, today, f"At most {DAYS_MAX} days are counted at once.")
    return Range(begin, end)


def _preset(name: str, today: date, unclear: str = "") -> Range:
    first, last = today, today
    match name:
        case "yesterday":
            first = last = today - timedelta(days=1)
        case "7d" | "30d" | "90d":
            first = today - timedelta(days=int(name[:-1]) - 1)
        case "week":
            first = today - timedelta(days=today.weekday())
        case "month":
            first = today.replace(day=1)
        case "last_month":
            last = today.replace(day=1) - timedelta(days=1)
            first = last.replace(day=1)
        case "quarter":
            first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            first = today.replace(month=1, day=1)
    return Range(first, last, name, unclear)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
