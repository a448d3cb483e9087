"""Somebody's language and zone, and what our code says to them: a shape in English, filled in once
it is translated."""

from datetime import date, datetime
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kit.languages.catalogues import ENGLISH, catalogue, or_english
from recoup.kit.languages.dates import day_of, moment_of
from recoup.kit.languages.numbers import figures_of
from recoup.kit.languages.said import said
from recoup.kit.languages.slots import ENDS, filled
from recoup.kit.local_time import GMT

# What is filled in under these names is a number, a sum or a share, in English.
FIGURES: Final = frozenset((
    "amount", "amounts", "other", "count", "rate", "was", "now", "tries", "days", "expected",
    "declined", "rescued", "engine", "holdout", "low", "high", "ratio", "least", "least_ratio",
))  # fmt: skip


@frozen
class Locale:
    language: str = ENGLISH
    zone: str = GMT

    @property
    def lang(self) -> str:
        """The language of what is said, for `<html lang>`."""
        return or_english(self.language)

    def say(self, text: str, **values: str) -> str:
        """Says it sentence by sentence, as the catalogue has them. Values of FIGURES are written as
        its reader does; others stay as they are: they may be anybody's words."""
        known = catalogue(self.language).words
        values = {
            name: figures_of(self.language, value) if name in FIGURES else value
            for name, value in values.items()
        }
        return filled(" ".join(known.get(part, part) for part in ENDS.split(text)), values)

    def said(self, text: str) -> str:
        """Says in this language what another part of our code has filled in already."""
        return said(self.language, text, self.moment)

    def day(self, day: date) -> str:
        """`20 Nov 2026`."""
        return day_of(self.language, day, with_year=True)

    def moment(self, moment: datetime) -> str:
        """`20 Nov 2026 17:30 Asia/Kolkata`."""
        return moment_of(self.language, moment, self.zone)


PLAIN: Final = Locale()
