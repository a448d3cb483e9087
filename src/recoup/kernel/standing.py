"""Marks of how far a database got, and whether it knows less than was seen of it."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

# Beyond it no order lives, and no merchant repeats a call or refunds: what could have left in a
# lost interval has been asked for.
ASKS_FIRST: Final = timedelta(days=400)


class Mark(NamedTuple):
    """`beat` counts on within an epoch, by a commit each time. A database that has a mark's commit
    has all before it, whatever server it is on: log positions are compared on one timeline of one
    cluster alone."""

    epoch: int
    beat: int


class Reached(NamedTuple):
    """A mark, when it was made, and the highest number of any merchant's feed then."""

    mark: Mark
    at: datetime | None
    feed: int = 0


def newest(*seen: Reached | None) -> Reached | None:
    """The highest of those that are known."""
    known = [standing for standing in seen if standing is not None]
    return (
        max(known, key=lambda standing: standing.mark)._replace(
            feed=max(standing.feed for standing in known)
        )
        if known
        else None
    )


def knows_less(has: Mark, seen: Reached | None) -> bool:
    """True when something was committed that this database does not have."""
    return seen is not None and has < seen.mark


class Lost(NamedTuple):
    """A time, `start` until `end`, in which something may have left that no row knows."""

    start: datetime
    end: datetime
    asks_first_until: datetime


# Events of after the last mark may have been delivered, too.
FEED_MARGIN: Final = 10_000


# A process that could not write its mark went on for a while; clocks differ.
MARGIN: Final = timedelta(minutes=1)


def lost_between(has: Reached, seen: Reached | None, born: datetime, now: datetime) -> Lost:
    """`born`: of the database, for one without a mark of its own."""
    start = min(has.at or born, now) - MARGIN
    end = now if seen is None or seen.at is None else min(now, seen.at + MARGIN)
    return Lost(start, max(start, end), now + ASKS_FIRST)
