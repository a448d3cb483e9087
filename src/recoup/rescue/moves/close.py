"""Transaction B of an attempt: what the processor said, and everything that follows from it at
once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.networks import whys
from recoup.networks.card_text import without_card
from recoup.networks.challenge import PURPOSE
from recoup.networks.codes import Reading
from recoup.networks.limits import forbids_for_ever
from recoup.networks.reasons import UNCLEAR
from recoup.networks.sca import SCA
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.pace import NO_ROUTE_PAUSE, NO_ROUTE_PAUSE_MAX
from recoup.orders.moves.sandbox_disputes import schedule_test_dispute
from recoup.orders.rules import attempts as attempt_life
from recoup.orders.rules.attention import (
    ANSWER_DIFFERS,
    NOT_REPEATED,
    REQUEST_REFUSED,
    UNCLEAR_DECLINE,
)
from recoup.orders.rules.ledger import collected
from recoup.orders.rules.lifecycle import OPEN, Stage, can
from recoup.orders.rules.means import by_means, requested_means
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.processors.rules.answers import Fault, Step
from recoup.processors.rules.checks import Checks
from recoup.processors.rules.credential import TokenState
from recoup.rescue.moves import challenge as challenges
from recoup.rescue.moves import collection, feature_moves
from recoup.rescue.moves.answer_deadline import advance_or, decline, in_time
from recoup.rescue.moves.capture import authorise, void_authorisation
from recoup.rescue.moves.challenge_answer import later_plan, not_made, take_back
from recoup.rescue.moves.charges import collect_part, reverse_late_approval
from recoup.rescue.moves.ending import expire_if_due
from recoup.rescue.moves.in_place import IN_PLACE
from recoup.rescue.moves.open import hold
from recoup.rescue.moves.payer_redirected import payer_redirected
from recoup.rescue.moves.plan import (
    decide_next,
    decide_or_update,
    drop_plan,
    follow,
    next_due,
    plan_attempt,
)
from recoup.rescue.rules.order_evidence import attempt_reading, lack_of_money, last_reading
from recoup.terms.rules.fees import fee_units

_SAID: Final = (
    "reference",
    "network_transaction_id",
    "scheme_code",
    "advice_code",
    "processor_code",
)
_WORDS: Final = ("avs", "cvv", "cavv", "risk", "category", "auth_code", "advice")


@frozen
class ProcessorResult:
    """A processor's answer in the words of the attempt's life: approved, declined, timed_out,
    not_sent, not_found; or awaits_payer."""

    event: str
    reference: str | None = None
    network_transaction_id: str | None = None
    scheme_code: str | None = None
    advice_code: str | None = None
    processor_code: str | None = None
    latency_ms: int | None = None
    why: str | None = None  # of not_sent, where it is not the processor's word
    step: Step = "try_later"  # of not_sent
    fault: Fault | None = None
    said: str | None = None  # in the processor's words
    decision_id: UUID | None = None  # the gate's, where that kept it from being sent again
    contradicts: bool = False  # it speaks of another message, amount or currency
    reached_network: bool = True
    network_attempts: int = 1
    units: int | None = None  # of an approval: the part of what was asked for, or all of it
    sca_wanted: bool = False  # the bank wants its customer to confirm, whatever its code says
    checks: Checks | None = None
    retries_itself_at: datetime | None = None
    redirect_url: str | None = None  # of awaits_payer
    withdrawn: bool = False  # the customer did not confirm, and it was ended there
    standing: TokenState | None = None  # of the token that it went by, where the answer says it
    key: UUID | None = (
        None  # and `route`: of what was found in its place, where our database forgot it
    )
    route: str | None = None
    ids: tuple[str, ...] = ()  # what else the processor calls it


Elsewhere = Callable[[Change, Attempt], bool]
"""Whether another route can take at once what was proved not to be sent."""


def _nowhere(_: Change, __: Attempt) -> bool:
    return False


def close_attempt(
    change: Change, attempt_id: UUID, result: ProcessorResult, elsewhere: Elsewhere = _nowhere
) -> str:
    """Records an outcome; answers the attempt's state after it. A repeat of what is known changes
    nothing."""
    order = change.order
    attempt = order.attempt(attempt_id)
    if result.event == "awaits_payer":
        payer_redirected(
            change, attempt, result.redirect_url, without_card(result.reference, order.card)
        )
        return attempt.state
    if result.route is not None:
        change.set_attempt(attempt, key=result.key or attempt.key, route=result.route)
    row = attempt_life.on(attempt.state, result.event, order.stage)
    if row is not None and result.contradicts:
        raise_unclear(change, attempt, ANSWER_DIFFERS)
    if row is None or row.to == attempt.state:
        return attempt.state
    if row.to not in attempt_life.GOING:
        change.undue("inquire")
    if row.to not in attempt_life.GOING and attempt.authentication is not None:
        change.set_attempt(attempt, authentication=attempt.authentication.closed())
    texts = {name: _masked(order, getattr(result, name)) for name in _SAID}
    change.set_attempt(
        attempt,
        state=row.to,
        if_late=row.if_late or attempt.if_late,
        latency_ms=result.latency_ms,
        checks=_without_card(order, result.checks),
        retries_itself_at=result.retries_itself_at,
        **texts | {"reference": texts["reference"] or attempt.reference},
        closed_at=change.now if row.to in ("approved", "declined", "not_sent") else None,
    )
    if row.to in ("approved", "declined"):
        change.note_result(attempt)
    match row.to:
        case "approved":
            change.identify(attempt_id, result.ids)
            change.clear_attention(ANSWER_DIFFERS, NOT_REPEATED, UNCLEAR_DECLINE)
            attempts = result.network_attempts
            change.send(
                attempt_id,
                at=attempt.sent_at,
                state="sent",
                declined=False,
                network_attempts=attempts,
            )
            _approved(
                change, attempt, _less(change, attempt, result), late=row.if_late == "reverse"
            )
        case "declined":
            change.clear_attention(ANSWER_DIFFERS, NOT_REPEATED, UNCLEAR_DECLINE)
            _declined(change, attempt, result)
        case "not_sent":
            change.send(attempt_id, at=attempt.sent_at, state="not_sent")
            _not_sent(change, attempt, row.happening, result, elsewhere)
        case "unknown":
            change.fact("attempt_unknown", attempt_id, number=attempt.attempt_no)
            change.due("inquire", change.wall + timedelta(milliseconds=200), wall=True)
    return attempt.state


def _without_card(order: Order, checks: Checks | None) -> Checks | None:
    if checks is None:
        return None
    words: dict[str, Any] = {name: _masked(order, getattr(checks, name)) for name in _WORDS}
    return replace(
        checks, **words, further=tuple(_masked(order, code) or "" for code in checks.further)
    )


def _masked(order: Order, text: str | None) -> str | None:
    """The text without the number of the card, or of what was sent in its place."""
    text, other = without_card(text, order.card), IN_PLACE.first()
    return (
        without_card(text, other.shown(order)) if other is not None and text is not None else text
    )


def raise_unclear(change: Change, attempt: Attempt, why: str) -> None:
    """People shall look at an attempt whose outcome the processor does not say, once for each
    reason."""
    if change.raise_attention(why):
        change.fact("attempt_unknown", attempt.attempt_id, number=attempt.attempt_no, why=why)


def _less(change: Change, attempt: Attempt, result: ProcessorResult) -> dict[str, Any]:
    """An attempt whose issuer had only a part, which its merchant takes, is for that part. For the
    log."""
    requested = attempt.units
    if result.units is None or result.units >= requested:
        return {}
    reading = lack_of_money(change.order, attempt)
    change.set_attempt(attempt, units=result.units, klass=reading.klass, code_reason=reading.reason)
    return {"units": result.units, "requested": requested}


def _approved(change: Change, attempt: Attempt, less: dict[str, Any], *, late: bool) -> None:
    """`late`: after an end that was announced. `less`: than was asked for, see `_less`."""
    order = change.order
    if late and order.manual_capture:  # it is only held
        change.fact(
            "attempt_approved",
            attempt.attempt_id,
            number=attempt.attempt_no,
            code=attempt.scheme_code,
        )
        void_authorisation(change)
        return
    if late:
        reverse_late_approval(change, attempt, less)
        return
    if order.stage is Stage.PROBLEM:
        change.step("mended", why=whys.ANSWERED)
    change.fact(
        "attempt_approved",
        attempt.attempt_id,
        number=attempt.attempt_no,
        code=attempt.scheme_code,
        latency_ms=attempt.latency_ms,
        **less,
    )
    feature_moves.approved(change, attempt)
    if order.advance is not None:
        collection.charged(change, attempt)
        return
    challenges.passed(change)
    if order.manual_capture:
        authorise(change, attempt)
        return
    if order.collected_units and order.owed_units > 0:
        collect_part(change, attempt)
        if not expire_if_due(change):
            reading = last_reading(order)
            follow(change, *decide_next(change, reading), reading)
        return
    fee = fee_units(order.units, order.tariff)
    rest = attempt.units if len(order.charges()) > 1 else order.units
    part: dict[str, Any] = {"part": rest} if rest != order.units else {}
    change.step(
        "collected",
        units=order.units,
        route=attempt.route,
        attempt=attempt.attempt_no,
        fee=fee,
        booked=Booked(attempt.attempt_id, collected(rest, attempt.route or "", fee)),
        **part,
        **order.tariff.log_details(),
        **by_means(order, attempt),
        **attempt.credential(),
    )
    schedule_test_dispute(change, attempt)


def _declined(change: Change, attempt: Attempt, result: ProcessorResult) -> None:
    order = change.order
    if result.sca_wanted:
        change.set_attempt(attempt, code_reason=SCA)
    reading = attempt_reading(order, attempt)
    change.set_attempt(attempt, klass=reading.klass, code_reason=reading.reason)
    assert attempt.sent_at is not None
    other = IN_PLACE.first()
    gone = other.gone(change, attempt, reading, result.standing) if other is not None else None
    change.send(
        attempt.attempt_id,
        at=attempt.sent_at,
        state="sent" if result.reached_network else "not_sent",
        declined=True,
        network_attempts=result.network_attempts,
        scheme_code=reading.code,
        advice_code=reading.advice,
        visa_category=None if gone else reading.visa_category,
        klass=None if gone else reading.klass,
        lasting=not gone and forbids_for_ever(reading),
    )
    details: dict[str, Any] = {
        "number": attempt.attempt_no,
        "code": reading.code,
        "advice": reading.advice,
        "class": reading.klass,
        "meaning": reading.meaning,
        "reason": reading.reason,
        "cure": reading.cure,
        "latency_ms": attempt.latency_ms,
    }
    stopped = {} if result.reached_network else {"reached_network": False}
    event_body = details | {
        "attempt_id": attempt.attempt_id,
        "is_final": True,
        "next_attempt_at": None,
    }
    event_body |= attempt.credential()

    sent_at = attempt.sent_at

    def record(against: UUID | None = None, **changes: Any) -> None:
        named = {"advance": against} if against is not None else {}
        words = _masked(order, result.said) or "" if reading.reason == UNCLEAR else ""
        event = event_body | changes
        change.fact(
            "attempt_declined",
            attempt.attempt_id,
            event=event,
            words=words,
            **details | stopped | named,
        )
        feature_moves.declined(change, reading, attempt.attempt_id, sent_at)

    if order.collecting() is not None:
        record(is_final=False)
        collection.not_charged(change, reading, token_gone=gone is not None)
        return
    if order.stage not in OPEN:
        record()
        return
    if expire_if_due(change, before=record):
        return
    if order.stage is Stage.PROBLEM:
        change.step("mended", why=whys.ANSWERED)
    if result.withdrawn and challenges.is_abandoned(change, attempt):
        record()
        challenges.abandon(change)
        return
    if attempt.ladder == PURPOSE and not order.by_customer:
        challenges.refused(change, whys.NO_CUSTOMER_ANSWER if result.withdrawn else reading.meaning)
    if attempt.typed is not None:
        _typed_card_declined(change, attempt, reading, record, may_ask=not result.withdrawn)
        return
    decision, decision_id = decide_or_update(change, reading, gone)
    final = decision.verdict == "decline_at_once"

    def go_on(against: UUID | None = None) -> None:
        record(
            against, is_final=final, next_attempt_at=None if final else next_due(change, decision)
        )
        follow(change, decision, decision_id, reading)

    if final and in_time(change):
        advance_or(change, "declined", reading, go_on, before=lambda: record(is_final=False))
    else:
        go_on()


def _typed_card_declined(
    change: Change,
    attempt: Attempt,
    reading: Reading,
    record: Callable[..., None],
    *,
    may_ask: bool,
) -> None:
    """The order goes on as before with its own card; it ends with a hard decline where nothing else
    is left."""
    assert attempt.typed is not None
    decision, decision_id = decide_next(change, reading)
    later, plan = later_plan(change, decision, decision_id) if may_ask else None, attempt.typed.plan
    goes_on = later or plan or challenges.may_offer(change.order)
    over = decision.verdict == "decline_at_once" and not goes_on
    record(is_final=over, next_attempt_at=plan.due_at if plan is not None else None)
    take_back(change, attempt, later)
    if over:
        follow(change, decision, decision_id, reading)
    else:
        challenges.offer(change, change.order.challenges[-1].asks)


def _why_not_sent(attempt: Attempt, result: ProcessorResult) -> str:
    if result.step == "card_instead":
        return whys.CARD_INSTEAD
    if result.step == "other_route":
        return whys.refused(whys.REQUEST_REFUSED, attempt.processor_code)
    if result.step == "route_waits":
        return whys.refused(whys.ACCOUNT_REFUSED, attempt.processor_code)
    return whys.RATE_LIMITED if result.fault == "rate" else whys.NOT_REACHED


def _wait_for_route(change: Change, attempt: Attempt, why: str) -> None:
    """The route is at fault, not the order: it waits, and uses up no try. Where the route goes on
    with others, this payment alone may not be allowed: it is sent more and more seldom."""
    order = change.order
    due = change.now + min(
        NO_ROUTE_PAUSE_MAX, NO_ROUTE_PAUSE * 2 ** min(_failed_in_a_row(order) - 1, 6)
    )
    if order.expires_at is not None and due >= order.expires_at:
        return
    when_due = requested_means(attempt)
    plan_attempt(
        change, due, attempt.ladder, attempt.decision_id, when_due=when_due, units=attempt.units
    )
    if order.stage is Stage.PROCESSING and order.planned() is not None:
        hold(change, why, "account_refused", due)
        change.undue("retry")
        change.due("release", due)


def _not_sent(
    change: Change,
    attempt: Attempt,
    fact: str | None,
    result: ProcessorResult,
    elsewhere: Elsewhere,
) -> None:
    """Proof that nothing left: the same step of the plan is tried again, at once on another route
    when there is one, and by the card's number where its token was why. What was refused as wrong
    is not repeated."""
    order, why = change.order, result.why or _why_not_sent(attempt, result)
    change.look_at_invoice()
    by_card, is_wrong = result.step == "card_instead", result.step == "other_route"
    if fact:
        _note_not_sent(change, attempt, fact, result, why)
    order.attempts_count -= 1
    if order.collecting() is not None:
        elsewhere_now = by_card or result.why is None and elsewhere(change, attempt)
        collection.not_charged(change, elsewhere=elsewhere_now, refused=why if is_wrong else None)
        return
    if order.stage not in OPEN or expire_if_due(change):
        return
    at_once = in_time(change) and (by_card or result.why is None and elsewhere(change, attempt))
    if order.customer_waits and not at_once:
        decline(change, why)
        return
    if order.stage is Stage.PROBLEM:
        change.step("mended", why=whys.NOTHING_SENT)
    if at_once:
        _go_elsewhere(change, attempt)
    elif attempt.ladder == PURPOSE:
        not_made(change, attempt, why, counts=is_wrong)
        if is_wrong and not order.by_customer:
            change.raise_attention(REQUEST_REFUSED)
    elif is_wrong and can(order.stage, "broke"):
        drop_plan(change)
        change.step("broke", why=why, cause=REQUEST_REFUSED)
    elif result.step == "route_waits":
        _wait_for_route(change, attempt, why)
    else:
        _try_later(
            change,
            attempt,
            why if result.fault == "rate" or why == whys.INVOICE_DIFFERS else whys.OUTAGE,
        )


def _note_not_sent(
    change: Change, attempt: Attempt, fact: str, result: ProcessorResult, why: str
) -> None:
    """Records the attempt as not sent, with the processor's words if it refused."""
    details: dict[str, Any] = {}
    said = None
    if result.fault is not None:
        details = {"fault": result.fault, "code": attempt.processor_code}
        said = _masked(change.order, result.said) if result.fault != "outage" else None
    change.fact(
        fact,
        attempt.attempt_id,
        decision_id=result.decision_id,
        words=said or "",
        number=attempt.attempt_no,
        why=why,
        **details,
    )


def _go_elsewhere(change: Change, attempt: Attempt) -> None:
    plan_attempt(
        change,
        change.now,
        attempt.ladder,
        attempt.decision_id,
        initiator=attempt.initiator,
        when_due=requested_means(attempt),
        goes_on=True,
        units=attempt.units,
    )
    if (again := change.order.planned()) is not None:
        change.set_attempt(again, authentication=attempt.authentication, typed=attempt.typed)


def _failed_in_a_row(order: Order) -> int:
    """Newest attempts of which none was sent."""
    sent = [a.state for a in order.attempts if a.route]
    return next((n for n, state in enumerate(reversed(sent)) if state != "not_sent"), len(sent))


def _try_later(change: Change, attempt: Attempt, why: str) -> None:
    """Tries again after a growing pause; `why`: the reason of the hold from the second time on."""
    order = change.order
    failed = _failed_in_a_row(order)
    most = (
        1440 if why == whys.INVOICE_DIFFERS else 60
    )  # it is read anew at once: what stays so, stays
    due = change.now + timedelta(minutes=min(most, 2 ** min(failed, 11)))
    if order.expires_at is not None and due >= order.expires_at:
        return
    when_due = requested_means(attempt)
    plan_attempt(
        change, due, attempt.ladder, attempt.decision_id, when_due=when_due, units=attempt.units
    )
    if failed > 1 and order.stage is Stage.PROCESSING:
        hold(change, why, why if why == whys.INVOICE_DIFFERS else "processor_outage", due)
        change.undue("retry")
        change.due("release", due)
