"""One page of a list. Whoever reads it reads one row more than it shows: that row says whether
there is a next page."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

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
