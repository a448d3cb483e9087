"""Captures in parts, and money that came back, in the order log, in plain words."""

from collections.abc import Callable, Mapping
from typing import Final

from recoup.kernel.money import money
from recoup.kernel.problem import Sentence
from recoup.people.page.timeline_entry import LogContext, TimelineEntry
from recoup.people.page.timeline_entry import plain as _plain


def _part_collected(context: LogContext) -> TimelineEntry:
    left = f"{money(int(context.body.get('left') or 0), context.asset)} {context.asset}"
    text = Sentence("Attempt {0} was for a part; {1} are still owed.", context.get("attempt"), left)
    return TimelineEntry(
        Sentence("A part is collected: {0}", context.amount()), text, "completed", "ok", "money"
    )


def _approved(context: LogContext) -> TimelineEntry:
    title, text = Sentence("{0} approved", context.attempt), ""
    if "requested" in context.body:
        title = Sentence("{0} approved in part: {1}", context.attempt, context.amount())
        text = Sentence(
            "The issuer had no more of the {0} that were asked for.", context.amount("requested")
        )
    return TimelineEntry(title, text, "check", "ok", "attempts")


_PARTS_KEPT: Final = (
    "The rest was never paid. By your terms the order is completed with the "
    "parts that were collected."
)
_REST_ELSEWHERE: Final = (
    "You reported that the rest was paid to you elsewhere. "
    "The order is completed with the parts that were collected here."
)


def _parts_kept(context: LogContext) -> TimelineEntry:
    why = _REST_ELSEWHERE if "transmit_id" in context.body else _PARTS_KEPT
    return _plain("Completed with {amount}", why, "completed", "ok", "money")(context)


SAY: Final[Mapping[str, Callable[[LogContext], TimelineEntry]]] = {
    "part_captured": _plain(
        "Captured in part: {amount}", "The rest stays authorised.", "completed", "ok", "money"
    ),
    "capture_ended": _plain(
        "Captured in parts: {amount}",
        "What was not captured is released.",
        "completed",
        "ok",
        "money",
    ),
    "part_collected": _part_collected,
    "attempt_approved": _approved,
    "parts_kept": _parts_kept,
    "part_owed_back": _plain(
        "Return of {amount} started",
        "The order ended before the rest came: what was collected in parts is given back.",
        "returned",
        "",
        "money",
    ),
    "capture_failed": _plain(
        "The capture of {amount} has failed since",
        "The processor says that the money was not taken after all; the operator looks at it.",
        "problem",
        "bad",
        "money",
    ),
    "refund_failed": _plain(
        "Refund of {amount} has failed since",
        "It had been made, and came back to the processor: the customer is owed it again.",
        "problem",
        "bad",
        "money",
    ),
    "refund_due_again": _plain(
        "Refund of {amount} waits for a person",
        "It is sent again under another number, paid another way, or closed, under Refunds.",
        "note",
        "warn",
        "money",
    ),
    "reversal_failed": _plain(
        "Return of {amount} has failed since",
        "It had been made, and came back to the processor: the customer is owed it again.",
        "problem",
        "bad",
        "money",
    ),
    "reversal_due_again": _plain(
        "Return of {amount} waits for a person",
        "It is sent again under another number, or paid another way, under Refunds.",
        "note",
        "warn",
        "money",
    ),
}
