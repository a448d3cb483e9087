"""Templates say the same in another language: what a message is, what stays, and that nothing else
changes."""

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment
from tests.rings import each

from recoup.kit.languages.page_text import messages, translated
from recoup.people.page.templates import FILES, FOLDER

TEMPLATES = sorted(FILES.values(), key=str)


@each("file", TEMPLATES)
def test_without_a_catalogue_a_template_stays_as_it_is(file: Path) -> None:
    source = file.read_text()
    assert translated(source, {}) == source


@each(
    ("source", "message"),
    [
        ("<p>Nothing yet.</p>", "Nothing yet."),
        ("<p>\n  Two\n  lines </p>", "Two lines"),
        ("<p>{{ n }} of {{ all }} shown</p>", "{0} of {1} shown"),
        ('<p>Send <a href="/x?a={{ b }}">one</a> now.</p>', "Send <0>one</0> now."),
        ('<a href="/x">Alone</a>', "Alone"),
        ("<b>One</b> <b>Two</b>", "One"),
        ("{{ parts.icon('bell') }}Bell", "Bell"),
        ("""<script src="/x.js" data-say-some="{{ '{}' }} chosen"></script>""", "{0} chosen"),
        ('<input aria-label="Find {{ what }}">', "Find {0}"),
        ('<b title="{% if a %}Why not{% endif %}">x</b>', "Why not"),
        ('{{ "In words" if a == "b c" else "" }}', "In words"),
        ('{% set all = {"key": "A value"} %}', "A value"),
        ('<a href="{{ link("/x") }}" class="{{ "on off" if a else "b" }}">Go on</a>', "Go on"),
    ],
)
def test_what_a_message_is(source: str, message: str) -> None:
    assert messages(source)[-1 if "class=" in source else 0] == message


@each(
    "source",
    [
        "<p>{{ n }}</p>",
        "<p>·</p>",
        "{# A comment #}",
        "<script>let a = 'Some words'</script>",
        '{% include "a/b.html" %}',
        '{% if a == "Some words" %}{% endif %}',
        '{{ a["Some words"] }}',
        '<a class="Some words"></a>',
        "{{ 1 }}",
    ],
)
def test_what_is_none(source: str) -> None:
    assert messages(source) == []


@pytest.mark.parametrize(
    ("source", "known", "shown"),
    [
        (
            "<p>{{ n }} order{{ '' if n == 1 else 's' }}</p>",
            {"{0} order{1}": "{0} {1=s?Aufträge|Auftrag}"},
            ("<p>1 Auftrag</p>", "<p>2 Aufträge</p>"),
        ),
        (
            "<p>In {{ n }} <b>days</b>: {{ name }}</p>",
            {"In {0} <0>days</0>: {1}": "{1} in <0>Tagen</0>, {0}"},
            ("<p>&lt;i&gt; in <b>Tagen</b>, 1</p>", "<p>&lt;i&gt; in <b>Tagen</b>, 2</p>"),
        ),
        (
            '<i title="{{ "One" if n == 1 else "Some \'quoted\'" }}">x</i>',
            {"One": "Eins"},
            ('<i title="Eins">x</i>', '<i title="Some &#39;quoted&#39;">x</i>'),
        ),
        (
            "{{ n }} per {{ period|said }}",
            {"{0} per {1}": "{0} je {1=day?Tag|}"},
            ("1 je Tag", "2 je Tag"),
        ),
    ],
)
def test_a_translation_moves_leaves_out_and_chooses(
    source: str, known: dict[str, str], shown: tuple[str, str]
) -> None:
    made = Environment(autoescape=True)
    made.filters["said"] = str.upper
    page = made.from_string(translated(source, known))
    values: dict[str, Any] = {"name": "<i>", "period": "day"}
    assert (page.render(n=1, **values), page.render(n=2, **values)) == shown


@each("file", sorted((FOLDER / "static").glob("*.js")))
def test_scripts_say_only_what_the_page_gave_them(file: Path) -> None:
    shown = re.findall(
        r"(?:textContent|title) = (.*);|setAttribute\(\"aria-label\", (.*)\);", file.read_text()
    )
    literals = [
        text for pair in shown for one in pair for text in re.findall(r"\"[^\"]*\"|`[^`]*`", one)
    ]
    assert [text for text in literals if re.search("[A-Za-z]", re.sub(r"\$\{.*\}", "", text))] == []
