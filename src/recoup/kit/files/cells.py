"""Rows of a CSV that a spreadsheet may open: no cell of ours is ever a formula."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

MARK: Final = "\ufeff"  # at the head of a file for people: spreadsheets read it as UTF-8 then
# Spreadsheets in Japanese and Chinese take the wide signs for the narrow ones.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_row(values: Iterable[Any]) -> str:
    """Commas, CRLF, quotes where they are needed. Texts that begin like a formula get an
    apostrophe; numbers, which are given as int or as a `Number`, stay what they are."""
    out = io.StringIO()
    csv.writer(out).writerow([_safe(value) for value in values])
    return out.getvalue()


def csv_rows(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([_safe(value) for value in row] for row in rows)
    return out.getvalue()


class Number(str):
    """A decimal text that is a number: its minus is no formula."""


def _safe(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Number) and value.startswith(FORMULA):
        return "'" + value
    return "" if value is None else value
