"""Trouble of an order that waits for somebody: the cause, what helps, and whom to ask."""

from collections.abc import Mapping
from typing import Any, Final

from recoup.desk.page.order.facts import (
    can_capture,
    capture_before,
    capture_out,
    last_hold,
    last_of,
)
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, joined
from recoup.kit.languages.times import Times
from recoup.networks import whys
from recoup.orders.rules import attention
from recoup.orders.rules.attention import CAPTURES, OPERATOR, SENT_AGAIN
from recoup.orders.rules.holds import BY_MERCHANT, BY_OPERATOR, KILLED
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.portal_visit import Visit
from recoup.processors.rules.answers import WRONG

OURS: Final = "the person who put it on hold; see the timeline."
AUTHORISED: Final = "The amount is authorised: nothing is charged until it is captured."
CAPTURING: Final = "The amount is authorised, and its capture is under way."


@frozen
class Trouble:
    cause: str
    cure: str
    ask: str


def trouble(visit: Visit, page: OrderPage) -> Trouble | None:
    """The trouble of an order; None for one that needs nobody."""
    reason, stage = page.head.attention, page.order.stage
    if reason in attention.FOR_PEOPLE and stage in (Stage.HELD, Stage.PROBLEM):
        waits = last_hold(page) if stage is Stage.HELD else last_of(page, "broke")
        return _cured(reason, _both(attention.sentence_of(reason), waits.get("why")))
    if stage is Stage.HELD:
        return _held(visit, page, reason)
    if not reason:
        return _authorised(visit, page) if stage is Stage.AUTHORISED else None
    cause = attention.sentence_of(reason)
    if reason == attention.REQUEST_REFUSED and (refusal := _refusal(page)):
        cause = whys.sentence_of(refusal.get("why") or "") or cause
    if stage is Stage.PROBLEM and reason != attention.REQUEST_REFUSED:
        cure = (
            "It continues automatically once the processor reports the outcome; until then "
            "nothing is sent."
        )
        return Trouble(cause, cure, OPERATOR)
    unsent = next((r for r in page.modifications if r.state == "stuck"), None)
    if reason in attention.FOR_PEOPLE and unsent is not None:
        first = attention.stuck(unsent.kind)
        return _cured(first, _both(attention.sentence_of(first), cause))
    if reason == attention.PAID_TWICE and capture_out(page) is not None:
        return _cured(attention.CHARGE_UNKNOWN, cause)
    return _cured(
        attention.PAID_TWICE
        if reason == attention.PAID_TOO and stage is Stage.COMPLETED
        else reason,
        cause,
    )


def _refusal(page: OrderPage) -> Mapping[str, Any]:
    """The log entry of the last request that the processor refused as invalid."""
    lines = (line.body for line in reversed(page.log) if line.happening == "attempt_not_sent")
    return next((body for body in lines if body.get("fault") in WRONG), {})


def _cured(first: str, cause: str) -> Trouble:
    """`first`: the code whose cure is the next step."""
    reason = attention.reason_of(first)
    if reason is None or not reason.cure:
        return Trouble(
            cause,
            "The timeline shows the cause; the problem closes when that is settled.",
            OPERATOR,
        )
    return Trouble(cause, reason.cure, reason.ask)


def _both(first: str | None, second: str | None) -> str:
    return joined(dict.fromkeys(sentence for sentence in (first, second) if sentence))


def _authorised(visit: Visit, page: OrderPage) -> Trouble:
    if capture_out(page) is not None:
        return Trouble(CAPTURING, SENT_AGAIN, OPERATOR)
    until, zone = capture_before(page), visit.session.zone
    if until is None or until <= visit.now:
        return Trouble(
            AUTHORISED, "Nothing: the time to capture it is over, and it is voided.", CAPTURES
        )
    moment = Sentence("{0} {1}", Times(zone, visit.now).part(until), zone)
    cure = Sentence("Capture it with POST /v1/capture before {0}, otherwise it is voided.", moment)
    if can_capture(visit, page):
        cure = Sentence(
            "Capture it here or with POST /v1/capture before {0}, otherwise it is voided.", moment
        )
    return Trouble(AUTHORISED, cure, CAPTURES)


def _held(visit: Visit, page: OrderPage, code: str | None) -> Trouble:
    held = last_hold(page)
    beside = (
        attention.sentence_of(code) if code and attention.code_of(code) != attention.HELD else None
    )
    why = _both(held.get("why"), beside) or "It is on hold."
    until = page.due.release
    if until is not None:
        moment = Sentence(
            "{0} {1}", Times(visit.session.zone, visit.now).part(until), visit.session.zone
        )
        return Trouble(
            why, Sentence("Nothing: it continues automatically on {0}.", moment), OPERATOR
        )
    if held.get("cause") == BY_MERCHANT:
        return Trouble(why, "Release it when this is resolved, or cancel it.", OURS)
    if held.get("cause") == BY_OPERATOR:
        return Trouble(why, "The operator releases it when this is resolved.", OPERATOR)
    if held.get("cause") == KILLED:
        return Trouble(why, "The operator resumes sending and releases it.", OPERATOR)
    return Trouble(why, "The operator is looking into it.", OPERATOR)
