"""Form of a sentence where it is kept: `["An order has at most {0} notes.",50]`, its key and its
parts.

A text without parts stands as it is. `keep` and `kept` are each other's reverse for every text,
also one that only looks like a sentence.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec

from recoup.kernel.problem import Figure, NearDay, Part, Sentence

MARK: Final = "sentence"
Kept = Annotated[str, MARK]
"""A column, or a value in one, that is written by `keep` and read by `kept`:
the store's rows and statements do."""

_FIGURE: Final = re.compile(
    r"[+\-\N{MINUS SIGN}]?\d{1,3}(?:,\d{3}){0,9}(?:\.\d{1,18})?"
)  # kept as a plain text
_OPENS: Final = '["'
_TEXT: Final = "{0}"
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def keep(text: str) -> str:
    """Writes a text for a column."""
    if isinstance(text, Sentence) and text.parts and not _is_text(text):
        return _encode(_plain(text)).decode()
    return _encode([_TEXT, str(text)]).decode() if text.startswith(_OPENS) else str(text)


def kept(text: str) -> str:
    """Reads a text from a column: a sentence, or the plain text."""
    if not text.startswith(_OPENS):
        return text
    try:
        made = _made(_decode(text))
    except (msgspec.DecodeError, LookupError, RecursionError, TypeError, ValueError):
        return text
    read = str(made) if _is_text(made) else made
    return read if keep(read) == text else text  # else it only looks like one


def _is_text(sentence: Sentence) -> bool:
    return sentence.key == _TEXT and type(sentence.parts[0]) is str


def _plain(part: Part) -> Any:
    if isinstance(part, Sentence):
        return [part.key, *map(_plain, part.parts)]
    if isinstance(part, datetime):
        return {"at": part.isoformat()}
    if isinstance(part, date):
        return {"near" if isinstance(part, NearDay) else "day": part.isoformat()}
    return str(part) if isinstance(part, Figure) else part


def _made(kept: Any) -> Sentence:
    key, *parts = kept
    return Sentence(key, *map(_part, parts))


def _part(kept: Any) -> Part:
    match kept:
        case [*_]:
            return _made(kept)
        case {"at": str(at)}:
            return datetime.fromisoformat(at)
        case {"day": str(day)}:
            return date.fromisoformat(day)
        case {"near": str(day)}:
            return NearDay.fromisoformat(day)
        case str() | int():
            return Figure(kept) if isinstance(kept, str) and _FIGURE.fullmatch(kept) else kept
    raise ValueError(f"{type(kept).__name__} is no part of a sentence")
