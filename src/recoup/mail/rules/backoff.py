"""Retries of a delivery that was not taken, and when there are none.

Source: contract §17.1 U5 for the schedule, which mails to people follow, too; what each answer
means is our decision.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from recoup.kernel.frozen import frozen

JITTER: Final = 0.2
RETRY_AFTER_MAX: Final = timedelta(hours=24)
SCHEDULE: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
# The receiver is there and refuses: asking often does not help, but a wrong deployment is put right
# within a day.
REFUSED_SCHEDULE: Final = (
    timedelta(minutes=1),
    timedelta(minutes=30),
    timedelta(hours=6),
    timedelta(hours=24),
)


@frozen
class Schedules:
    """`refused`: after answers that say no. `gone`: whether 410 switches the endpoint off."""

    usual: Sequence[timedelta]
    refused: Sequence[timedelta]
    gone: bool


_STABLECOIN: Final = tuple(timedelta(seconds=s) for s in (10, 30, 120, 600, 1800, 7200, 21600))
RESCUE: Final = Schedules(SCHEDULE, REFUSED_SCHEDULE, gone=True)
# Any answer but 2xx is one failure: eight tries in all. Source: contract stablecoin-api §3.
STABLECOIN: Final = Schedules(_STABLECOIN, _STABLECOIN, gone=False)


@frozen
class Verdict:
    """Verdict on a delivery after an attempt.

    `retry` after `delay` of wall time; `park`: no further attempt by itself; `disable`: park it and
    call this endpoint no more, until a person switches it on again.
    """

    action: Literal["taken", "retry", "park", "disable"]
    delay: timedelta | None = None


def next_delay(
    fails: int, jitter: float, schedule: Sequence[timedelta] = SCHEDULE
) -> timedelta | None:
    """Delay after the `fails`-th attempt failed (from 1), or None when it was the last.

    `jitter` is a random number in [0, 1): 0.5 is the schedule itself, the ends are 20 % less and
    more.
    """
    if fails < 1:
        raise ValueError("count the failed tries from 1")
    if fails > len(schedule):
        return None
    return schedule[fails - 1] * (1 - JITTER + 2 * JITTER * jitter)


def after_try(
    status: int | None,
    *,
    error: str | None,
    fails: int,
    jitter: float,
    retry_after: str | None = None,
    now: datetime,
    schedules: Schedules = RESCUE,
) -> Verdict:
    """Reads what an answer means for the delivery and its endpoint.

    `error` is the word of a call that did not end well and counts before the status; `fails` counts
    the failed attempts with this one; `retry_after` is the answer's header; `now` is wall time.
    """
    if error is None and status is not None:
        if 200 <= status < 300:
            return Verdict("taken")
        if status == 410 and schedules.gone:
            return Verdict("disable")
    refused = (
        error is None and status is not None and 300 <= status < 500 and status not in (408, 429)
    )
    refused = refused or error == "refused_address"
    delay = next_delay(fails, jitter, schedules.refused if refused else schedules.usual)
    if delay is None:
        return Verdict("park")
    if error is None and status in (429, 503):
        requested = read_retry_after(retry_after, now)
        delay = max(delay, requested) if requested else delay
    return Verdict("retry", delay)


def read_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date as a wait from `now`, a day at most; None when absent, past or
    unreadable."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), RETRY_AFTER_MAX)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(until - now, RETRY_AFTER_MAX) if until > now else None
