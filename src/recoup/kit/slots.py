"""Good instants for a try, in the card holder's local day.

Offsets are fixed minutes east of UTC, without summer time: a stored decision must give the same
instants on every machine, whatever its zone data. The slots stand an hour late in summer, never
before their day has begun.
"""

import math
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Final

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_OFFSET_MAX: Final = 14 * 60
_DEBIT_AT: Final = time(0, 5)  # the pay is in, nothing has been bought yet
_OTHER_AT: Final = time(9, 30)

_WEST: Final[dict[str, int]] = tomllib.loads(
    Path(__file__).with_name("slots.toml").read_text("utf-8")
)


def offset_minutes(given: float | str | None, country: str | None) -> int:
    """Minutes east of UTC of the card holder: as given (hours up to 14, larger numbers are
    minutes), else the country's, else the United States'. What makes no sense counts as not
    given."""
    try:
        value = float(given) if given is not None and given != "" else math.nan
    except ValueError:
        value = math.nan
    minutes = value * 60 if abs(value) <= 14 else value
    if math.isfinite(minutes) and abs(minutes) <= _OFFSET_MAX:
        return round(minutes)
    return _WEST.get((country or "US").upper(), _WEST["US"])


def westernmost(country: str) -> int | None:
    """Minutes east of UTC where its day begins last; None for a country that is not known here."""
    return _WEST.get(country.upper())


def next_minute(moment: datetime) -> datetime:
    """The first full minute at or after it, so that many tries fall due together."""
    floor = moment.replace(second=0, microsecond=0)
    return floor if floor == moment else floor + _MINUTE


def pay_day_slot(after: datetime, offset: int, debit: bool) -> datetime:
    """The first slot at or after `after` on a 1st, a 15th, a month's last business day or a
    Friday."""
    return next(slot for day, slot in _slots(after, offset, debit) if is_pay_day(day))


def month_start_slot(after: datetime, offset: int, debit: bool) -> datetime:
    return next(slot for day, slot in _slots(after, offset, debit) if day.day == 1)


def next_day_slot(after: datetime, earliest: datetime, offset: int, debit: bool) -> datetime:
    """Slot in the local day that follows `after`, or `earliest` when that is later."""
    zone = _zone(offset)
    day = after.astimezone(zone).date() + _DAY
    return max(_at(day, zone, debit), earliest.astimezone(zone))


def is_pay_day(day: date) -> bool:
    return day.day in (1, 15) or day.weekday() == 4 or day == _last_business_day(day)


def _last_business_day(day: date) -> date:
    last = (day.replace(day=28) + 4 * _DAY).replace(day=1) - _DAY
    return last - max(0, last.weekday() - 4) * _DAY


def _slots(after: datetime, offset: int, debit: bool) -> Iterator[tuple[date, datetime]]:
    """Each local day with its slot, from the first slot at or after `after`. 40 days hold one of
    every kind."""
    zone = _zone(offset)
    first = after.astimezone(zone).date()
    for number in range(40):
        day = first + number * _DAY
        slot = _at(day, zone, debit)
        if slot >= after:
            yield day, slot


def _zone(offset: int) -> timezone:
    return timezone(timedelta(minutes=offset))


def _at(day: date, zone: timezone, debit: bool) -> datetime:
    return datetime.combine(day, _DEBIT_AT if debit else _OTHER_AT, zone)
