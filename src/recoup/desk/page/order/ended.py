"""End of an order, by what, whom and when: its last decision only where that decision ended it."""

from typing import Any, Final

from recoup.desk.page.order.timeline import decision_of
from recoup.desk.page.order.words import actor_words
from recoup.kernel.problem import Sentence
from recoup.networks.reasons import only_waits
from recoup.orders.rules import causes
from recoup.orders.rules.causes import Cause, Try, cause_of
from recoup.orders.rules.lifecycle import ENDED, Stage
from recoup.orders.rules.words import REASON_WORDS
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import PageDecision

_HOW: Final = {
    **REASON_WORDS,
    "expired": "Expired before an approval",
    "paid_elsewhere": "Paid elsewhere: your own payment for it succeeded",
    "capture_window_ended": "Not captured in time: the authorisation was voided",
    "challenge_failed": "The customer did not pass the bank's check",
    "challenge_timed_out": "The customer did not answer the bank's check in time",
    "payer_refused": "The customer chose not to pay",
}
# Of a decline: what happened to the last try.
_CAUSES: Final = {
    causes.HARD: "Declined for good: no further attempts",
    causes.SOFT: "Declined while the customer waited: no further attempts",
    causes.NO_ANSWER: "No answer from the bank in time: a late approval is reversed",
    causes.TOO_LATE: "Approved after the customer was shown a decline: reversed",
    causes.NOT_SENT: "Not sent to the bank; nothing was charged",
    causes.DECLINED: "Declined: no further attempts",
}
WHY: Final = {
    causes.HARD: "No further attempts: only a new payment by the customer helps.",
    causes.SOFT: "The bank declined while the customer waited. A later payment, or another card, "
    "may succeed.",
    causes.NO_ANSWER: "The customer was told no. If the bank approves it after all, the amount is "
    "reversed "
    "automatically.",
    causes.TOO_LATE: "The customer was shown a decline before the bank approved it. The amount is "
    "reversed "
    "automatically.",
    causes.NOT_SENT: "The customer was shown a decline without an attempt at the bank. A new "
    "payment may succeed.",
}


def ended(page: OrderPage) -> dict[str, Any] | None:
    """The end of an order; None while it is open, and of one that was paid. `reasons` are those of
    the decision that ended it."""
    line = next((logged for logged in reversed(page.log) if logged.src != logged.dst), None)
    if line is None or line.dst not in ENDED - {Stage.COMPLETED}:
        return None
    decision = decision_of(page, line.decision_id)
    reasons = reasons_at_end(decision) if decision else tuple(line.body.get("reasons") or ())
    cause = end_cause(page)
    how = _CAUSES.get(cause.word if cause else "") or _HOW.get(line.happening)
    how = how or Sentence("Cancelled by {0}", actor_words(line.actor))
    if page.order.kind == "stable" and line.happening == "declined":
        how = "The payment failed on its channel"
    return dict(how=how, at=line.business_at, reasons=reasons, versions=versions(decision))


def reasons_at_end(decision: PageDecision) -> tuple[str, ...]:
    """Reasons of an order that is not tried again: not the cure that only waits for the next
    attempt."""
    reading = decision.features.get("reading") or {}
    waits = only_waits(reading.get("reason", ""), reading.get("klass", ""))
    return tuple(reason for reason in decision.reasons if not waits or reason != reading["cure"])


def end_cause(page: OrderPage) -> Cause | None:
    """The cause of the end from the log and the last attempt, as the API says it."""
    line = next(
        (logged for logged in reversed(page.log) if logged.dst == Stage.DECLINED != logged.src),
        None,
    )
    tried = [a for a in page.attempts if a.state != "planned"]
    last = Try(tried[-1].state, tried[-1].klass, tried[-1].code_reason) if tried else None
    cause_code = line.body.get("cause") if line is not None else None
    logged = (
        Cause(cause_code, line.body.get("decline")) if cause_code and line is not None else None
    )
    return cause_of(page.order.stage, page.head.reason, last, logged=logged)


def versions(decision: PageDecision | None) -> str:
    known = decision.versions if decision else {}
    return ", ".join(f"{name} {value}" for name, value in known.items() if value)
