"""Numbers are written as their reader does; what is no number stays as it was typed."""

import pytest
from tests.rings import each

from recoup.kernel.kept_sentence import keep, kept
from recoup.kernel.problem import Figure, Sentence
from recoup.kit.languages.locale import Locale
from recoup.kit.languages.numbers import as_read, number_of
from recoup.kit.languages.said import said

NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "−1,234.50"),
        ("de", "−1.234,50"),
        ("es", "−1.234,50"),
        ("fr", f"−1{NARROW}234,50"),
        ("zh", "−1,234.50"),
    ],
)
def test_a_number_has_the_marks_of_its_language(language: str, expected: str) -> None:
    assert number_of(language, "−1,234.50") == expected
    assert as_read(language, "−1,234.50 USD") == f"{expected} USD"
    assert (
        said(
            language, Sentence("{0} {1}", Figure("−1,234.50"), Sentence("{0}", Figure("−1,234.50")))
        )
        == f"{expected} {expected}"
    )


@each(
    "text",
    ["SUB-1,234.50", "10.0.0.1", "1,23", "01a1f8", "", "v1.2", "1.5 usd", "12,345.", "1" * 50],
)
def test_what_is_no_number_stays(text: str) -> None:
    assert as_read("de", text) == text


@each("name", ["7.11", "1,000", "24,000.50", "3"])
def test_a_name_that_looks_like_a_number_stays_as_it_is_called(name: str) -> None:
    assert said("de", Sentence("{0}: {1}", name, Figure("1,234.5"))) == f"{name}: 1.234,5"


def test_a_figure_is_one_still_after_it_was_kept() -> None:
    assert (
        said("de", kept(keep(Sentence("{0} of {1}", Figure("1,234.50"), "SUB-1,5"))))
        == "1.234,50 of SUB-1,5"
    )


def test_a_mail_writes_sums_as_its_reader_does_and_names_as_they_are_called() -> None:
    told = Locale("de").say(
        "Your payment of {amount} to {shop}", amount="1,234.50 EUR", shop="7.11"
    )
    assert "1.234,50 EUR" in told
    assert "7.11" in told
    listed = Locale("fr").say("Recovered {amounts}.", amounts="1,234.50 EUR, 1,000 JPY")
    assert f"1{NARROW}234,50 EUR, 1{NARROW}000 JPY" in listed
    assert "1,234.50" in Locale("zh").say("Recovered {amounts}.", amounts="1,234.50 EUR")
