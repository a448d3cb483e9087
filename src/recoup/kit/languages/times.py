"""Moments as pages show them, in the zone that their header names."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from recoup.kernel.problem import NearDay, Sentence
from recoup.kit.languages.catalogues import ENGLISH
from recoup.kit.languages.dates import day_of

# What a field for a zone proposes; any other may be typed.
COMMON: Final = (
    "GMT", "Europe/London", "Europe/Lisbon", "Europe/Berlin", "Europe/Paris", "Europe/Madrid",
    "Europe/Warsaw", "Europe/Athens", "Europe/Istanbul", "Africa/Cairo", "Africa/Johannesburg",
    "Africa/Lagos", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Bangkok", "Asia/Singapore",
    "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Australia/Sydney", "Pacific/Auckland",
    "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Toronto", "America/Mexico_City", "America/Bogota",
)  # fmt: skip


class Times:
    """Times as a page shows them. `now` decides which year goes without saying, `language` how a
    month is called."""

    def __init__(self, zone: str, now: datetime, language: str = ENGLISH) -> None:
        self.name, self._language = zone, language
        self._zone = ZoneInfo(zone)
        self._year = now.astimezone(self._zone).year

    @property
    def short(self) -> str:
        """Zone for a header's cell: `GMT`, `Berlin`."""
        return self.name.rpartition("/")[2].replace("_", " ")

    def when(self, moment: datetime, *, seconds: bool = False) -> str:
        """`20 Nov 06:39`, with the year when it is another than now's."""
        local = moment.astimezone(self._zone)
        clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
        return f"{day_of(self._language, local, with_year=local.year != self._year)} {clock}"

    def part(self, moment: datetime) -> Sentence:
        """The same, to be filled into a sentence."""
        local = moment.astimezone(self._zone)
        day = date if local.year != self._year else NearDay
        return Sentence("{0} {1}", day(local.year, local.month, local.day), f"{local:%H:%M}")

    def full(self, moment: datetime) -> str:
        """`2026-10-25 02:30:00 CET, UTC+01:00`: also the hour that comes twice is clear."""
        local = moment.astimezone(self._zone)
        if self.name == "GMT":
            return f"{local:%Y-%m-%d %H:%M:%S} GMT"
        offset = local.strftime("%z")
        return f"{local:%Y-%m-%d %H:%M:%S} {local:%Z}, UTC{offset[:3]}:{offset[3:5]}"

    def file(self, moment: datetime) -> str:
        """Moment for a file: ISO 8601 with the zone's offset, to the second."""
        return moment.astimezone(self._zone).isoformat(timespec="seconds")
