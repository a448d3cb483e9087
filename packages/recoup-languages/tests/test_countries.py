"""Which language a country reads: one of ours, and where that is not plain English."""

from tests.rings import each

from recoup.kit.languages.catalogues import language_in


@each(
    ("country", "language"),
    [
        ("DE", "de"),
        (" at ", "de"),
        ("MX", "es"),
        ("FR", "fr"),
        ("CN", "zh"),
        ("US", "en"),
        ("GB", "en"),
        ("CH", "en"),
        ("BE", "en"),
        ("CA", "en"),
        ("TW", "en"),
        ("", "en"),
        ("Germany", "en"),
        ("{0}", "en"),
    ],
)
def test_nothing_is_guessed(country: str, language: str) -> None:
    assert language_in(country) == language
