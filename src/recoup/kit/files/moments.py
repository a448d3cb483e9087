"""Dates, times and zones as people and programs write them; what has two readings is asked for,
never guessed."""

import re
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Final, Literal, NamedTuple
from unicodedata import normalize
from zoneinfo import ZoneInfo

from recoup.kernel.cached import cached
from recoup.kernel.time import of_these_days

Order = Literal["", "day", "month"]
DATES: Final[dict[str, Order]] = {"": "", "dmy": "day", "mdy": "month"}  # as people answer it
_HOURS: Final[dict[str, float]] = tomllib.loads(
    Path(__file__).with_name("zones.toml").read_text("utf-8")
)
AMBIGUOUS: Final = frozenset({"CST", "IST", "BST", "AST"})
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.ASCII)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan",
            "feb",
            "mar mär mrz",
            "apr",
            "may mai",
            "jun",
            "jul",
            "aug",
            "sep",
            "oct okt",
            "nov",
            "dec dez",
        ),
        1,
    )
    for name in names.split()
}
_WRITTEN: Final = re.compile(
    r"(?:(?P<a>[0-9]{1,2})(?P<sep>[/.\-])(?P<b>[0-9]{1,2})(?P=sep)(?P<y>[0-9]{4}|[0-9]{2})"
    r"|(?P<d>[0-9]{1,2})[\- ](?P<m>[^\W\d_]{3,9})[\- ,]{1,2}(?P<y2>[0-9]{4})"
    r"|(?P<m3>[^\W\d_]{3,9}) (?P<d3>[0-9]{1,2}),? (?P<y3>[0-9]{4})"
    r"|(?P<y4>[0-9]{4})[/.](?P<m4>[0-9]{1,2})[/.](?P<d4>[0-9]{1,2}))"
    r"(?:,?[ T](?P<h>[0-9]{1,2}):(?P<mi>[0-9]{2})(?::(?P<s>[0-9]{2})(?:\.[0-9]{1,6})?)?"
    r"(?: ?(?P<p>[AaPp])\.?[Mm]\.?)?)?"
    r"(?: ?(?P<z>[A-Za-z]{1,5}|[+-][0-9]{2}:?[0-9]{2}))?"
)
_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?))?"
)
_HALF_DAY: Final = re.compile(r"[AaPp]\.?[Mm]\b")
_EPOCH: Final = re.compile(r"[0-9]{10}(?:\.[0-9]{1,9})?|[0-9]{13}|[0-9]{16}")
_EPOCH_DIGITS: Final = {13: 1_000, 16: 1_000_000}  # milliseconds, microseconds
_RUN: Final = re.compile(
    r"(?:19|20|21)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9](?:[0-2][0-9][0-5][0-9](?:[0-5][0-9])?)?"
)
_TYPED_MAX: Final = 64
_RUN_FORMS: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


class Read(NamedTuple):
    """`zone`: the word that stood in the cell, empty where none did; None: it is an instant
    already."""

    at: datetime
    zone: str | None


def read_moment(text: str, order: Order) -> Read | None:
    """A date without a zone is naive. None for what is no date, and for a numbered one while
    `order` is not known."""
    if text[4:5] == "-":
        return _iso(text)
    if _EPOCH.fullmatch(text):
        seconds = float(text) / _EPOCH_DIGITS.get(len(text) * text.isdecimal(), 1)
        return Read(datetime.fromtimestamp(seconds, UTC), None)
    if text[:8].isdecimal():
        return _run(text)
    match = _WRITTEN.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        return None
    try:
        day = _day(match, order)
        hour = int(match["h"] or 0)
        if match["p"]:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if match["p"] in "pP" else 0)
        at = day.replace(hour=hour, minute=int(match["mi"] or 0), second=int(match["s"] or 0))
    except (ValueError, TypeError):
        return None
    return Read(at, match["z"] or "")


def typed_moment(text: str, zone: tzinfo = UTC) -> datetime | None:
    """Reads a moment as a person types it, on a keypad of digits too: `20261101`, `202611010830`.
    `zone`: of one without a zone. None for what has no reading, more than one, or is not of these
    days."""
    text = normalize("NFKC", text).strip() if len(text) <= _TYPED_MAX else ""
    if text.isdecimal() and len(text) not in _RUN_FORMS:
        return None
    read = read_moment(text, "")
    return of_these_days(read.at, zone) if read is not None and not read.zone else None


def typed_day(text: str) -> date | None:
    """Reads a day as `typed_moment`, of the years 2000 to 2199."""
    moment = typed_moment(text)
    return moment.date() if moment is not None and moment.year < 2200 else None


def _run(text: str) -> Read | None:
    """Digits alone, as NMI writes them: `20260301100000`; or ISO 8601 without its marks:
    `20260301T100000Z`."""
    if "T" in text:
        return _iso(text)
    if not _RUN.fullmatch(text):
        return None
    try:
        return Read(datetime.strptime(text, _RUN_FORMS[len(text)]), "")  # noqa: DTZ007
    except ValueError:
        return None


def _iso(text: str) -> Read | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        match = _ISO.match(text)
        rest = text[match.end() :].strip() if match is not None else ""
        if match is None or _HALF_DAY.match(
            rest
        ):  # 10:00 PM is no 10:00, whatever zone its column names
            return None
        try:
            return Read(datetime.fromisoformat(match[0]), rest)
        except ValueError:
            return None
    return Read(at, None if at.tzinfo is not None else "")


def _day(match: re.Match[str], order: Order) -> datetime:
    """Raises: ValueError, TypeError for a day that there is not."""
    if match["a"]:
        if not order:
            raise ValueError("day or month first is not known")
        first, second, year = int(match["a"]), int(match["b"]), int(match["y"])
        day, month = (first, second) if order == "day" else (second, first)
        # the zone follows
        return datetime(year if year > 99 else 2000 + year, month, day)  # noqa: DTZ001
    if match["y4"]:
        # the zone follows
        return datetime(int(match["y4"]), int(match["m4"]), int(match["d4"]))  # noqa: DTZ001
    name = (match["m"] or match["m3"]).lower()[:3]
    if name not in _MONTHS:
        raise ValueError("no month")
    year, day = int(match["y2"] or match["y3"]), int(match["d"] or match["d3"])
    return datetime(year, _MONTHS[name], day)  # noqa: DTZ001


class OrderEvidence:
    """Evidence whether a column's numbered dates have the day first: a number above 12 tells, or
    dots between them, before which no locale of CLDR writes the month. `example`: one that may be
    read both ways."""

    def __init__(self) -> None:
        self.day = self.month = self.example = ""

    def look(self, text: str) -> None:
        match = _WRITTEN.fullmatch(text)
        if match is None or not match["a"]:
            return
        first, second = int(match["a"]), int(match["b"])
        if first > 12 >= second or second <= 12 and match["sep"] == ".":
            self.day = self.day or text
        elif second > 12 >= first:
            self.month = self.month or text
        else:
            self.example = self.example or text

    @property
    def numbered(self) -> bool:
        return bool(self.day or self.month or self.example)

    def order(self) -> Order:
        """The column's; nothing where both fit, or the column has both."""
        if self.day and self.month or not self.numbered:
            return ""
        return "day" if self.day else "month" if self.month else ""


@cached(1_024)
def zone_named(name: str) -> tzinfo | None:
    """Zone of a name like Europe/Berlin, an offset like +02:00, or an abbreviation with one
    meaning."""
    word = name.strip()
    if word.upper() in _HOURS:
        return UTC if not _HOURS[word.upper()] else timezone(timedelta(hours=_HOURS[word.upper()]))
    if (match := _OFFSET.fullmatch(word)) is not None:
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        return (
            timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes))
            if minutes <= 15 * 60
            else None
        )
    if "/" not in word or word.startswith((".", "/")) or not word.isascii() or len(word) > 60:
        return None
    try:
        return ZoneInfo(word)
    except (LookupError, ValueError, OSError):
        return None


def instant(local: datetime, zone: tzinfo, before: datetime | None) -> datetime | None:
    """Instant in UTC. A local time that happens twice is the earlier, unless the line `before` it
    in the file happened after that; None for one that never happened, and for one that is not of
    the years 2000 to 2200."""
    at = of_these_days(local, zone)
    if at is None or isinstance(zone, timezone) or zone is UTC:
        return at
    if at.astimezone(zone).replace(tzinfo=None) != local:
        return None
    again = of_these_days(local.replace(fold=1), zone)
    if again is not None and again != at and before is not None and at < before <= again:
        return again
    return at
