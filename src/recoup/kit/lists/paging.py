"""One page of a list. Whoever reads it reads one row more than it shows: that row says whether
there is a next page."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from recoup.kernel.ids import parse_id

Row = TypeVar("Row")
PageT = TypeVar("PageT")


def cut(rows: Sequence[Row], size: int) -> tuple[Sequence[Row], Row | None]:
    """The rows of the page, and the last of them where there are more: the next page begins behind
    it."""
    return rows[:size], rows[size - 1] if len(rows) > size else None


def page_of(
    shape: Callable[..., PageT],
    rows: Sequence[Row],
    size: int,
    show: Callable[[Row], Any],
    key: Callable[[Row], Any],
) -> PageT:
    """An API's page: each row as `show` has it; `next` is the last row's key where there are
    more."""
    shown, last = cut(rows, size)
    return shape(data=[show(row) for row in shown], next=None if last is None else key(last))


def parse_instant(text: str) -> datetime | None:
    """Reads a moment with its zone, of years that have neighbours in every zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1970 < at.year < 9998 else None


def parse_place(text: str) -> tuple[datetime, UUID] | None:
    """Reads `moment_id`, the place of a row in a list by time."""
    moment, _, id_text = text.partition("_")
    at, row_id = parse_instant(moment), parse_id(id_text)
    return None if at is None or row_id is None else (at, row_id)
