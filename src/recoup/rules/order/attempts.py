"""The life of one attempt, as data: state x event x order stage -> state, `if_late`, recipe, due work.

An attempt is an intent that is committed before the call. `unknown` is a state: inquiries follow, never a second send
blind. `if_late` says what an approval means that is found after the order's end was announced.
Source: design §2.
"""

from typing import Final, NamedTuple

from recoup.rules.order.lifecycle import ENDED, OPEN, Stage

STATES: Final = ("planned", "open", "approved", "declined", "unknown", "not_sent")
EVENTS: Final = ("sent", "approved", "declined", "timed_out", "not_sent", "not_found", "order_ended")
GOING: Final = frozenset({"open", "unknown"})


class Row(NamedTuple):
    """`happening` is the line for the order log; `order_step` moves the order; `due` is the work that follows:
    inquire (ask the processor), resend (the same id again), plan (decide what comes next), reverse (undo a late
    approval), none."""

    state: str
    event: str
    stages: frozenset[Stage]
    to: str
    if_late: str | None
    recipe: str | None
    happening: str | None
    order_step: str | None
    due: str


_OVER: Final = ENDED - {Stage.COMPLETED}
_ADVANCED: Final = frozenset({Stage.COMPLETED})  # paid out before it was collected
_ALL: Final = OPEN | ENDED
ROWS: Final = (
    Row("planned", "sent", frozenset({Stage.PROCESSING}), "open", "keep", None, "attempt_sent", None, "inquire"),
    Row("planned", "sent", _ADVANCED, "open", "keep", None, "attempt_sent", None, "inquire"),
    Row("planned", "not_sent", OPEN, "not_sent", None, None, "attempt_withheld", None, "none"),
    Row("planned", "order_ended", ENDED, "not_sent", None, None, None, None, "none"),
    *(
        row
        for now in ("open", "unknown")
        for row in (
            Row(now, "approved", OPEN, "approved", None, "collected", "attempt_approved", "collected", "none"),
            # Only of an order that was advanced: its customer is charged now.
            Row(now, "approved", _ADVANCED, "approved", None, "charge", "attempt_approved", None, "none"),
            Row(now, "approved", _OVER, "approved", "reverse", "late_approval", "approved_late", None, "reverse"),
            Row(now, "declined", OPEN, "declined", None, None, "attempt_declined", None, "plan"),
            Row(now, "declined", _ADVANCED, "declined", None, None, "attempt_declined", None, "plan"),
            Row(now, "declined", _OVER, "declined", None, None, "attempt_declined", None, "none"),
            Row(now, "timed_out", _ALL, "unknown", None, None, "attempt_unknown", None, "inquire"),
            Row(now, "not_sent", OPEN, "not_sent", None, None, "attempt_not_sent", None, "plan"),
            Row(now, "not_sent", _ADVANCED, "not_sent", None, None, "attempt_not_sent", None, "plan"),
            Row(now, "not_sent", _OVER, "not_sent", None, None, "attempt_not_sent", None, "none"),
            # Not found twice after everything could have arrived: the first send never happened.
            Row(now, "not_found", OPEN, "open", None, None, None, None, "resend"),
            Row(now, "not_found", ENDED, "not_sent", None, None, "attempt_not_sent", None, "none"),
            Row(now, "order_ended", ENDED, now, "reverse", None, None, None, "inquire"),
        )
    ),
)
_ROWS: Final = {(r.state, r.event, stage): r for r in ROWS for stage in r.stages}


def on(state: str, event: str, stage: Stage) -> Row | None:
    """The row for what just happened, or None when it changes nothing (a duplicate or a late repeat)."""
    return _ROWS.get((state, event, stage))
