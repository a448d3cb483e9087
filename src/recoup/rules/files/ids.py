"""Ids and labels as they stand in a cell: which a spreadsheet destroyed, and which cannot be kept."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from recoup.kernel.sentence import Sentence
from recoup.kernel.unseen import has_unseen


class Complaint(NamedTuple):
    """`code` for machines. `column`: as the file names it, empty where the whole line is meant. `cure`: what to do."""

    code: str
    column: str
    what: str
    cure: str = ""

    def text(self) -> Sentence:
        """One sentence without a subject or full stop, to follow a line's number."""
        said = Sentence("column {0}: {1}", self.column, self.what) if self.column else self.what
        if self.cure:
            return Sentence("{0}; {1}", said, self.cure)
        return said if isinstance(said, Sentence) else Sentence("{0}", said)


class BadCell(ValueError):
    """A line from which nothing is taken, and why."""

    def __init__(self, code: str, what: str, column: str = "", cure: str = "") -> None:
        self.complaint = Complaint(code, column, what, cure)


ID_MAX: Final = 200
# A number of a spreadsheet: `4.24242E+15`, `9,87654E+11`, `4E+15`; `1e5` and `12e34` are ids like others.
_EXPONENT: Final = re.compile(r"[+-]?[0-9][.,][0-9]+[eE][+-]?[0-9]{1,3}|[+-]?[0-9][eE][+-][0-9]{1,3}")
_ERROR: Final = re.compile(r"#(?:N/A|NAME\?|REF!|VALUE!|NUM!|DIV/0!|NULL!|#+)")
_MARKED: Final = re.compile("[.,#]|[eE][+-]")
DESTROYED: Final = Sentence("holds what a spreadsheet made of an id, like {0}", "9.87654E+11")
EXPORT_AGAIN: Final = Sentence("export the file again and do not save it in a spreadsheet, or format ids as text")


def are_plain(joined: str) -> bool:
    """Whether ids, one after the other, are surely neither odd nor damaged: a quick look."""
    return len(joined) <= ID_MAX and joined.isascii() and joined.isprintable() and not _MARKED.search(joined)


def check_id(text: str, column: str) -> None:
    """Raises: BadCell for an id that a spreadsheet destroyed, or that cannot be kept as it is."""
    if is_destroyed(text):
        raise BadCell("spreadsheet", DESTROYED, column, EXPORT_AGAIN)
    if len(text) > ID_MAX or has_unseen(text) or not _encodes(text):
        raise BadCell(
            "bad_id", Sentence("is longer than {0} characters, or holds some that cannot be kept", ID_MAX), column
        )


def is_destroyed(text: str) -> bool:
    """Whether a spreadsheet made a number, or an error, of an id: many ids became one."""
    return _EXPONENT.fullmatch(text) is not None or text[:1] == "#" and _ERROR.fullmatch(text) is not None


def destroyed_in(body: Mapping[str, Any]) -> str:
    """The field of the first text in it that a spreadsheet destroyed, with dots; nothing where all are whole."""
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
