"""A card route's circuit breaker: it opens on outages, or when the processor refuses our key; after
a pause a trickle goes, and answers close it again. Pure; times are wall time.

What counts: an answer, good or bad, speaks for the route; a connection refused, or no answer in
time, against it. One whose processor refuses our account or key takes nothing: after three pauses
somebody has to say that it is mended.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal

from recoup.kernel.frozen import frozen

WINDOW: Final = timedelta(minutes=1)
OUTAGES_MIN: Final = 5  # in a window, and at least as many as answers
ANSWERS_TO_CLOSE: Final = 5
PAUSES: Final = tuple(timedelta(seconds=s) for s in (30, 60, 120, 300, 600))
# A key does not mend by itself: a refusal that was a mistake of theirs is over by then, any other
# waits for a person.
PAUSES_REFUSED: Final = (*(timedelta(minutes=m) for m in (5, 60, 360)), timedelta(days=36_500))

Standing = Literal["closed", "open", "trickle", "refused"]


@frozen
class Breaker:
    """`answered` and `outages` since `window_from`. Open since `opened_at`; from `pause_until` on a
    trickle goes. `openings` since it was last closed. `is_refused`: opened because the processor
    refuses our account or key."""

    window_from: datetime
    answered: int = 0
    outages: int = 0
    opened_at: datetime | None = None
    pause_until: datetime | None = None
    openings: int = 0
    is_refused: bool = False

    def standing(self, now: datetime) -> Standing:
        if self.pause_until is None:
            return "closed"
        if now >= self.pause_until:
            return "trickle"
        return "refused" if self.is_refused else "open"


@frozen
class Counts:
    """Answers that came back since the last time. `refused`: our key was not accepted."""

    answered: int = 0
    outages: int = 0
    refused: int = 0


def after(breaker: Breaker, counts: Counts, now: datetime) -> Breaker:
    if breaker.pause_until is not None:
        return _while_open(breaker, counts, now)
    if (
        counts.refused and counts.refused >= counts.answered
    ):  # else it is one payment that is not allowed
        return _refused(breaker, now)
    if now - breaker.window_from >= WINDOW:
        breaker = replace(breaker, window_from=now, answered=0, outages=0)
    counted = replace(
        breaker,
        answered=breaker.answered + counts.answered,
        outages=breaker.outages + counts.outages,
    )
    if counted.outages >= OUTAGES_MIN and counted.outages >= counted.answered:
        return _opened(counted, now, PAUSES[0])
    return counted


def _while_open(breaker: Breaker, counts: Counts, now: datetime) -> Breaker:
    """The breaker after answers within the pause, which left before it, or with nowhere else to go:
    answers count, outages do not lengthen the pause."""
    if breaker.standing(now) == "trickle":
        if counts.refused:
            return _refused(breaker, now)
        if counts.outages:
            return _opened(breaker, now, PAUSES[min(breaker.openings, len(PAUSES) - 1)])
    answered = 0 if counts.outages or counts.refused else breaker.answered + counts.answered
    if answered >= (1 if breaker.is_refused else ANSWERS_TO_CLOSE):
        return Breaker(now)
    if counts.refused and not breaker.is_refused:
        return _refused(breaker, now)
    return replace(breaker, answered=answered, outages=breaker.outages + counts.outages)


def _refused(breaker: Breaker, now: datetime) -> Breaker:
    before = breaker.openings if breaker.is_refused else 0
    opened = _opened(breaker, now, PAUSES_REFUSED[min(before, len(PAUSES_REFUSED) - 1)])
    return replace(opened, openings=before + 1, is_refused=True)


def _opened(breaker: Breaker, now: datetime, pause: timedelta) -> Breaker:
    return Breaker(now, 0, 0, breaker.opened_at or now, now + pause, breaker.openings + 1)
