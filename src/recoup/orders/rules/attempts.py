"""The life of one attempt, as data: state x event x order stage -> state, `if_late`, line of the
log.

An attempt is an intent that is committed before the call. `unknown` is a state: inquiries follow,
never a second send blind. `if_late` says what an approval means that is found after the order's end
was announced. Source: design §2.
"""

from typing import Final, NamedTuple

from recoup.orders.rules.lifecycle import ENDED, OPEN, Stage

GOING: Final = frozenset({"open", "unknown"})


class Row(NamedTuple):
    """`happening` is the line for the order log."""

    state: str
    event: str
    stages: frozenset[Stage]
    to: str
    if_late: str | None
    happening: str | None


_OVER: Final = ENDED - {Stage.COMPLETED}
_ALL: Final = OPEN | ENDED
# At Completed there are attempts of an order that was advanced alone: its customer is charged now.
ROWS: Final = (
    Row(
        "planned",
        "sent",
        frozenset({Stage.PROCESSING, Stage.COMPLETED}),
        "open",
        "keep",
        "attempt_sent",
    ),
    Row("planned", "not_sent", OPEN, "not_sent", None, "attempt_withheld"),
    Row("planned", "order_ended", ENDED, "not_sent", None, None),
    *(
        row
        for now in ("open", "unknown")
        for row in (
            Row(now, "approved", OPEN | {Stage.COMPLETED}, "approved", None, "attempt_approved"),
            Row(now, "approved", _OVER, "approved", "reverse", "approved_late"),
            Row(now, "declined", _ALL, "declined", None, "attempt_declined"),
            Row(now, "timed_out", _ALL, "unknown", None, "attempt_unknown"),
            Row(now, "not_sent", _ALL, "not_sent", None, "attempt_not_sent"),
            # Not found twice after everything could have arrived: the first send never happened.
            Row(now, "not_found", OPEN, "open", None, None),
            Row(now, "not_found", ENDED, "not_sent", None, "attempt_not_sent"),
            Row(now, "order_ended", ENDED, now, "reverse", None),
        )
    ),
)
_ROWS: Final = {(r.state, r.event, stage): r for r in ROWS for stage in r.stages}


def on(state: str, event: str, stage: Stage) -> Row | None:
    """The row for what just happened, or None when it changes nothing (a duplicate or a late
    repeat)."""
    return _ROWS.get((state, event, stage))
