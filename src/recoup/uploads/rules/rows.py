"""The rows of a file, however it is written; of JSON without the whole of it: a list, one object a
line, or an object that holds the list.

Brackets and commas between rows are read as whitespace is: what counts is where an object begins
and ends. One that is broken is reported with its line; reading goes on at the next object that is
whole and a row."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, figure, invalid, too_large

KINDS: Final = ("transmit", "evaluate")
ROW_CHARS_MAX: Final = 256 * 1024
ROWS_MAX: Final = 250_000
LEVELS_MAX: Final = 4  # of objects in the configuration
NOTHINGS_MAX: Final = (
    250_000  # empty lines, parts of a configuration: what takes time and is no row
)


class Record(NamedTuple):
    """A row as it stands in the file. `number` counts rows from 1, `line` is where it begins.
    `text` is its JSON, or `cells` are its fields; neither: it cannot be read, `why` says so and
    `code` for machines."""

    number: int
    line: int
    text: str | None = None
    cells: tuple[str, ...] | None = None
    code: str = ""
    why: str = ""


def check_nothings(count: int) -> None:
    """Raises: Problem(too_large) for a file of which nearly nothing is rows."""
    if count > NOTHINGS_MAX:
        raise too_large(
            Sentence("The file has over {0} places that are no rows.", figure(NOTHINGS_MAX)),
            "Leave out empty lines and repeated configurations.",
        )


@frozen
class Header:
    """The part of a file that is about all its rows; a bearer token in it is passed over.

    `mid`, `kind` and `expires` as they are written, empty where nothing is said.
    """

    kind: str = ""
    mid: str = ""
    expires: str = ""

    def joined(self, other: "Header") -> "Header":
        """Raises: Problem(invalid) when two parts contradict each other."""
        for name in ("kind", "mid", "expires"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine and theirs and mine != theirs:
                raise invalid(
                    Sentence(
                        "The file's configuration names its {0} twice, differently.",
                        _WIRE_NAMES[name],
                    ),
                    _WIRE_NAMES[name],
                    "Say it once, before the rows.",
                )
        return Header(self.kind or other.kind, self.mid or other.mid, self.expires or other.expires)


_WIRE_NAMES: Final = {"kind": "kind", "mid": "mid", "expires": "expiryDateUtc"}
# name in lower case -> ours; what carries a credential has no name here, so that it is never read
_NAMES: Final = {"kind": "kind", "mid": "mid", "expirydateutc": "expires"}
_HEADS: Final = frozenset({*_NAMES, "authorizationtoken", "authorization", "bearer", "bearertoken",
"token",
                           "accesstoken"})  # fmt: skip
_ROW: Final = frozenset({"orderid", "transaction", "transmitid", "paymentmethod"})


def is_row(value: Mapping[str, Any]) -> bool:
    """True when an object is a payment, not the configuration."""
    return any(name.lower() in _ROW for name in value)


def is_header(value: Mapping[str, Any]) -> bool:
    return not is_row(value) and any(name.lower() in _HEADS for name in value)


def header_of(value: Mapping[str, Any], levels: int = LEVELS_MAX) -> Header:
    """Header from the members of the configuration, also of objects inside it, so many levels deep.

    Raises: Problem(invalid) for a member that is no text.
    """
    texts: dict[str, str] = {}
    for name, inner in value.items():
        ours = _NAMES.get(name.lower())
        if isinstance(inner, dict) and ours is None and levels and not is_row(inner):
            below = header_of(inner, levels - 1)
            texts |= {
                key: text
                for key in _WIRE_NAMES
                if (text := getattr(below, key)) and not texts.get(key)
            }
        elif ours is not None and inner is not None:
            if not isinstance(inner, str) or len(inner) > 64:
                raise invalid(
                    Sentence("The configuration's {0} must be a short text.", _WIRE_NAMES[ours]),
                    _WIRE_NAMES[ours],
                )
            texts[ours] = inner.strip()
    return Header(**texts)


BUFFER: Final = 2 * ROW_CHARS_MAX
SEARCHES_MAX: Final = (
    2_000  # for the next whole row of a file; and of values side by side that are no row
)
_LOST: Final = "\N{REPLACEMENT CHARACTER}"
_BETWEEN: Final = re.compile(r"[\s,\[\]]*")
# Between the rows of a file that is no list, a bracket before a plain value begins a value that is
# no row.
_BETWEEN_LINES: Final = re.compile(r"(?:[\s,\]]+|\[(?=\s*(?:[{\[\],]|\Z)))*+")
_PLAIN: Final = re.compile(r"[ \t\r\n,]*")
_BEGINS: Final = re.compile(r"\{")
_ITEMS: Final = frozenset({"orderitems", "additionalfields"})  # lists of a row's own
_decode: Final = json.JSONDecoder(parse_constant=lambda name: _refuse(name)).raw_decode


class JsonRows:
    """Iterating gives the records; `header` grows while it is read. Raises: Problem(invalid) for a
    configuration that cannot be, and for what is no JSON from its first character on."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._text, self._at, self._line, self._ended = "", 0, 1, False
        self._depth, self._searches, self._number, self._headers = 0, 0, 0, 0
        self._others = 0  # values since the last row that are no object
        self._inside = False  # an object whose list is being read
        self.header = Header()
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Record]:
        self._go_on()
        if self._done():
            raise invalid("The file is empty.", "file", "It needs rows.")
        if self._text[self._at] != "{" and not self._depth:
            raise invalid(
                "The file is neither JSON nor a CSV whose first line names its columns.",
                "file",
                "Send a JSON list of objects, one object a line, or a CSV.",
            )
        while not self._done():
            yield from self._next()
            self._go_on()
        if self._depth > 0 or self._inside:
            self.notes.append("The file ends before its list does: rows may be missing at its end.")

    # one object
    # ----------------------------------------------------------------------------------------------

    def _next(self) -> Iterator[Record]:
        head = self._text[self._at]
        if head == "}" and self._inside:
            self._inside = False
            self._move(self._at + 1)
            return
        if head == '"' and self._inside:
            self._member()
            return
        begin, line = self._at, self._line
        try:
            value, end = _decode(self._text, begin)
        except (ValueError, RecursionError):
            value, end = None, begin
        if head == "{" and (end == begin or _holds_rows(value)) and self._wrapper():
            return
        text = self._text[begin:end]
        if end == begin:
            yield self._skipped()
            return
        self._move(end)
        if not isinstance(value, dict):
            self._others += 1
            self._check(self._others)
            yield self._broken(line, "not_an_object", "is no object in braces: {…}")
        elif is_header(value):
            self._configure(value)
        elif len(text) > ROW_CHARS_MAX:
            yield self._broken(
                line, "too_long", Sentence("is longer than {0} characters", figure(ROW_CHARS_MAX))
            )
        else:
            yield self._row(line, text)

    def _row(self, line: int, text: str) -> Record:
        self._number, self._others = self._number + 1, 0
        if _LOST in text:
            why = "holds bytes that are not UTF-8; save the file as UTF-8"
            return Record(self._number, line, code="wrong_encoding", why=why)
        return Record(self._number, line, text)

    def _broken(self, line: int, code: str, why: str) -> Record:
        self._number += 1
        return Record(self._number, line, code=code, why=why)

    def _configure(self, value: dict[str, Any]) -> None:
        self._headers += 1
        check_nothings(self._headers)
        if self._number:
            later = header_of(value)
            if later.joined(self.header) != self.header:
                raise invalid(
                    Sentence("The configuration in line {0} comes after rows.", self._line),
                    "file",
                    "Put it before them.",
                )
            return
        self.header = self.header.joined(header_of(value))

    # an object that holds the list
    # -----------------------------------------------------------------------------

    def _wrapper(self) -> bool:
        """True when the object that begins here holds the rows: then reading stands at their
        list."""
        if self._inside or self._in_list() or self._number:
            return False
        start, line = self._at, self._line
        self._move(self._at + 1)
        self._inside = True
        while not self._done():
            match = _PLAIN.match(self._text, self._at)
            assert match is not None
            self._move(match.end())
            if self._text[self._at : self._at + 1] != '"' or not self._member():
                break
            if self._in_list():
                return True
        self._at, self._line, self._inside, self._depth = start, line, False, 0
        return False

    def _member(self) -> bool:
        """Reads a `"name": value`; of a list of objects only its bracket. False when it cannot be
        read."""
        try:
            name, end = _decode(self._text, self._at)
            begin = _after(self._text, end, ":")
            if self._text[begin] == "[" and name.lower() not in _ITEMS and self._begins_rows(begin):
                self._depth += 1
                self._move(begin + 1)
                return True
            value, end = _decode(self._text, begin)
        except (ValueError, RecursionError, IndexError):
            self._move(min(len(self._text), self._at + 1))
            return False
        self._move(end)
        self._configure({name: value})
        return True

    def _begins_rows(self, begin: int) -> bool:
        match = _BETWEEN.match(self._text, begin + 1)
        return match is not None and self._text[match.end() : match.end() + 1] == "{"

    # broken places
    # ----------------------------------------------------------------------------------------------

    def _skipped(self) -> Record:
        """Goes on at the next object that is whole and a row; everything before it is reported as
        one broken row."""
        line, own = (
            self._line,
            True,
        )  # own: the place that is known to be broken is not looked at again
        while True:
            self._fill()
            for match in _BEGINS.finditer(self._text, self._at + own):
                if len(self._text) - match.start() < ROW_CHARS_MAX and not self._ended:
                    break  # its end may still be to come
                if not _is_value(self._text, match.start()) and self._is_row_at(match.start()):
                    self._move(match.start())
                    return self._broken(
                        line, "broken", "is no JSON; nothing was taken up to the next row that is"
                    )
            if self._ended:
                self._move(len(self._text))
                return self._broken(
                    line, "broken", "is no JSON; nothing was taken from here to the file's end"
                )
            self._move(max(self._at, len(self._text) - ROW_CHARS_MAX))
            own = False

    def _is_row_at(self, begin: int) -> bool:
        self._searches += 1
        self._check(self._searches)
        try:
            value, _ = _decode(self._text, begin)
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and any(
            name.lower() in ("orderid", "transmitid") for name in value
        )

    def _check(self, in_vain: int) -> None:
        """Raises: Problem(invalid) when too much was looked at in vain."""
        if in_vain > SEARCHES_MAX:
            raise invalid(
                Sentence(
                    "The file is broken in too many places, the last near line {0}.", self._line
                ),
                "file",
                "Create it again; none of it was accepted.",
            )

    # the text
    # ----------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        if self._ended or len(self._text) - self._at > BUFFER // 2:
            return
        parts = [self._text[self._at :]]
        size = len(parts[0])
        while size < BUFFER and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
            size += len(chunk)
        self._ended = size < BUFFER
        self._text, self._at = "".join(parts), 0

    def _skip(self) -> None:
        """Skips whitespace, commas and brackets, which are counted."""
        while not self._done():
            lines = not self._depth and (self._number or self._headers)
            match = (_BETWEEN_LINES if lines else _BETWEEN).match(self._text, self._at)
            assert match is not None
            between = match[0]
            self._depth = max(0, self._depth + between.count("[") - between.count("]"))
            self._move(match.end())
            if self._at < len(self._text) or self._ended:
                return
            self._fill()

    def _go_on(self) -> None:
        """Goes on to where the next object begins, with as much text as one may have."""
        self._fill()
        self._skip()
        self._fill()

    def _move(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _in_list(self) -> bool:
        return self._depth > 0

    def _done(self) -> bool:
        return self._ended and self._at >= len(self._text)


def _holds_rows(value: Any) -> bool:
    """True when it is an object with a list of payments."""
    return (
        isinstance(value, dict)
        and not is_row(value)
        and any(
            name.lower() not in _ITEMS
            and isinstance(inner, list)
            and inner
            and isinstance(inner[0], dict)
            for name, inner in value.items()
        )
    )


def _is_value(text: str, at: int) -> bool:
    """True when what begins here is a member's value."""
    while at and text[at - 1] in " \t\r\n":
        at -= 1
    return text[at - 1 : at] == ":"


def _after(text: str, at: int, sign: str) -> int:
    """The place after a sign and the whitespace around it. Raises: ValueError; IndexError at the
    text's end."""
    while text[at] in " \t\r\n":
        at += 1
    if text[at] != sign:
        raise ValueError(sign)
    at += 1
    while text[at] in " \t\r\n":
        at += 1
    return at


def _refuse(name: str) -> Any:
    raise ValueError(name)
