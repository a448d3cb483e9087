"""Retention: how long the rows of a table live, and what ends them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, NamedTuple

from recoup.kernel.feature import Place

# One of ours, or a function of the database by its name.
End = Callable[..., Awaitable[Any]] | str
GOOD: Final = "for good"
ORDER: Final = "as long as its order"
STANDS: Final = "as long as it stands"


class Line(NamedTuple):
    """`ends`: what ends the rows, or what the line says is erased in them; empty: nothing does."""

    table: str
    how_long: str
    ends: tuple[str, ...]


RETENTION: Final = Place[tuple[Line, ...]]("retention")


def lines(tables: str, how_long: str | timedelta, *ends: End) -> tuple[Line, ...]:
    """One for each table; a space stands between two."""
    said = how_long if isinstance(how_long, str) else words_of(how_long)
    return tuple(Line(table, said, tuple(map(name_of, ends))) for table in tables.split())


def words_of(period: timedelta) -> str:
    for unit, of in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        number, rest = divmod(round(period.total_seconds()), of)
        if number and not rest:
            return f"{number} {unit}" + ("s" if number != 1 else "")
    raise ValueError(period)


def name_of(end: End) -> str:
    return end if isinstance(end, str) else f"{end.__module__}.{end.__name__}"
