"""Disputes in the order log, in plain words."""

from collections.abc import Callable, Mapping
from typing import Final

from recoup.doors.portal.order.timeline_entry import LogContext, TimelineEntry
from recoup.doors.portal.words import DISPUTE_KINDS, DISPUTE_STAGES
from recoup.rules.network.dispute_reasons import reason_of


def reason_words(scheme: str, code: str) -> str:
    """`code 10.4: Fraud with the card absent`"""
    known = reason_of(scheme, code)
    return f"code {code}: {known.meaning}" if code else "no reason given"


def _name(context: LogContext) -> str:
    return f"Dispute {context.get('number') or '?'}"


def _why(context: LogContext) -> str:
    kind, code = DISPUTE_KINDS.get(context.get("kind"), context.get("kind")), context.get("reason_code")
    return f"{kind}, code {code}: {reason_of(context.scheme, code).meaning}." if code else f"{kind}, no reason given."


def _answer_by(context: LogContext) -> str:
    until = context.moment("respond_by")
    return f" Answer due by {until}." if until else ""


def _opened(context: LogContext) -> TimelineEntry:
    bears = "The operator bears the loss." if context.get("liable") == "operator" else "By contract, you bear the loss."
    text = f"{_why(context)} The cardholder's bank has taken it back. {bears}{_answer_by(context)}"
    title = f"Dispute {context.get('number') or '?'} of {context.amount()}"
    return TimelineEntry(title, text, "chargeback", "bad", "money")


def _inquiry(context: LogContext) -> TimelineEntry:
    text = f"{_why(context)} Nothing has been taken yet: a refund now may end it.{_answer_by(context)}"
    return TimelineEntry(f"The cardholder asks about {context.amount()}", text, "chargeback", "warn", "money")


def _continued(context: LogContext) -> TimelineEntry:
    stage = DISPUTE_STAGES.get(context.get("stage"), context.get("stage"))
    text = f"The money stays taken.{_answer_by(context)}"
    return TimelineEntry(f"{_name(context)} goes on: {stage}", text, "chargeback", "bad", "money")


def _owed(context: LogContext) -> TimelineEntry:
    if context.get("answer") == "accept":
        return TimelineEntry(f"{_name(context)}: accepted", "The processor is told.", "right", "", "money")
    text = "The processor gets your evidence."
    return TimelineEntry(f"{_name(context)}: evidence is sent", text, "right", "run", "money")


def _plain(title: str, text: str, icon: str, tone: str) -> Callable[[LogContext], TimelineEntry]:
    return lambda context: TimelineEntry(
        title.format(name=_name(context), amount=context.amount()),
        text.format(why=context.get("why")).strip(),
        icon,
        tone,
        "money",
    )


SAY: Final[Mapping[str, Callable[[LogContext], TimelineEntry]]] = {
    "dispute_inquiry": _inquiry,
    "dispute_opened": _opened,
    "dispute_continued": _continued,
    "dispute_answer_owed": _owed,
    "inquiry_closed": _plain("The cardholder's question is closed", "{why}", "check", ""),
    "dispute_warned": _plain("{name} needs an answer soon", "Without an answer, it is lost.", "clock", "warn"),
    "dispute_answer_delayed": _plain("{name}: the answer is delayed", "It is sent until the processor accepts it.",
                                     "clock", "warn"),
    "dispute_answer_refused": _plain("{name}: the processor refused the answer", "Check the case at the processor.",
                                     "problem", "bad"),
    "dispute_answered": _plain("{name} answered", "The cardholder's bank decides now.", "check", "run"),
    "dispute_won": _plain("{name} won: {amount} came back", "", "completed", "ok"),
    "dispute_lost": _plain("{name} lost: {amount} stay with the customer", "{why}", "cancelled", "bad"),
    "reversal_netted": _plain("No reversal of {amount} needed", "{why}", "returned", ""),
    "reversal_owed_again": _plain("{amount} go back to the customer", "The charge came after the order had ended.",
                                  "returned", ""),
}  # fmt: skip
