"""Markdown files as parts of a page: tables that scroll, headings that can be linked to, links that
stay inside."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from recoup.docs.guides import Rendered, Section

_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.S)
_PLAIN: Final = re.compile(r"[^\w\- ]")
# Where a link leads, or None for what these pages do not hold: its words stay.
Place = Callable[[str], str | None]


class _Renderer(RendererHTML):
    """Pictures stand where `place` knows them; elsewhere the words around them say the same."""

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return (
            super()
            .fence(tokens, idx, options, env)
            .replace("<pre>", '<pre class="code" tabindex="0">', 1)
        )

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="scroll" tabindex="0"><table>\n'

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return super().image(tokens, idx, options, env) if tokens[idx].attrGet("src") else ""

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return (
            super()
            .code_block(tokens, idx, options, env)
            .replace("<pre>", '<pre class="code" tabindex="0">', 1)
        )

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A header without a word heads nothing: it is a cell."""
        if not tokens[idx + 1].content:
            tokens[idx].tag = tokens[idx + 2].tag = "td"
        return self.renderToken(tokens, idx, options, env)

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"


_WORDS: Final = MarkdownIt("commonmark", {"html": False})


def rendered(text: str, place: Place) -> Rendered:
    """Raw HTML is shown, never passed on; comments are dropped."""
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = markdown.parse(_COMMENT.sub("", text))
    title, tokens = _title(tokens)
    sections = _anchored(tokens)
    for token in tokens:
        token.children = _relinked(token.children, place) if token.children else token.children
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Rendered(title, str(html), tuple(sections))


def inline(text: str) -> str:
    """Renders one line of a description."""
    return str(_WORDS.renderInline(text))


def paragraphs(text: str) -> str:
    return str(_WORDS.render(text))


def slug(text: str) -> str:
    """Anchor of a heading, as the usual Markdown hosts make them, so that links work there and
    here."""
    return _PLAIN.sub("", text.lower()).strip().replace(" ", "-")


def _title(tokens: list[Token]) -> tuple[str, list[Token]]:
    if tokens and tokens[0].tag == "h1":
        return _words(tokens[1]), tokens[3:]
    return "", tokens


def _anchored(tokens: list[Token]) -> list[Section]:
    """Gives each heading its id; what stands below which."""
    sections = [Section("", "", "")]
    seen: dict[str, int] = {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            title = _words(tokens[at + 1])
            number = seen[slug(title)] = seen.get(slug(title), -1) + 1
            anchor = slug(title) + (f"-{number}" if number else "")
            token.attrSet("id", anchor)
            sections.append(Section(anchor, title, ""))
        elif token.type == "inline" and tokens[at - 1].type != "heading_open":
            last = sections[-1]
            sections[-1] = Section(last.anchor, last.title, f"{last.text} {_words(token)}".strip())
    return sections


def _words(inline: Token) -> str:
    return "".join(
        child.content or " " * (child.type == "softbreak") for child in inline.children or ()
    )


def _relinked(children: list[Token], place: Place) -> list[Token]:
    kept: list[Token] = []
    dropping = False
    for child in children:
        if child.type == "link_open":
            target = place(str(child.attrGet("href") or ""))
            dropping = target is None
            if target is not None:
                child.attrSet("href", target)
        if child.type == "image":
            child.attrSet("src", place(str(child.attrGet("src") or "")) or "")
        if not (dropping and child.type in ("link_open", "link_close")):
            kept.append(child)
        dropping = dropping and child.type != "link_close"
    return kept
