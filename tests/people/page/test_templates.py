"""A door goes on by the templates that it began with, whatever becomes of the files beneath it."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recoup.kernel.problem import Figure, Sentence
from recoup.main.portal import declared
from recoup.people.page.templates import FILES, _environment, ago


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_file_is_read_once_the_process_runs(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    made = _environment.__wrapped__(language)
    names = list(FILES)

    def replaced(*_: object, **__: object) -> str:
        raise AssertionError("read while running")

    for way in ("open", "read_text", "read_bytes"):
        monkeypatch.setattr(Path, way, replaced)
    monkeypatch.setattr("builtins.open", replaced)
    for name in names:
        assert made.get_template(name).filename == name
    assert len(names) > 100


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "under a minute ago"),
        (-130, "2 h 10 min ago"),
        (-1440 * 3, "3 days ago"),
        (90, "1 h 30 min from now"),
        (1440, "1 day from now"),
    ],
)
def test_how_long_ago_stands_beside_a_moment(minutes: int, said: str) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert ago(now + timedelta(minutes=minutes), now) == said


def test_what_a_template_forgets_to_say_is_said() -> None:
    page = _environment("de").from_string("{{ sentence }} · {{ rate }} · {{ name }} · {{ known }}")
    sentence = Sentence(
        "The processor sends {0} back to {1}. Banks show it after a few days.", "450.00 USD", "7.11"
    )
    shown = page.render(sentence=sentence, rate=Figure("72.7 %"), name="7.11", known="Returned")
    assert shown.startswith("Der Prozessor sendet 450,00 USD an 7.11 zurück. ")
    assert shown.endswith(" · 72,7 % · 7.11 · Returned")


def test_no_template_glues_a_small_word_to_a_sentence() -> None:
    """`count ~ " orders"`: the harvest takes a single small word for a name,
    and it stays English."""
    glued = {
        name: words
        for name, file in FILES.items()
        for shown in re.findall(r"\{[{%](?:(?![}%]\}).)*~(?:(?![}%]\}).)*[}%]\}", file.read_text())
        if (words := re.findall(r'"( [a-z]{2,}|[a-z]{2,} )"', shown))
    }
    assert glued == {}


def test_what_a_template_reads_of_its_pages_module_stands_there() -> None:
    files = {name: file.read_text() for name, file in FILES.items()}
    declared()
    complaints = [
        f"{name}, of {module.__name__}: {word}"
        for module in [
            one
            for name, one in sys.modules.items()
            if ".page" in name and name.startswith("recoup.")
        ]
        for page in re.findall(r'"([\w/]+\.html)"', Path(module.__file__ or "").read_text())
        for name in _drawn_in(page, files)
        for word in re.findall(r"(?<![\w.])module\.(\w+)", files[name])
        if not hasattr(module, word)
    ]
    assert complaints == []


def _drawn_in(name: str, files: dict[str, str]) -> set[str]:
    """The template and all that it includes or extends."""
    found, left = set[str](), [name]
    while left:
        one = left.pop()
        if one not in found and one in files:
            found.add(one)
            left += re.findall(r'(?:include|extends|import) "([\w/]+\.html)"', files[one])
    return found
