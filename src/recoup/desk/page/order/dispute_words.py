"""Disputes in the order log, in plain words."""

from collections.abc import Callable, Mapping
from typing import Final

from recoup.kernel.problem import Sentence, shaped
from recoup.networks.dispute_reasons import reason_of
from recoup.people.page.timeline_entry import LogContext, TimelineEntry
from recoup.people.page.words import DISPUTE_KINDS, DISPUTE_STAGES


def reason_words(scheme: str | None, code: str) -> str:
    """`code 10.4: Fraud with the card absent`"""
    known = reason_of(scheme or "generic", code)
    return Sentence("code {0}: {1}", code, known.meaning) if code else "no reason given"


def _name(context: LogContext) -> str:
    return Sentence("Dispute {0}", context.get("number") or "?")


def _why(context: LogContext) -> str:
    kind, code = (
        DISPUTE_KINDS.get(context.get("kind"), context.get("kind")),
        context.get("reason_code"),
    )
    return (
        Sentence("{0}, code {1}: {2}.", kind, code, reason_of(context.scheme, code).meaning)
        if code
        else Sentence("{0}, no reason given.", kind)
    )


def _answer_by(context: LogContext) -> str:
    until = context.moment("respond_by")
    return Sentence(" Answer due by {0}.", until) if until else ""


def _opened(context: LogContext) -> TimelineEntry:
    bears = (
        "The operator bears the loss."
        if context.get("liable") == "operator"
        else "By contract, you bear the loss."
    )
    text = Sentence(
        "{0} The cardholder's bank has taken it back. {1}{2}",
        _why(context),
        bears,
        _answer_by(context),
    )
    title = Sentence("Dispute {0} of {1}", context.get("number") or "?", context.amount())
    return TimelineEntry(title, text, "chargeback", "bad", "money")


def _inquiry(context: LogContext) -> TimelineEntry:
    text = Sentence(
        "{0} Nothing has been taken yet: a refund now may end it.{1}",
        _why(context),
        _answer_by(context),
    )
    return TimelineEntry(
        Sentence("The cardholder asks about {0}", context.amount()),
        text,
        "chargeback",
        "warn",
        "money",
    )


def _continued(context: LogContext) -> TimelineEntry:
    stage = DISPUTE_STAGES.get(context.get("stage"), context.get("stage"))
    text = Sentence("The money stays taken.{0}", _answer_by(context))
    return TimelineEntry(
        Sentence("{0} goes on: {1}", _name(context), stage), text, "chargeback", "bad", "money"
    )


def _owed(context: LogContext) -> TimelineEntry:
    if context.get("answer") == "accept":
        return TimelineEntry(
            Sentence("{0}: accepted", _name(context)),
            "The processor is told.",
            "right",
            "",
            "money",
        )
    text = "The processor gets your evidence."
    return TimelineEntry(
        Sentence("{0}: evidence is sent", _name(context)), text, "right", "run", "money"
    )


def _plain(title: str, text: str, icon: str, tone: str) -> Callable[[LogContext], TimelineEntry]:
    return lambda context: TimelineEntry(
        shaped(title, name=_name(context), amount=context.amount()),
        shaped(text, why=context.get("why")),
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
    "dispute_warned": _plain("{name} needs an answer soon", "Without an answer, it is lost.",
    "clock", "warn"),
    "dispute_answer_delayed": _plain("{name}: the answer is delayed", "It is sent until the "
                                                                      "processor accepts it.",
                                     "clock", "warn"),
    "dispute_answer_refused": _plain("{name}: the processor refused the answer",
    "Check the case at the processor.",
                                     "problem", "bad"),
    "dispute_answered": _plain("{name} answered", "The cardholder's bank decides now.", "check",
    "run"),
    "dispute_won": _plain("{name} won: {amount} came back", "", "completed", "ok"),
    "dispute_reversed": _plain("{name} reversed: the issuer returned {amount}", "", "returned", ""),
    "dispute_lost": _plain("{name} lost: {amount} stay with the customer", "{why}", "cancelled",
    "bad"),
    "reversal_netted": _plain("No reversal of {amount} needed", "{why}", "returned", ""),
    "reversal_owed_again": _plain("{amount} go back to the customer", "The charge came after the "
                                                                      "order had ended.",
                                  "returned", ""),
}  # fmt: skip
