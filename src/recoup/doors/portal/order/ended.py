"""What ended an order, who and when: its last decision only where that decision ended it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recoup.doors.portal.order.timeline import decision_of
from recoup.doors.portal.order.words import actor_words, cure_words
from recoup.rules.order import causes
from recoup.rules.order.causes import Cause, Try, cause_of
from recoup.rules.order.lifecycle import ENDED, Stage
from recoup.store.read.order_page import OrderPage, Row

_HOW: Final = {
    "expired": "Expired: its time ran out",
    "paid_elsewhere": "Paid elsewhere: your own payment for it succeeded",
    "capture_window_ended": "Not captured in time: the authorisation was let go",
    "challenge_failed": "The customer did not pass the bank's check",
    "challenge_timed_out": "The customer did not answer the bank's check in time",
}
# Of a decline: what happened to the last try.
_CAUSES: Final = {
    causes.HARD: "Declined for good: nothing more is tried",
    causes.SOFT: "Declined while the customer waited: nothing more is tried",
    causes.NO_ANSWER: "No answer by the bank in time: an approval that still comes goes back",
    causes.TOO_LATE: "Approved after the customer had been told no: the amount goes back",
    causes.NOT_SENT: "Nothing could be sent to the bank, and nothing was charged",
    causes.DECLINED: "Declined: nothing more is tried",
}
WHY: Final = {
    causes.HARD: "Nothing more is tried: only a new payment by the customer helps.",
    causes.SOFT: "The bank said no while the customer waited. A later payment, or another card, may succeed.",
    causes.NO_ANSWER: "The customer was told no. Should the bank approve it after all, the amount goes back by itself.",
    causes.TOO_LATE: "The customer was told no before the bank approved it. The amount goes back by itself.",
    causes.NOT_SENT: "The customer was told no without a try at the bank. A new payment may succeed.",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """`reasons` are those of the decision that ended it."""

    how: str
    at: datetime
    reasons: tuple[str, ...]
    versions: str


def ended(page: OrderPage) -> Ended | None:
    """None while it is open, and of one that was paid."""
    line: Row | None = next((one for one in reversed(page.log) if one["src"] != one["dst"]), None)
    if line is None or Stage(line["dst"]) not in ENDED - {Stage.COMPLETED}:
        return None
    decision = decision_of(page, line["decision_id"])
    said = decision["reasons"] if decision else line["body"].get("reasons") or ()
    reasons = tuple(cure for reason in said if (cure := cure_words(reason, tried_again=False)))
    cause = end_cause(page)
    how = _CAUSES.get(cause.word if cause else "") or _HOW.get(line["happening"])
    how = how or f"Cancelled by {actor_words(line['actor'])}"
    if page.order["kind"] == "stable" and line["happening"] == "declined":
        how = "The payment failed on its channel"
    return Ended(how, line["business_at"], reasons, versions(decision))


def end_cause(page: OrderPage) -> Cause | None:
    """From the log and the last try, as the API says it."""
    line: Row | None = next((one for one in reversed(page.log) if one["dst"] == Stage.DECLINED != one["src"]), None)
    tried = [a for a in page.attempts if a["state"] != "planned"]
    last = Try(tried[-1]["state"], tried[-1]["klass"], tried[-1]["code_reason"]) if tried else None
    said = line["body"].get("cause") if line is not None else None
    logged = Cause(said, line["body"].get("decline")) if said and line is not None else None
    return cause_of(Stage(page.order["stage"]), page.head["reason"], last, logged=logged)


def versions(decision: Row | None) -> str:
    found = decision["versions"] if decision else {}
    return ", ".join(f"{name} {value}" for name, value in found.items() if value)
