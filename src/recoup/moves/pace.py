"""How soon a message to a counterpart must leave, and when it is sent again under its own id."""

from datetime import timedelta

SEND_WITHIN = timedelta(seconds=5)  # from the intent to the first byte; a paused process must not send late
ATTENTION_AFTER_TRIES = 6
RESULT_WITHIN = timedelta(hours=6)  # of what a processor has received, and decides later
NO_ROUTE_PAUSE = timedelta(minutes=30)  # until what no card route takes is looked at again
NO_ROUTE_PAUSE_MAX = timedelta(hours=6)


def pause_after(tries: int) -> timedelta:
    """More and more seldom: sent under its own id it does no harm, however often."""
    return min(timedelta(minutes=10), timedelta(seconds=2 ** min(tries, 10)))


KEEP_CLEAR = timedelta(hours=12)  # of a try that the processor makes by itself
