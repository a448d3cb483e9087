"""Pace of messages to a counterpart: how soon each must leave, and when it is sent again under its
own id."""

from datetime import timedelta

from recoup.kernel.time import WallTime

SEND_WITHIN = timedelta(
    seconds=5
)  # from the intent to the first byte; a paused process must not send late
ATTENTION_AFTER_TRIES = 6
RESULT_WITHIN = timedelta(hours=6)  # of what a processor has received, and decides later
NO_ROUTE_PAUSE = timedelta(minutes=30)  # until what no card route takes is looked at again
NO_ROUTE_PAUSE_MAX = timedelta(hours=6)


OFF_PAUSE = timedelta(minutes=5)  # until what waits for all sending to go on is looked at again


def pause_since(off_since: WallTime, wall: WallTime) -> timedelta:
    """More and more seldom: what waits goes on once it has waited a quarter longer."""
    return max(OFF_PAUSE, min(NO_ROUTE_PAUSE_MAX, (wall - off_since) / 4))


def pause_after(tries: int) -> timedelta:
    """More and more seldom: sent under its own id it does no harm, however often."""
    return min(timedelta(minutes=10), timedelta(seconds=2 ** min(tries, 10)))


KEEP_CLEAR = timedelta(hours=12)  # of a try that the processor makes by itself
