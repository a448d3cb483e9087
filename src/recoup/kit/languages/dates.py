"""Days and moments as they are read in a language. Hours are the same in all of them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from recoup.kit.languages.catalogues import catalogue


def day_of(language: str, day: date, *, with_year: bool) -> str:
    """`20 Nov`, `20 Nov 2026`."""
    known = catalogue(language)
    shape = known.day_and_year if with_year else known.day
    return shape.format(day=day.day, month=known.months[day.month - 1], year=day.year)


def weekday_of(language: str, day: date) -> str:
    return catalogue(language).weekdays[day.weekday()]


def moment_of(language: str, moment: datetime, zone: str) -> str:
    """`20 Nov 2026 17:30 Asia/Kolkata`: whole, for what is read somewhere and some time else."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{day_of(language, local, with_year=True)} {local:%H:%M} {zone}"
