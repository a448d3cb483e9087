"""Every page in German, French and Spanish: no English sentence, no word that has a translation, no
English date.

The sister of `test_no_english`, which knows English by its letters. Here it is known by words that
none of the three has, and by what the catalogues say otherwise.
"""

import re
from collections.abc import Iterator

import pytest
from tests.isolation.ground import Ground, opened_ground
from tests.isolation.table import TABLE
from tests.isolation.test_every_route import Stranger, request_of
from tests.isolation.test_no_english import _ELSEWHERE, _NAMES, _PAGES_MIN, _Texts
from tests.rings import each

from recoup.db.server import ServerAddress
from recoup.kit.languages.catalogues import catalogue
from recoup.people.page.endpoint import COOKIE

_SPOKEN = ("de", "fr", "es")
# Of English alone: none is a word of German, French or Spanish, nor of a name that stands on a
# page.
_FUNCTION_WORDS = re.compile(
    r"(?<![\w./-])(?:the|of|is|with|from|and|this|that|these|are"
    r"|by|to|for|not|its|been|has|have|which|who|whose|nothing"
    r"|nobody|somebody|again|until|after|before|because|yet"
    r"|they|their|your|you|were|funds|stolen|lost|honor|honour"
    r"|expired|exceeds|invalid|refused|declined|unknown|closed|issuer)(?![\w./-])",
    re.I,
)
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATES = re.compile(
    rf"\b\d{{1,2}} (?:{_MONTHS})\b(?!\.)|\b(?:{_MONTHS})\.? \d{{1,2}}\b(?!:)"
    r"|\b(?:January|February|March|May|June|July"
    r"|October|December) \d{1,4}\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:day)?,? \d"
)
# A share, a sum or a difference with an English point; in each of the three it has a comma.
_NUMBERS = re.compile(
    r"(?<![\w.,:/-])(?:\d+(?:,\d{3})*\.\d{1,2}(?= ?%| [A-Z]{3}\b)"
    r"|[+\N{MINUS SIGN}]\d+(?:,\d{3})*\.\d{1,2}(?![\d.,]))"
)
_STAYING = re.compile(rf"{_NAMES}|second from units|valid from")  # names, and fields of the logs


def english_in(page: str, language: str) -> list[str]:
    texts = _Texts()
    texts.feed(page)
    words = catalogue(language).words
    found = []
    for text in (" ".join(_STAYING.sub("§", one).split()) for one in texts.found):
        plain = text.strip(" ·,:;.")
        is_english = any(one.search(text) for one in (_FUNCTION_WORDS, _DATES, _NUMBERS))
        if is_english or words.get(plain, plain) != plain:
            found.append(text)
    return found


@each(
    ("language", "planted"),
    [
        ("de", "<p>Auftrag: the money is still owed</p>"),
        ("de", "<p>Bis 15 Dec 23:25</p>"),
        ("fr", "<p>Dec 3, 2026</p>"),
        ("es", "<p>Refunded</p>"),
        ("fr", "<td>not sufficient funds</td>"),
        ("es", '<a title="stolen card">05</a>'),
        ("de", "<p>March 3</p>"),
        ("de", "<p>Tue 3</p>"),
        ("de", "<p>Quote: 72.7 %</p>"),
        ("fr", "<p>Il reste 1,078.00 USD</p>"),
        ("es", "<p>+1.5 puntos</p>"),
    ],
)
def test_the_walk_finds_english(language: str, planted: str) -> None:
    assert english_in(f"<main>{planted}</main>", language)


@each(
    ("language", "fine"),
    [
        ("de", "<p>Bis 15. Dez. 23:36</p>"),
        ("de", "<p>20. Nov. 2026</p>"),
        ("es", "<p>Aprobar 1,00 USD</p>"),
        ("de", "<p>Code 13.1: 1.078,00 USD, 72,7 %, 4.758 KWD</p>"),
        ("fr", "<p>Code 05 · Visa · Recoup · Sandbox</p>"),
        ("de", "<bdi>what the customer typed</bdi>"),
        ("es", "<p>15 dic 23:36</p>"),
        ("fr", "<p>Webhook order.completed</p>"),
        ("de", "<code>curl the door</code>"),
    ],
)
def test_what_is_no_english_is_let_through(language: str, fine: str) -> None:
    assert english_in(f"<main>{fine}</main>", language) == []


@pytest.fixture(scope="module")
def ground(server: ServerAddress) -> Iterator[Ground]:
    with opened_ground(server) as made:
        yield made


def pages(ground: Ground, language: str) -> Iterator[tuple[str, str]]:
    """Every page of the portal as the one whose it is reads it: address and HTML."""
    whose = {
        "operator": ground.operator[0],
        "seat": ground.a.sessions["partner owner"][0],
        "anyone": "",
    }
    for key, line in TABLE.items():
        if key[0] == "GET" and not key[1].startswith(_ELSEWHERE):
            cookie = whose.get(line.whose, ground.a.sessions["owner"][0])
            asked = request_of(
                ground, key, line, Stranger("reader", {"cookie": f"{COOKIE}={cookie}"})
            )
            asked["headers"] |= {"accept-language": language}
            answer = ground.call(**asked)
            if f'lang="{language}"' in answer.text:
                yield key[1], answer.text


@pytest.mark.parametrize("language", _SPOKEN)
def test_no_page_has_english_reasons_codes_or_dates(ground: Ground, language: str) -> None:
    read = dict(pages(ground, language))
    assert len(read) > _PAGES_MIN, "the walk has lost its pages"
    left = {path: found for path, page in read.items() if (found := english_in(page, language))}
    assert not left, "mark it |said, or let the harvest find it: decision 0040\n" + "\n".join(
        map(str, left.items())
    )
