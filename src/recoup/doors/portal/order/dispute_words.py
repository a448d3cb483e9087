"""The lines of the order log that tell of disputes, in plain words."""

from collections.abc import Callable, Mapping
from typing import Final

from recoup.doors.portal.order.told import Said, Told
from recoup.doors.portal.words import DISPUTE_KINDS, DISPUTE_STAGES
from recoup.rules.network.dispute_reasons import reason_of


def reason_words(scheme: str, code: str) -> str:
    """`code 10.4: Fraud with the card absent`"""
    known = reason_of(scheme, code)
    return f"code {code}: {known.meaning}" if code else "no reason given"


def _name(told: Told) -> str:
    return f"Dispute {told.get('number') or '?'}"


def _why(told: Told) -> str:
    kind, code = DISPUTE_KINDS.get(told.get("kind"), told.get("kind")), told.get("reason_code")
    return f"{kind}, code {code}: {reason_of(told.scheme, code).meaning}." if code else f"{kind}, no reason given."


def _answer_by(told: Told) -> str:
    until = told.moment("respond_by")
    return f" Answer due by {until}." if until else ""


def _opened(told: Told) -> Said:
    bears = "The operator bears the loss." if told.get("liable") == "operator" else "By contract, you bear the loss."
    text = f"{_why(told)} The cardholder's bank has taken it back. {bears}{_answer_by(told)}"
    title = f"Dispute {told.get('number') or '?'} of {told.amount()}"
    return Said(title, text, "chargeback", "bad", "money")


def _inquiry(told: Told) -> Said:
    text = f"{_why(told)} Nothing has been taken yet: a refund now may end it.{_answer_by(told)}"
    return Said(f"The cardholder asks about {told.amount()}", text, "chargeback", "warn", "money")


def _continued(told: Told) -> Said:
    stage = DISPUTE_STAGES.get(told.get("stage"), told.get("stage"))
    return Said(f"{_name(told)} goes on: {stage}", f"The money stays taken.{_answer_by(told)}", "chargeback", "bad",
                "money")  # fmt: skip


def _owed(told: Told) -> Said:
    if told.get("answer") == "accept":
        return Said(f"{_name(told)}: accepted", "The processor is told.", "right", "", "money")
    text = "The processor gets your evidence."
    return Said(f"{_name(told)}: evidence is sent", text, "right", "run", "money")


def _plain(title: str, text: str, icon: str, tone: str) -> Callable[[Told], Said]:
    return lambda told: Said(
        title.format(name=_name(told), amount=told.amount()), text.format(why=told.get("why")).strip(), icon, tone,
        "money",
    )  # fmt: skip


SAY: Final[Mapping[str, Callable[[Told], Said]]] = {
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
