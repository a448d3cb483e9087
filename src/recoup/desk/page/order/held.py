"""Why an order waits for somebody: the cause, what helps, and whom to ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from recoup.desk.page.order.facts import can_capture, capture_before, capture_out, last_hold, last_of
from recoup.kernel.problem import Sentence, joined
from recoup.kit.languages.times import Times
from recoup.networks import whys
from recoup.orders.rules import attention
from recoup.orders.rules.holds import BY_MERCHANT, BY_OPERATOR, KILLED
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.portal_visit import Visit
from recoup.processors.rules.answers import WRONG

OPERATOR: Final = "the operator of Recoup; name the order's id."
OURS: Final = "the person who put it on hold; see the timeline."
DESK: Final = "somebody with the role operations."
DEVELOPER: Final = "the person in charge of your own retries."
CAPTURES: Final = "the person in charge of your captures."
AUTHORISED: Final = "The amount is authorised: nothing is charged until it is captured."
CAPTURING: Final = "The amount is authorised, and its capture is under way."
_BY_HAND: Final = ("Under Refunds, send it again or pay it by hand.", OPERATOR)
_SENT_AGAIN: Final = ("Nothing: it is sent until the processor answers.", OPERATOR)
_INQUIRED: Final = ("Nothing: it is asked until it answers; nothing is sent twice.", OPERATOR)
_LOOKED_UP: Final = ("Look up at the processor what became of it, and report it to the operator.", OPERATOR)
_CLAIMED: Final = ("Nothing: it is written off at the end of its plan; check whether the reports are true.", OPERATOR)
_MENDED: Final = "The timeline has the processor's words. Fix what they name and retry the order, or cancel it."
_REPORTED: Final = "Refund it, unless the customer confirms the payment; a refund in time may spare the dispute."
# By the code of what needs attention: what helps, and whom to ask.
CURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    attention.PAID_TWICE: ("Refund one of the two payments.", DESK),
    attention.PAID_TOO: ("Check whether it is the same purchase; if so, cancel this order.", DESK),
    attention.UNAPPLIED: ("Return it, keep it, or mark it as settled by hand, on this page.", DESK),
    attention.UNEXPECTED: ("Look at its transfers, agree with the customer, then mark it as resolved.", DESK),
    attention.TAKEN_BACK: ("Deliver nothing before it is there again; ask the customer to send it once more.", DESK),
    attention.RETRYING: ("Stop your own retries of it while Recoup works on it.", DEVELOPER),
    attention.REFUNDED_BEFORE: ("Answer the dispute with the refund's reference.", DESK),
    attention.REFUND_NOT_SENT: ("Nothing: the cardholder has the money. The dispute's page shows how it ends.", DESK),
    attention.FRAUD_WARNED: (_REPORTED, DESK),
    attention.REFUND_FAILED: _BY_HAND,
    attention.CAPTURE_FAILED: (
        "Find out why at the processor; if the amount is still owed, charge it as a new order.", DESK,
    ),
    attention.HOLD_EXPIRED: ("Cancel the order; if the amount is still owed, charge it as a new order.", CAPTURES),
    attention.INVOICE_CLOSED: ("Reopen or credit the invoice at the processor, or refund this payment.", DESK),
    attention.UNCLEAR_DECLINE: ("Read its words in the timeline; attempt it again, or cancel the order.", DESK),
    attention.INVOICE_LEFT: ("Void the invoice at the processor, or let it charge that too.", DESK),
    attention.REASON_UNKNOWN: ("Look its code up at the processor, then answer the dispute on its page.", DESK),
    attention.LATE: ("Answer it before its deadline, on the dispute's page.", DESK),
    attention.ANSWER_DELAYED: ("It is sent until the processor accepts it; see the dispute's page.", OPERATOR),
    attention.ANSWER_REFUSED: ("Answer the dispute again on its page.", DESK),
    attention.stuck("refund"): _BY_HAND, attention.stuck("reversal"): _BY_HAND,
    attention.stuck("void"): ("Under Refunds, try the void again.", OPERATOR),
    **{attention.delayed(kind): _SENT_AGAIN for kind in ("refund", "reversal", "void", "capture")},
    attention.CHARGE_UNKNOWN: _INQUIRED,
    attention.REQUEST_REFUSED: (_MENDED, OPERATOR),
    attention.CHARGE_CLAIMED: _CLAIMED, attention.ANSWER_DIFFERS: _LOOKED_UP, attention.NOT_REPEATED: _LOOKED_UP,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trouble:
    cause: str
    cure: str
    ask: str


def trouble(visit: Visit, page: OrderPage) -> Trouble | None:
    """None for an order that needs nobody."""
    found, stage = page.head.attention, page.order.stage
    if found in attention.FOR_PEOPLE and stage in (Stage.HELD, Stage.PROBLEM):
        waits = last_hold(page) if stage is Stage.HELD else last_of(page, "broke")
        return _cured(found, _both(attention.sentence_of(found), waits.get("why")))
    if stage is Stage.HELD:
        return _held(visit, page, found)
    if not found:
        return _authorised(visit, page) if stage is Stage.AUTHORISED else None
    cause = attention.sentence_of(found)
    if found == attention.REQUEST_REFUSED and (refusal := _refusal(page)):
        cause = whys.sentence_of(refusal.get("why") or "") or cause
    if stage is Stage.PROBLEM and found != attention.REQUEST_REFUSED:
        cure = "It continues automatically once the processor reports the outcome; until then nothing is sent."
        return Trouble(cause, cure, OPERATOR)
    unsent = next((r for r in page.modifications if r.state == "stuck"), None)
    if found in attention.FOR_PEOPLE and unsent is not None:
        first = attention.stuck(unsent.kind)
        return _cured(first, _both(attention.sentence_of(first), cause))
    if found == attention.PAID_TWICE and capture_out(page) is not None:
        return _cured(attention.CHARGE_UNKNOWN, cause)
    return _cured(attention.PAID_TWICE if found == attention.PAID_TOO and stage is Stage.COMPLETED else found, cause)


def _refusal(page: OrderPage) -> Mapping[str, Any]:
    """The log entry of the last request that the processor refused as invalid."""
    lines = (line.body for line in reversed(page.log) if line.happening == "attempt_not_sent")
    return next((body for body in lines if body.get("fault") in WRONG), {})


def _cured(first: str, cause: str) -> Trouble:
    """`first`: the code whose cure is the next step."""
    unknown = ("The timeline shows the cause; the problem closes when that is settled.", OPERATOR)
    return Trouble(cause, *CURES.get(attention.code_of(first), unknown))


def _both(first: str | None, second: str | None) -> str:
    return joined(dict.fromkeys(one for one in (first, second) if one))


def _authorised(visit: Visit, page: OrderPage) -> Trouble:
    if capture_out(page) is not None:
        return Trouble(CAPTURING, "Nothing: it is sent until the processor answers.", OPERATOR)
    until, zone = capture_before(page), visit.session.zone
    if until is None or until <= visit.now:
        return Trouble(AUTHORISED, "Nothing: the time to capture it is over, and it is voided.", CAPTURES)
    moment = Sentence("{0} {1}", Times(zone, visit.now).part(until), zone)
    cure = Sentence("Capture it with POST /v1/capture before {0}, otherwise it is voided.", moment)
    if can_capture(visit, page):
        cure = Sentence("Capture it here or with POST /v1/capture before {0}, otherwise it is voided.", moment)
    return Trouble(AUTHORISED, cure, CAPTURES)


def _held(visit: Visit, page: OrderPage, code: str | None) -> Trouble:
    held = last_hold(page)
    beside = attention.sentence_of(code) if code and attention.code_of(code) != attention.HELD else None
    why = _both(held.get("why"), beside) or "It is on hold."
    until = page.due.release
    if until is not None:
        moment = Sentence("{0} {1}", Times(visit.session.zone, visit.now).part(until), visit.session.zone)
        return Trouble(why, Sentence("Nothing: it continues automatically on {0}.", moment), OPERATOR)
    if held.get("cause") == BY_MERCHANT:
        return Trouble(why, "Release it when this is resolved, or cancel it.", OURS)
    if held.get("cause") == BY_OPERATOR:
        return Trouble(why, "The operator releases it when this is resolved.", OPERATOR)
    if held.get("cause") == KILLED:
        return Trouble(why, "The operator resumes sending and releases it.", OPERATOR)
    return Trouble(why, "The operator is looking into it.", OPERATOR)
