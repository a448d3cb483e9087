"""A day's file played over a month: the same orders, spread over its days."""

import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from recoup.main.demo.example import Line, cards_in

DAY: Final = timedelta(days=1)
MOMENT: Final = timedelta(hours=6)  # lines come together: each moment is a move of the clock
COUNTING: Final = "counting"


def over_a_month(lines: Iterable[Line], file_days: int, days: int) -> list[Line]:
    """Orders of the file's first day begin on any of `days` days, always the same one; what the file begins later, and
    orders that share one counted card, keep their distance from the end. Lines beyond the end are left out.
    """
    by_order: dict[str, list[Line]] = {}
    for line in lines:
        by_order.setdefault(line.order, []).append(line)
    found = []
    for order, several in by_order.items():
        anchored = several[0].at >= DAY or any(COUNTING in card for line in several for card in cards_in(line.body))
        shift = DAY * (days - file_days if anchored else zlib.crc32(order.encode()) % (days - 1))
        found += [replace(line, at=_moment(line.at, several[0].at) + shift) for line in several]
    return sorted((line for line in found if line.at < DAY * days), key=lambda line: (line.at, line.number))


def _moment(at: timedelta, first: timedelta) -> timedelta:
    """A beginning goes back to its moment, what follows it forward: never before what it waits for."""
    return at // MOMENT * MOMENT if at == first else -(-at // MOMENT) * MOMENT
