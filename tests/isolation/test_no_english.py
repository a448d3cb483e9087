"""Every page in Chinese: whatever has three words in Latin letters was not translated."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from tests.isolation.ground import Ground, opened_ground
from tests.isolation.table import TABLE
from tests.isolation.test_every_route import APIS, Stranger, request_of

from recoup.db.server import ServerAddress
from recoup.people.page.endpoint import COOKIE

_ELSEWHERE = (
    *APIS,
    "/docs",
    "/static",
    "/charge",
    "/checkout",
)  # English, or with words of their own
_PAGES_MIN = 60

_VOID = frozenset(
    {
        "meta",
        "link",
        "input",
        "br",
        "img",
        "hr",
        "path",
        "use",
        "circle",
        "rect",
        "line",
        "wbr",
        "col",
    }
)
# Shown as it is in every language: code, files, and what people typed.
_AS_IT_IS = frozenset({"pre", "code", "kbd", "bdi", "script", "style", "svg", "textarea"})
_SPOKEN = frozenset({"title", "aria-label", "placeholder", "alt", "label"})


class _Texts(HTMLParser):
    """What a page says: its texts, and the attributes that are shown or read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not _AS_IT_IS & {*self._open, tag}:
            said = (
                (name, value)
                for name, value in attrs
                if name in _SPOKEN or name.startswith("data-say-")
            )
            self.found += [value for _, value in said if value]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not _AS_IT_IS & {*self._open}:
            self.found.append(data)


# What stays English (decision 0040): names of the ground, and names of fields and of channels.
_STAYS = ("second from units", "Mock direct (test)")
_NAMES = (
    r"(?:\S+ at )?\S*(?:zzmark|yyother"
    r"|house\.example)\S*(?: (?:Tea|Ltd|Partner|Spare|Second|shop|campaign)\b)?"
)
_STAYING = re.compile("|".join([_NAMES, *map(re.escape, sorted(_STAYS, key=len, reverse=True))]))
_ENGLISH = re.compile(r"(?:[A-Za-z][\w'’-]*[,;:.!?)]*\s+[(\"']*){2,}[A-Za-z][\w'’-]*")


def english_in(page: str) -> list[str]:
    """Three words or more in Latin letters, where a page is in Chinese."""
    texts = _Texts()
    texts.feed(page)
    runs = [
        found[0] for text in texts.found for found in _ENGLISH.finditer(_STAYING.sub("§", text))
    ]
    return [run for run in runs if re.search(r"[a-z]{2}", run)]


@pytest.fixture(scope="module")
def ground(server: ServerAddress) -> Iterator[Ground]:
    with opened_ground(server) as made:
        yield made


def _pages(ground: Ground) -> Iterator[tuple[str, str]]:
    """Every page of the portal as the one whose it is reads it in Chinese: address and HTML."""
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
            asked["headers"] |= {"accept-language": "zh"}
            answer = ground.call(**asked)
            if 'lang="zh"' in answer.text:
                yield key[1], answer.text


def test_no_page_in_chinese_has_an_english_sentence(ground: Ground) -> None:
    pages = dict(_pages(ground))
    assert len(pages) > _PAGES_MIN, "the walk has lost its pages"
    left = {path: found for path, page in pages.items() if (found := english_in(page))}
    assert not left, "mark it |said, or let the harvest find it: decision 0040\n" + "\n".join(
        map(str, left.items())
    )


@pytest.mark.parametrize(
    "planted",
    [
        "<p>订单 The money is still owed.</p>",
        '<a title="退款 no. 1, three days ago">1</a>',
        "<p>由 the operator (of Recoup) 决定</p>",
        "<p>被拒：not sufficient funds（代码 51）</p>",
    ],
    ids=range(4),
)
def test_the_walk_finds_an_english_sentence(planted: str) -> None:
    assert english_in(f"<main>{planted}</main>")


@pytest.mark.parametrize(
    "fine",
    [
        "<p>zzmark Tea · Recoup · Sandbox</p>",
        "<bdi>what the customer typed</bdi>",
        "<p>Webhook order.completed 失败</p>",
        "<pre>curl -X POST that</pre>",
        "<p>由 owner at zzmark.example 批准</p>",
    ],
    ids=range(5),
)
def test_what_stays_english_is_let_through(fine: str) -> None:
    assert english_in(f"<main>{fine}</main>") == []
