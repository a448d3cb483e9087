"""Up to where a reading of money goes. Pure. Source: decision 0073, docs/orders.md.

What is booked is never dated back: each posting says when it was booked by the merchant's clock,
and when that was written. So of either clock an instant parts what was known from what came after.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple

ALWAYS: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Cut(NamedTuple):
    """Cut at two instants, both included. `business`: by the merchant's clock; `recorded`: wall
    time."""

    business: datetime = ALWAYS
    recorded: datetime = ALWAYS

    @property
    def is_past(self) -> bool:
        """True when an instant was named; else everything counts that there is."""
        return self != NOW

    def stamp(self) -> str:
        """Stamp for the name of a file: empty now."""
        named = min(self)
        return f"-as-of-{named.astimezone(UTC):%Y%m%dT%H%M%SZ}" if self.is_past else ""


NOW: Final = Cut()


class Window(NamedTuple):
    """A period by the date of booking, its end not included; and as of when."""

    begin: datetime
    end: datetime
    cut: Cut = NOW
