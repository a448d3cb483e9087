"""Cells as they stand in a file: what is written around their text, which ids a spreadsheet
destroyed, and which cannot be kept."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from recoup.kernel.problem import Sentence
from recoup.kernel.unseen import has_unseen


class Complaint(NamedTuple):
    """`code` for machines. `column`: as the file names it, empty where the whole line is meant.
    `cure`: what to do."""

    code: str
    column: str
    what: str
    cure: str = ""

    def text(self) -> Sentence:
        """Complaint as a sentence without a subject or full stop, to follow a line's number."""
        said = Sentence("column {0}: {1}", self.column, self.what) if self.column else self.what
        if self.cure:
            return Sentence("{0}; {1}", said, self.cure)
        return said if isinstance(said, Sentence) else Sentence("{0}", said)


class BadCell(ValueError):
    """A line from which nothing is taken, and why."""

    def __init__(self, code: str, what: str, column: str = "", cure: str = "") -> None:
        self.complaint = Complaint(code, column, what, cure)


ID_MAX: Final = 200
# White_Space and Default_Ignorable_Code_Point (but for tags), and the empty Braille pattern.
# Source: Unicode 16.0,
# PropList.txt and DerivedCoreProperties.txt.
_BLANKS: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b"
    "\u180c\u180d\u180e\u180f\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060"
    "\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f"
    "\u2800\u3000\u3164\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07\ufe08\ufe09\ufe0a\ufe0b"
    "\ufe0c\ufe0d\ufe0e\ufe0f\ufeff\uffa0\ufff0\ufff1\ufff2\ufff3\ufff4\ufff5\ufff6\ufff7\ufff8"
)
MARKS: Final = frozenset(_BLANKS + "'=")  # a cell that neither begins nor ends with one is plain
_KEPT_AS_TEXT: Final = "0123456789=+-@\t"  # what a spreadsheet would read as a number or formula
# A number of a spreadsheet: `4.24242E+15`, `9,87654E+11`, `4E+15`; `1e5` and `12e34` are ids like
# others.
_EXPONENT: Final = re.compile(
    r"[+-]?[0-9][.,][0-9]+[eE][+-]?[0-9]{1,3}|[+-]?[0-9][eE][+-][0-9]{1,3}"
)
_ERROR: Final = re.compile(r"#(?:N/A|NAME\?|REF!|VALUE!|NUM!|DIV/0!|NULL!|#+)")
_MARKED: Final = re.compile("[.,#]|[eE][+-]")
DESTROYED: Final = Sentence("holds what a spreadsheet made of an id, like {0}", "9.87654E+11")
EXPORT_AGAIN: Final = Sentence(
    "export the file again and do not save it in a spreadsheet, or format ids as text"
)


def plain_cell(text: str, *, is_id: bool = False) -> str:
    """A cell without blanks around it, those too that nobody sees, and without the marks that keep
    it a text in a spreadsheet: `="00123"` and `'00123` are 00123. Of an id every leading apostrophe
    is such a mark."""
    text = text.strip(_BLANKS)
    if text[:2] == '="' and text[2:].endswith('"'):
        text = text[2:-1].replace('""', '"').strip(_BLANKS)
    return text[1:] if text[:1] == "'" and (is_id or text[1:2] in _KEPT_AS_TEXT) else text


def plain_ids(body: dict[str, Any]) -> None:
    """Rewrites the ids of a body, those inside its objects too, as plain cells."""
    for name, value in body.items():
        if isinstance(value, dict):
            plain_ids(value)
        elif isinstance(value, str) and name.lower().endswith("id"):
            body[name] = plain_cell(value, is_id=True)


def are_plain(joined: str) -> bool:
    """True when ids, one after the other, are surely neither odd nor damaged: a quick look."""
    return (
        len(joined) <= ID_MAX
        and joined.isascii()
        and joined.isprintable()
        and not _MARKED.search(joined)
    )


def check_id(text: str, column: str) -> None:
    """Raises: BadCell for an id that a spreadsheet destroyed, or that cannot be kept as it is."""
    if is_destroyed(text):
        raise BadCell("spreadsheet", DESTROYED, column, EXPORT_AGAIN)
    if len(text) > ID_MAX or has_unseen(text) or not _encodes(text):
        raise BadCell(
            "bad_id",
            Sentence("is longer than {0} characters, or holds some that cannot be kept", ID_MAX),
            column,
        )


def is_destroyed(text: str) -> bool:
    """True when a spreadsheet made a number, or an error, of an id: many ids became one."""
    return (
        _EXPONENT.fullmatch(text) is not None
        or text[:1] == "#"
        and _ERROR.fullmatch(text) is not None
    )


def destroyed_in(body: Mapping[str, Any]) -> str:
    """The field of the first text in it that a spreadsheet destroyed, with dots; nothing where all
    are whole."""
    for name, value in body.items():
        if isinstance(value, str) and is_destroyed(value.strip()):
            return name
        if isinstance(value, dict) and (inner := destroyed_in(value)):
            return f"{name}.{inner}"
    return ""


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
