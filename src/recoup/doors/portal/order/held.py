"""Why an order waits for somebody: the cause, what helps, and whom to ask."""

from dataclasses import dataclass
from typing import Final

from recoup.doors.portal.order.facts import can_capture, capture_before, capture_out, last_hold, last_of
from recoup.doors.portal.templates import when
from recoup.doors.portal.visit import Visit
from recoup.rules.order.attention import FOR_PEOPLE, PAID_TOO, PAID_TWICE, STUCK
from recoup.rules.order.holds import BY_MERCHANT, BY_OPERATOR, KILLED
from recoup.rules.order.lifecycle import Stage
from recoup.store.read.order_page import OrderPage

OPERATOR: Final = "the operator of Recoup; name the order's id."
OURS: Final = "the person who put it on hold; see the timeline."
DESK: Final = "somebody with the role operations."
DEVELOPER: Final = "the person in charge of your own retries."
CAPTURES: Final = "the person in charge of your captures."
AUTHORISED: Final = "The amount is authorised: nothing is charged until it is captured."
CAPTURING: Final = "The amount is authorised, and its capture is under way."
# How causes begin -> what helps, and whom to ask.
_CURES: Final[tuple[tuple[str, str, str], ...]] = (
    ("Paid twice", "Refund one of the two payments.", DESK),
    ("The same customer paid the same amount", "Check whether it is the same purchase; if so, cancel this "
                                               "order.", DESK),
    ("The merchant is retrying", "Stop your own retries of it while Recoup works on it.", DEVELOPER),
    ("Already refunded", "Answer the dispute with the refund's reference.", DESK),
    ("A refund was not sent", "Nothing: the cardholder has the money. The dispute's page shows how it ends.", DESK),
    ("Dispute ", "Answer it before its deadline, on the dispute's page.", DESK),
    ("The answer to dispute", "It is sent until the processor accepts it; see the dispute's page.", OPERATOR),
    ("The processor did not take the answer", "Answer the dispute again on its page.", DESK),
    ("A refund is stuck", "Under Refunds, send it again or pay it by hand.", OPERATOR),
    ("A refund is delayed", "Nothing: it is sent until the processor answers.", OPERATOR),
    ("A reversal is delayed", "Nothing: it is sent until the processor answers.", OPERATOR),
    ("A reversal is", "Under Refunds, send it again or pay it by hand.", OPERATOR),
    ("A void is", "Under Refunds, try the void again.", OPERATOR),
    ("The processor has not said", "Nothing: it is asked until it answers; nothing is sent twice.", OPERATOR),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    cause: str
    cure: str
    ask: str


def trouble(visit: Visit, page: OrderPage) -> Trouble | None:
    """None for an order that needs nobody."""
    cause, stage = page.head["attention"], Stage(page.order["stage"])
    if cause in FOR_PEOPLE and stage in (Stage.HELD, Stage.PROBLEM):
        waits = last_hold(page) if stage is Stage.HELD else last_of(page, "broke")
        return _cured(cause, _both(cause, waits.get("why")))
    if stage is Stage.HELD:
        return _held(visit, page, cause)
    if not cause:
        return _authorised(visit, page) if stage is Stage.AUTHORISED else None
    if stage is Stage.PROBLEM:
        cure = "It continues automatically once the processor reports the outcome; until then nothing is sent."
        return Trouble(cause, cure, OPERATOR)
    stuck = next((r for r in page.refunds if r["state"] == "stuck"), None)
    if cause in FOR_PEOPLE and stuck is not None:
        first = STUCK.format(kind=stuck["kind"])
        return _cured(first, _both(first, cause))
    if cause == PAID_TWICE and capture_out(page) is not None:
        return _cured("The processor has not said", cause)
    return _cured(PAID_TWICE if cause == PAID_TOO and stage is Stage.COMPLETED else cause, cause)


def _cured(first: str, cause: str) -> Trouble:
    """`first`: the cause whose cure is the next step."""
    unknown = ("The timeline shows the cause; the problem closes when that is settled.", OPERATOR)
    return Trouble(cause, *next((one[1:] for one in _CURES if first.startswith(one[0])), unknown))


def _both(first: str | None, attention: str | None) -> str:
    return " ".join(dict.fromkeys(one for one in (first, attention) if one))


def _authorised(visit: Visit, page: OrderPage) -> Trouble:
    if capture_out(page) is not None:
        return Trouble(CAPTURING, "Nothing: it is sent until the processor answers.", OPERATOR)
    until, zone = capture_before(page), visit.session.zone
    if until is None or until <= visit.now:
        return Trouble(AUTHORISED, "Nothing: the time to capture it is over, and it is voided.", CAPTURES)
    moment = f"{when(until, visit.now, zone=zone)} {zone}"
    cure = f"Capture it with POST /v1/capture before {moment}, otherwise it is voided."
    if can_capture(visit, page):
        cure = f"Capture it here or with POST /v1/capture before {moment}, otherwise it is voided."
    return Trouble(AUTHORISED, cure, CAPTURES)


def _held(visit: Visit, page: OrderPage, attention: str | None) -> Trouble:
    held = last_hold(page)
    why = _both(held.get("why"), attention) or "It is on hold."
    until = page.due.get("release")
    if until is not None:
        moment = f"{when(until, visit.now, zone=visit.session.zone)} {visit.session.zone}"
        return Trouble(why, f"Nothing: it continues automatically on {moment}.", OPERATOR)
    if held.get("cause") == BY_MERCHANT:
        return Trouble(why, "Release it when this is resolved, or cancel it.", OURS)
    if held.get("cause") == BY_OPERATOR:
        return Trouble(why, "The operator releases it when this is resolved.", OPERATOR)
    if held.get("cause") == KILLED:
        return Trouble(why, "The operator resumes sending and releases it.", OPERATOR)
    return Trouble(why, "The operator is looking into it.", OPERATOR)
