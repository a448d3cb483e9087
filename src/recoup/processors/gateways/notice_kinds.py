"""A vendor's kinds of notices as a table: what each is about, or why it says nothing. The first row
whose beginning fits counts; a kind that fits none is unknown."""

from collections.abc import Sequence
from typing import NamedTuple

from recoup.processors.gateways.connector import Subject


class Row(NamedTuple):
    begin: str
    subject: Subject | None = None
    because: str = ""


def nothing(*begins: str, because: str) -> tuple[Row, ...]:
    return tuple(Row(begin, None, because) for begin in begins)


def meaning_of(rows: Sequence[Row], kind: str) -> Row:
    return next((row for row in rows if kind.startswith(row.begin)), Row(""))
