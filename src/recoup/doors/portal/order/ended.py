"""What ended an order, who and when: its last decision only where that decision ended it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recoup.doors.portal.order.timeline import decision_of
from recoup.doors.portal.order.words import actor_words, cure_words
from recoup.rules.order.lifecycle import ENDED, Stage
from recoup.store.read.order_page import OrderPage, Row

_HOW: Final = {
    "declined": "Declined for good: nothing more is tried",
    "expired": "Expired: its time ran out",
    "paid_elsewhere": "Paid elsewhere: your own payment for it succeeded",
    "capture_window_ended": "Not captured in time: the authorisation was let go",
    "challenge_failed": "The customer did not pass the bank's check",
    "challenge_timed_out": "The customer did not answer the bank's check in time",
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
    how = _HOW.get(line["happening"]) or f"Cancelled by {actor_words(line['actor'])}"
    if page.order["kind"] == "stable" and line["happening"] == "declined":
        how = "The payment failed on its channel"
    return Ended(how, line["business_at"], reasons, versions(decision))


def versions(decision: Row | None) -> str:
    found = decision["versions"] if decision else {}
    return ", ".join(f"{name} {value}" for name, value in found.items() if value)
