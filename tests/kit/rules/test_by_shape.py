"""Finished sentences in another language: by shape, one by one, and never what is unknown."""

from collections.abc import Iterator

import pytest
from tests.rings import each

from recoup.kit.languages import said as module
from recoup.kit.languages.catalogues import Catalogue
from recoup.kit.languages.said import said

WORDS = {
    "Nothing was done.": "Nichts wurde getan.",
    "Refund {0} of {1}": "Erstattung {0} über {1}",
    "{0} of {1}": "{0} von {1}",
    "{0} day{1}": "{0} {1=s?Tage|Tag}",
    "It is {0}": "{0=on?Es läuft|Es steht}",
    "on": "an",
    "It waits {0}.": "Es wartet {0}.",
    "{amount} went back to the payer": "{amount} gingen an den Zahler zurück",
    "the operator": "der Betreiber",
    "asked by {0}": "gefragt von {0}",
    "Posted: {0}": "Gebucht: {0}",
    "taken back": "zurückgeholt",
}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "catalogue", lambda _: Catalogue({}, WORDS, "", "", [], []))
    forget()
    yield
    forget()


def forget() -> None:
    """What was said by another catalogue, in other tests too."""
    module._said.cache_clear()
    module._shapes.cache_clear()


@each(
    ("text", "expected"),
    [
        ("Nothing was done.", "Nichts wurde getan."),
        ("Refund 2 of 10.00 USD", "Erstattung 2 über 10,00 USD"),
        ("3 of 4", "3 von 4"),
        ("1 day", "1 Tag"),
        ("It is on", "Es läuft"),
        ("It is off", "Es steht"),
        ("51: aim at a pay day", "51: aim at a pay day"),
        ("the operator, 40.00 USD the operator", "der Betreiber, 40,00 USD der Betreiber"),
        ("the operator, nobody", "the operator, nobody"),
        ("Nothing was done.; 22 days", "Nichts wurde getan.; 22 Tage"),
        ("Nothing was done.; nobody", "Nothing was done.; nobody"),
        ("22 days", "22 Tage"),
        ("Demo days", "Demo days"),
        ("It waits 3 days. Nothing was done.", "Es wartet 3 Tage. Nichts wurde getan."),
        ("Posted: 5.00 USD taken back", "Gebucht: 5,00 USD zurückgeholt"),
        ("Posted: 5.00 USD and more", "Gebucht: 5.00 USD and more"),
        ("10.00 USD went back to the payer", "10,00 USD gingen an den Zahler zurück"),
        ("asked by the operator", "gefragt von der Betreiber"),
        ("Nobody knows this. Nothing was done.", "Nobody knows this. Nichts wurde getan."),
        (" Nothing was done. ", " Nichts wurde getan. "),
        ("", ""),
    ],
)
def test_sentences(text: str, expected: str) -> None:
    assert said("de", text) == expected
    assert said("en", text) == text


def test_what_is_filled_in_is_never_read_as_a_shape() -> None:
    assert said("de", r"Refund {1} of \1 {0}") == r"Erstattung {1} über \1 {0}"


def test_a_text_longer_than_any_of_ours_stays_as_it_is() -> None:
    """To look for the shape of 20,000 characters took 16 seconds, in which nobody else was
    answered."""
    filled = "Refund {} of a".format("x " * 700)
    assert said("de", filled).startswith("Erstattung x x")
    for long in (f"Refund {'x ' * 10_000}of a", f"Nothing was done. {'x ' * 1_000}"):
        assert said("de", long) == long
