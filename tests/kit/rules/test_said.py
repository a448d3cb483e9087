"""A sentence in another language: by its key, its parts in turn, and without a search."""

from datetime import UTC, date, datetime
from typing import NoReturn

import msgspec
import pytest
from tests.rings import each

from recoup.kernel.kept_sentence import keep, kept
from recoup.kernel.problem import NearDay, Problem, Sentence, joined, shaped
from recoup.kit.languages import said as module
from recoup.kit.languages.catalogues import catalogue
from recoup.kit.languages.said import said

WORDS = {
    "Refund {0} of {1}": "Erstattung {0} über {1}",
    "{amount} went back": "{amount} gingen zurück",
    "{0} order{1} wait.": "{0} {1=s?Aufträge warten|Auftrag wartet}.",
    "It waits.": "Es wartet.",
    "Nothing was done.": "Nichts wurde getan.",
    "First: {1}": "Zuerst: {1}",
    "{0} of {1}.": "{0} von {1}.",
    "the operator": "der Betreiber",
}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    def searched(language: str, text: str) -> NoReturn:
        raise AssertionError(f"{text!r} was searched for")

    german = msgspec.structs.replace(catalogue("de"), words=WORDS)
    monkeypatch.setattr(
        module, "catalogue", lambda code: german if code == "de" else catalogue(code)
    )
    monkeypatch.setattr(module, "said_by_shape", searched)


@each(
    ("sentence", "german"),
    [
        (Sentence("Refund {0} of {1}", 2, "10.00 USD"), "Erstattung 2 über 10,00 USD"),
        (shaped("{amount} went back", amount="1 USD"), "1 USD gingen zurück"),
        (Sentence("{0} order{1} wait.", 1, ""), "1 Auftrag wartet."),
        (Sentence("{0} order{1} wait.", 2, "s"), "2 Aufträge warten."),
        (
            Sentence("{0} of {1}. First: {1}", "1", "the operator"),
            "1 von der Betreiber. Zuerst: der Betreiber",
        ),
        (
            joined(("It waits.", Sentence("Refund {0} of {1}", 1, 2), "Mine.")),
            "Es wartet. Erstattung 1 über 2 Mine.",
        ),
        (
            Sentence("{0}: {1}", "a", "Nothing was done. It waits."),
            "a: Nichts wurde getan. Es wartet.",
        ),
        (Sentence("{0}{1}", "x", Sentence(" It waits.")), "x Es wartet."),
        (Sentence("{0} – {1}", date(2026, 11, 5), NearDay(2026, 12, 6)), "5. Nov. 2026 – 6. Dez."),
        (Sentence("Refund {0} of {1}", "{1} of {0}", r"\1"), r"Erstattung {1} of {0} über \1"),
        (Sentence("Unknown {0}.", "Refund 1 of 2"), "Unknown Refund 1 of 2."),
        (
            Problem("invalid", "Nothing was done.", cure="It waits.").sentence(),
            "Nichts wurde getan. Es wartet.",
        ),
    ],
)
def test_by_key(sentence: str, german: str) -> None:
    assert said("de", sentence) == german
    assert said("de", kept(keep(sentence))) == german
    assert said("en", sentence) == sentence


def test_a_moment_is_read_in_its_readers_zone_in_every_language() -> None:
    sentence = Sentence("Refund {0} of {1}", datetime(2026, 11, 20, 17, 30, tzinfo=UTC), "x")
    assert said("de", sentence, datetime.isoformat) == "Erstattung 2026-11-20T17:30:00+00:00 über x"
    assert said("en", sentence, datetime.isoformat) == "Refund 2026-11-20T17:30:00+00:00 of x"


def test_a_sentence_of_any_length_is_said_at_once() -> None:
    assert said("de", Sentence("Refund {0} of {1}", "x " * 100_000, 1)).endswith(" über 1")
