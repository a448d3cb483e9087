"""Days are written as the Unicode Consortium's locale data have them; Babel carries these data
here, not in service."""

from datetime import date, timedelta

import pytest
from babel import Locale
from babel.dates import format_date

from recoup.checkout.visit import MONTHS
from recoup.kit.languages.catalogues import ENGLISH, catalogue, languages
from recoup.kit.languages.dates import day_of, weekday_of

_DAYS = [date(2026, month, day) for month in range(1, 13) for day in (1, 9, 20)]
_OTHERS = [language for language in languages() if language != ENGLISH]


@pytest.mark.parametrize("language", _OTHERS)
def test_a_day_is_written_as_its_language_writes_it(language: str) -> None:
    shapes = Locale.parse(language).datetime_skeletons
    for day in _DAYS:
        assert day_of(language, day, with_year=True) == format_date(
            day, shapes["yMMMd"], locale=language
        )
        assert day_of(language, day, with_year=False) == format_date(
            day, shapes["MMMd"], locale=language
        )


@pytest.mark.parametrize("language", _OTHERS)
def test_a_day_of_the_week_is_short_as_its_language_has_it(language: str) -> None:
    names = Locale.parse(language).days["format"]["short" if language == "de" else "abbreviated"]
    for day in (date(2026, 11, 16) + timedelta(days=number) for number in range(7)):
        assert weekday_of(language, day) == names[day.weekday()].removesuffix(
            "." if language == "de" else ""
        )


def test_english_has_the_day_before_the_month_and_its_short_names() -> None:
    names = Locale.parse("en").months["format"]["abbreviated"]
    for day in _DAYS:
        assert day_of(ENGLISH, day, with_year=True) == f"{day.day} {names[day.month]} {day.year}"


@pytest.mark.parametrize("language", _OTHERS)
def test_the_checkout_names_months_as_the_language_does(language: str) -> None:
    kind = (
        "abbreviated" if language == "zh" else "wide"
    )  # in figures, as a date in a sentence has them
    names = Locale.parse(language).months["format"][kind]
    words = catalogue(language).checkout
    assert [words.get(month, month) for month in MONTHS] == [
        names[number] for number in range(1, 13)
    ]
