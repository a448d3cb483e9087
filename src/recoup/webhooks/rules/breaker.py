"""An endpoint's health, and its circuit breaker: after enough tries in a row that were not taken,
nothing is posted but one probe at a time, at growing pauses; the first that is taken closes it.

Source: decision 0028.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.mail.rules.backoff import RETRY_AFTER_MAX, next_delay

FAILURES_TO_OPEN: Final = 10
PAUSES: Final = tuple(timedelta(seconds=s) for s in (10, 30, 60, 300, 900, 1800, 3600))
OPEN_MAX: Final = timedelta(days=14)  # then the endpoint is switched off, if it was probed
PROBES_MIN: Final = (
    100  # as often as in five days: no worker that stood still, no clock that jumped
)
ERROR_CHARS_MAX: Final = 200

State = Literal["ok", "failing", "open"]


@frozen
class Health:
    """`failures`: tries in a row that were not taken, the first at `failing_since`. Open since
    `opened_at`: then `probe_at` is when the next probe may be made. Times are wall time."""

    failures: int = 0
    failing_since: datetime | None = None
    last_error: str | None = None
    opened_at: datetime | None = None
    probes: int = 0
    probe_at: datetime | None = None

    @property
    def state(self) -> State:
        return "open" if self.opened_at else "failing" if self.failures else "ok"


@frozen
class Tried:
    """A delivery attempt, as far as it bears on the endpoint. `probe`: made while the breaker was
    open. `not_before`: the pause that the receiver requested, a day at most."""

    taken: bool
    probe: bool = False
    error: str = ""
    not_before: datetime | None = None


def after_tries(health: Health, tries: Iterable[Tried], now: datetime, jitter: float) -> Health:
    """The health after tries that ended one after the other. `jitter` as for `next_delay`."""
    for tried in tries:
        health = _after_one(health, tried, now, jitter)
    return health


def _after_one(health: Health, tried: Tried, now: datetime, jitter: float) -> Health:
    if tried.taken:
        return Health()
    failures, since = health.failures + 1, health.failing_since or now
    failed = replace(
        health, failures=failures, failing_since=since, last_error=tried.error[:ERROR_CHARS_MAX]
    )
    if health.opened_at is None and failures < FAILURES_TO_OPEN:
        return failed
    if health.opened_at is not None and not tried.probe:
        return failed  # it was out already when the breaker opened
    probes = health.probes + 1 if tried.probe else 0
    pause = next_delay(min(probes + 1, len(PAUSES)), jitter, PAUSES)
    assert pause is not None
    probe_at = max(now + pause, min(tried.not_before or now, now + RETRY_AFTER_MAX))
    return replace(failed, opened_at=health.opened_at or now, probes=probes, probe_at=probe_at)


def is_lost(health: Health, now: datetime) -> bool:
    """Has it been open for so long that nobody seems to be there?"""
    long = health.opened_at is not None and now - health.opened_at >= OPEN_MAX
    return long and health.probes >= PROBES_MIN
