"""A fault of one line of a file, worded alike everywhere: column, what, and the cure."""

from typing import NamedTuple

from recoup.kernel.sentence import Sentence


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
