"""Days and hours as somebody's clock on the wall shows them, also when that clock is put forward or
back."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo, available_timezones

GMT: Final = "GMT"
REMIND_DAYS: Final = (7, 3, 1)  # before a deadline
_NOTED: Final = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d UTC\b")


@cache
def zones() -> Mapping[str, str]:
    """Every zone of the IANA's list, by its name in small letters; not what a machine calls its
    own."""
    return {
        name.casefold(): name
        for name in sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
    }


@cache
def _cities() -> Mapping[str, str]:
    """The zone of each city that the list names, the shortest where several do."""
    cities: dict[str, str] = {}
    for key, name in sorted(
        zones().items(), key=lambda item: (item[0].count("/"), len(item[0]), item[0])
    ):
        if "/" in key and not key.startswith(("etc/", "systemv/")):
            cities.setdefault(key.rpartition("/")[2], name)
    return cities


def read_zone(name: str) -> str:
    """Finds a zone by its name on the IANA's list or the city in it: `New York` is
    America/New_York. Raises: ValueError."""
    if name.upper() in (GMT, "UTC", "Z"):
        return GMT
    plain = (
        "".join(c for c in normalize("NFKD", name) if not combining(c)).casefold().replace(" ", "_")
    )
    zone = zones().get(plain) or _cities().get(plain)
    if zone is None:
        raise ValueError(name)
    return zone


def retold(text: str, say: Callable[[datetime], str]) -> str:
    """`text` with each moment that was noted in it as `say` says it."""
    return _NOTED.sub(lambda match: _say(match[0], say), text) if " UTC" in text else text


def _say(text: str, say: Callable[[datetime], str]) -> str:
    try:
        return say(datetime.strptime(text, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # somebody else's words
        return text


def local_day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def begin_of(day: date, zone: str) -> datetime:
    """The day's first instant. Where midnight is left out, that is when the clock is put
    forward."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def span_of(day: date, zone: str) -> tuple[datetime, datetime]:
    """Span from the day's first instant to that of the next day: 23 or 25 hours where clocks
    change. Days leave nothing out."""
    return begin_of(day, zone), begin_of(day + timedelta(days=1), zone)


def digest_day(now: datetime, zone: str, hour: int) -> date | None:
    """The day whose digest is due: today, as soon as its clock has shown the hour once; None before
    that.

    An hour that the clock leaves out counts as shown when it jumps over it; one that comes twice,
    when it comes first.
    """
    today = local_day(now, zone)
    due = datetime.combine(today, time(hour), ZoneInfo(zone)).astimezone(UTC)
    return today if now >= due else None


def next_reminder(deadline: datetime, now: datetime) -> datetime | None:
    """Instant of the next reminder, None when no time is left for it."""
    return min(
        (at for days in REMIND_DAYS if (at := deadline - timedelta(days=days)) > now), default=None
    )


def reminder_due(deadline: datetime, now: datetime) -> int | None:
    """Days left, at most, with which somebody is reminded now; of several that have passed the most
    pressing."""
    if now >= deadline:
        return None
    return min(
        (days for days in REMIND_DAYS if now >= deadline - timedelta(days=days)), default=None
    )
