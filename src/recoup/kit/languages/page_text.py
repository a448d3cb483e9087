"""Messages of a template to its reader, found in its source, and the same source saying it in
another language.

A message is what stands between two tags that begin something new: `{0}` is the first expression in
it, `<0>…</0>` the first tag that only marks words. A translation may move both, leave expressions
out, and choose by what one would have said: `{1=s?Bestellungen|Bestellung}`. Words in quotes inside
expressions are messages of their own. What a button says is an `Act`: English has one word for
"open this" and "this is open", other languages have two.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from recoup.kit.languages.slots import MARK, SLOT

_TOKEN: Final = re.compile(
    r"(?P<comment>\{#.*?#\}|<!--.*?-->)|(?P<statement>\{%.*?%\})|(?P<shown>\{\{.*?\}\})"
    r"|(?P<tag></?[a-zA-Z!](?:\{\{.*?\}\}|\{%.*?%\}"
    r"|\"(?:\{\{.*?\}\}|\{%.*?%\}|[^\"])*\"|'[^']*'|[^>\"'{])*>)",
    re.S,
)
_MARKS: Final = frozenset(
    {"a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "q", "strong", "time"}
)
# What draws a part of its own.
_APART: Final = re.compile(
    r"\{\{\s*(parts\.(?!time|day|amount|id)|self\.|super\b|caller\b|why\b|field\b|menu\b|switch\b)"
)
_SPOKEN: Final = re.compile(
    r"(\s(?:aria-label|title|placeholder|alt|label|data-l|data-say-[a-z-]+)=\")"
    r"((?:\{\{.*?\}\}|\{%.*?%\}|[^\"])*)\"",
    re.S,
)
_QUOTED: Final = re.compile(r"\"([^\"\\]*)\"|'([^'\\]*)'")
_COMPARED: Final = ("==", "!=", "[", " in", "strftime(", "join(", "attr(")
_NO_WORDS: Final = re.compile(r"[/<>=#_%@]|\.(html|css|js|csv|json)\b|^[A-Z]+$|^\w+:$")
_NAME: Final = re.compile(r"[a-z0-9-]+")
_BEFORE_WORDS: Final = ("{{", "~", " or", " else")
_AFTER_WORDS: Final = ("if ", "~")
_CODE: Final = re.compile(r"=\s*\"|\}\}|^[A-Z]+ /\S+$")
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")


class _Piece(NamedTuple):
    """`kind`: text, shown, open, close, or apart: what no message goes across. `plain`: an
    expression before its own words are said."""

    kind: str
    source: str
    plain: str = ""


Say = Callable[[str], str | None]
ACT: Final = "act|"
_ACT: Final = re.compile(r"<(?:button|summary)\b|<a\s[^>]*class=\"btn\b")


class Act(str):
    """Message of a button. A catalogue has it under `ACT` where it also stands elsewhere."""

    __slots__ = ()


def messages(source: str) -> list[str]:
    """Every message of a template, in the order in which they stand there."""
    messages_said: list[str] = []
    _walked(source, messages_said.append)
    return list({(type(message), message): message for message in messages_said}.values())


def translated(source: str, catalogue: Mapping[str, str]) -> str:
    """The template in the catalogue's language; what the catalogue lacks stays as it is."""
    return _walked(
        source,
        lambda text: isinstance(text, Act) and catalogue.get(ACT + text) or catalogue.get(text),
    )


def _walked(source: str, say: Say) -> str:
    parts: list[str] = []
    run: list[_Piece] = []
    before = ""
    for piece in _pieces(source, say):
        if piece.kind == "apart":
            parts += [_run(run, _within(before, say)), piece.source]
            run, before = [], piece.source
        else:
            run.append(piece)
    return "".join([*parts, _run(run, _within(before, say))])


def _within(tag: str, say: Say) -> Say:
    return (lambda text: say(Act(text))) if _ACT.match(tag) else say


def _pieces(source: str, say: Say) -> Iterator[_Piece]:
    at, quiet = 0, ""
    for match in _TOKEN.finditer(source):
        if match.start() > at:
            yield _Piece("apart" if quiet else "text", source[at : match.start()])
        at, text = match.end(), match[0]
        if match["shown"]:
            apart = bool(quiet or _APART.match(text))
            yield _Piece("apart" if apart else "shown", _quoted(text, say, shown=not apart), text)
        elif match["statement"]:
            yield _Piece("apart", _quoted(text, say))
        elif match["tag"]:
            name = re.match(r"</?([a-zA-Z0-9!]+)", text)[1].lower()  # type: ignore[index]
            if name in ("script", "style", "pre"):
                quiet = "" if text.startswith("</") else name
            kind = (
                ("close" if text.startswith("</") else "open")
                if name in _MARKS and not quiet
                else "apart"
            )
            yield _Piece(kind, text if text.startswith("</") else _tag(text, say))
        else:
            yield _Piece("apart", text)
    if at < len(source):
        yield _Piece("text", source[at:])


def _tag(text: str, say: Say) -> str:
    """Attributes that are read out or shown are messages, too."""

    def in_language(match: re.Match[str]) -> str:
        return f'{match[1]}{_walked(match[2], say)}"'

    return _SPOKEN.sub(in_language, text)


def _quoted(expression: str, say: Say, *, shown: bool = False) -> str:
    """The expression with the words in it said. A single small word is one only where it is
    `shown`: else it names."""
    if re.match(r"\{%-?\s*(extends|include|import|from|block|macro|endblock)\b", expression):
        return expression

    def in_language(match: re.Match[str]) -> str:
        text = match[1] if match[1] is not None else match[2]
        before, after = expression[: match.start()].rstrip(), expression[match.end() :].lstrip()
        if before.endswith(_COMPARED) or after.startswith((":", "=", "]")):
            return match[0]
        if _NO_WORDS.search(text) or not _LETTERS.search(text):
            return match[0]
        is_name = not shown or not (
            before.endswith(_BEFORE_WORDS) or after.startswith(_AFTER_WORDS)
        )
        if _NAME.fullmatch(text.strip()) and is_name:
            return match[0]
        head, message, tail = _edges(text)
        translated = say(message)
        if translated is None:
            return match[0]
        return '"' + head + translated.replace("\\", "\\\\").replace('"', '\\"') + tail + '"'

    return _QUOTED.sub(in_language, expression)


def _run(run: list[_Piece], say: Say) -> str:
    """Message for a run of text, expressions and marks; a mark that is not closed in it parts
    it."""
    partner: dict[int, int] = {}
    waiting: list[int] = []
    for number, piece in enumerate(run):
        if piece.kind == "open":
            waiting.append(number)
        elif piece.kind == "close" and waiting:
            begun = waiting.pop()
            partner[begun], partner[number] = number, begun
    lone = [
        n for n, piece in enumerate(run) if piece.kind in ("open", "close") and n not in partner
    ]
    parts, at = [], 0
    for number in [*lone, len(run)]:
        parts.append(_message(run[at:number], say))
        parts += [piece.source for piece in run[number : number + 1]]
        at = number + 1
    return "".join(parts)


def _message(run: list[_Piece], say: Say) -> str:
    """Every mark in it is closed in it."""
    if not any(
        piece.kind == "text" and _LETTERS.search(re.sub(r"&\w+;", "", piece.source))
        for piece in _top(run)
    ):
        # Nothing is said between the marks: each says its own.
        return "".join(_inside(run, say))
    key, slots, marks = _key(run)
    head, message, tail = _edges(key)
    translation = None if _CODE.search(message) else say(message)
    if translation is None:
        return "".join(piece.source for piece in run)
    return head + _filled(translation, slots, marks) + tail


def _top(run: list[_Piece]) -> Iterator[_Piece]:
    depth = 0
    for piece in run:
        depth -= piece.kind == "close"
        if depth == 0:
            yield piece
        depth += piece.kind == "open"


def _inside(run: list[_Piece], say: Say) -> Iterator[str]:
    depth, begun = 0, 0
    for number, piece in enumerate(run):
        depth -= piece.kind == "close"
        if piece.kind == "close" and depth == 0:
            inner = _message(run[begun + 1 : number], _within(run[begun].source, say))
            yield run[begun].source + inner + piece.source
        elif piece.kind == "open" and depth == 0:
            begun = number
        elif depth == 0:
            yield piece.source
        depth += piece.kind == "open"


def _key(run: list[_Piece]) -> tuple[str, list[tuple[str, str]], list[tuple[str, str]]]:
    text, open_ = "", list[int]()
    slots: list[tuple[str, str]] = []
    marks: list[tuple[str, str]] = []
    for piece in run:
        if piece.kind == "text":
            text += re.sub(r"\s+", " ", piece.source)
        elif piece.kind == "shown":
            text += f"{{{len(slots)}}}"
            slots.append((piece.source, piece.plain))
        elif piece.kind == "open":
            text += f"<{len(marks)}>"
            open_.append(len(marks))
            marks.append((piece.source, ""))
        else:
            number = open_.pop()
            text += f"</{number}>"
            marks[number] = (marks[number][0], piece.source)
    return text, slots, marks


def _filled(translation: str, slots: list[tuple[str, str]], marks: list[tuple[str, str]]) -> str:
    def filled(match: re.Match[str]) -> str:
        shown, plain = slots[int(match[1])]
        if match[2] is None:
            return shown
        inner = (
            re.sub(r"^\{\{-?|-?\}\}$", "", plain).strip().removesuffix("|said")
        )  # it names English words
        return f'{{{{ "{match[3]}" if ({inner})|string == "{match[2]}" else "{match[4]}" }}}}'

    return MARK.sub(
        lambda match: marks[int(match[2])][bool(match[1])], SLOT.sub(filled, translation)
    )


def _edges(text: str) -> tuple[str, str, str]:
    """The white space before and after the text."""
    inner = text.strip()
    at = text.find(inner)
    return text[:at], inner, text[at + len(inner) :]
