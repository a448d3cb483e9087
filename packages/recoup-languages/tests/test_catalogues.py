"""Every language says everything that English says, and says it so that no page breaks."""

import ast
import re
from functools import cache
from string import Formatter

import pytest
from tests.rings import drawn, each

from recoup.checkout import visit as checkout_words
from recoup.kit.languages.catalogues import ENGLISH, accepted_language, catalogue, languages
from recoup.kit.languages.slots import faults
from recoup.people.page.templates import FILES, ROOT, _environment
from recoup.stablecoin.api.resource import TABLE
from recoup_languages import harvest

OTHERS = [language for language in languages() if language != ENGLISH]
AGAIN = "see scripts/make_languages.py: --lacks, translate, --take"


@cache
def harvested(kind: str) -> dict[str, None]:
    """Every module and template is read for it: once is enough."""
    return dict.fromkeys(getattr(harvest, kind)())


@each("language", OTHERS)
@each("kind", ["pages", "words"])
def test_nothing_lacks_and_nothing_is_left_over(language: str, kind: str) -> None:
    known, said = getattr(catalogue(language), kind), harvested(kind)
    assert [one for one in said if one not in known] == [], AGAIN
    assert [one for one in known if one not in said] == [], AGAIN


@pytest.mark.parametrize("language", OTHERS)
def test_every_translation_fits_its_message(language: str) -> None:
    known = catalogue(language)
    found = {one: faults(one, words) for one, words in (known.pages | known.words).items()}
    assert {one: wrong for one, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_chooses_by_words_that_a_page_fills_in(language: str) -> None:
    """The page filled in `continues` where the German still asked for `goes`: one open order, and
    "laufen weiter"."""
    asked = {
        word
        for words in catalogue(language).pages.values()
        for word in re.findall(r"\{\d+=([^?}]+)\?", words)
    }
    said = "".join(
        file.read_text()
        for file in sorted([*FILES.values(), *ROOT.glob("*/page.py"), *ROOT.glob("*/page/**/*.py")])
    )
    assert asked
    assert [word for word in sorted(asked) if f'"{word}"' not in said] == []


@drawn("docs", "language", languages(), 2)
def test_every_page_can_be_made(language: str) -> None:
    for name in FILES:
        _environment(language).get_template(name)


@pytest.mark.parametrize("language", OTHERS)
def test_dates(language: str) -> None:
    known = catalogue(language)
    assert (len(set(known.months)), len(set(known.weekdays))) == (12, 7)
    assert "2026" in known.day_and_year.format(day=1, month=known.months[0], year=2026)


@each(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("en;q=0.2, fr;q=0.9", "fr"),
        ("pt, zh-Hans-CN;q=0.1", "zh"),
        ("de;q=0, es;q=0.1", "es"),
        ("*", "en"),
        ("de;q=2", "en"),
        (",;,;q=", "en"),
        ("DE", "de"),
        ("x" * 9_000, "en"),
        ("de ; q=0.4", "de"),
    ],
)
def test_what_a_browser_asks_for(header: str, language: str) -> None:
    assert accepted_language(header) == language


@pytest.mark.parametrize("language", OTHERS)
def test_the_checkout_and_the_errors_of_the_api_are_whole(language: str) -> None:
    checkout = catalogue(language).checkout
    named = {
        "The card",
        *checkout_words.MONTHS,
        "{time} GMT, {day} {month}",
        "under a minute",
        "{number} hours",
    }
    texts = [file.read_text() for file in sorted(ROOT.glob("*/payer/*.html"))]
    said = {word for text in texts for word in re.findall(r'\bt\("([^"]+)"', text)}
    assert "Pay {amount} to {merchant}" in said
    assert (named | said) - checkout.keys() == set()
    assert [
        english for english, words in checkout.items() if fields_of(english) != fields_of(words)
    ] == []
    assert catalogue(language).errors.keys() == {code.code for code in TABLE.values()}


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_what_mails_say_is_in_the_catalogues() -> None:
    said = {
        "Invitation to {name}",
        "Stop these e-mails: {link}",
        "Your payment of {amount} to {shop}",
        "If this was not you, change your password now and check Sessions on your account page.",
    }
    assert said <= harvested("words").keys()


def test_whatever_is_said_to_a_locale_is_a_message_wherever_it_stands() -> None:
    tree = ast.parse(
        """def tell(to, name): return name, to.say("Good morning, {name}", name=name)"""
    )
    assert [text for root in harvest._spoken(tree) for text in harvest._texts(root)] == [
        "Good morning, {name}"
    ]


# (language, English term, what must not stand for it)
OTHER_WORDS = [
    ("de", "order", "Auftr[aä]g"),
    ("de", "on hold", "angehalten"),
    ("de", "dispute", "Anfechtung"),
    ("es", "rescue engine", "motor de rescate"),
    ("fr", "rescue engine", "moteur de sauvetage"),
    ("fr", "comparison group", "groupe témoin"),
    ("fr", "attempts?", "[Ee]ssais?"),
    ("fr", "merchants?", "(?<!ompte )(?<!omptes )marchands?"),
    ("zh", "site", "网站"),
]
# (language, beginning of the English sentence about an order, what must not stand for "it")
OF_ORDERS = [
    ("de", "You cancelled it.", r"\bih[nm]\b|\b[Ee]r\b"),
    ("de", "Next: ", r"\bih[nm]\b|\b[Ee]r\b"),
    ("de", "Nobody can let it go before", r"\bih[nm]\b|\bseine\b"),
]
KEPT = ("It is an order to the bank", "This form came from another site")


@each(("language", "term", "other"), OTHER_WORDS)
def test_one_english_term_has_one_translation(language: str, term: str, other: str) -> None:
    """An order was Auftrag on one page and Bestellung on the next."""
    known = catalogue(language)
    said = {
        one: words for one, words in (known.pages | known.words).items() if not one.startswith(KEPT)
    }
    assert any(re.search(rf"\b{term}\b", one) for one in said)
    assert [
        one
        for one, words in said.items()
        if re.search(rf"\b{term}s?\b", one) and re.search(rf"\b{other}", words)
    ] == []


@each(("language", "begins", "other"), OF_ORDERS)
def test_an_order_is_feminine_where_only_it_is_said(language: str, begins: str, other: str) -> None:
    said = {
        one: words for one, words in catalogue(language).words.items() if one.startswith(begins)
    }
    assert said
    assert [
        one for one, words in said.items() if re.search(other, words) and "won" not in one
    ] == []


def test_a_word_that_ends_a_sentence_alone_is_a_message() -> None:
    assert "Approved." in harvested("words")


def test_each_file_that_the_harvest_names_is_there() -> None:
    """A module that moves takes its texts along."""
    files = [
        str(path.relative_to(root))
        for root in (harvest.SOURCE, harvest.CONNECTORS.parent)
        for path in root.rglob("*.py")
    ]
    named = (*harvest._WORDY, *harvest._YET, *harvest._NOBODY, *harvest._FORMS)
    gone = {name for name in named if not any(name in file for file in files)}
    assert gone == set()
