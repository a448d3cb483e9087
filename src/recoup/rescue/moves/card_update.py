"""An order whose decline may be the end of a replaced card: the account updater is queried before
the decline decides, and before an attempt is sent for a card that has expired since."""

from datetime import datetime
from uuid import UUID

from recoup.networks.card import is_expired
from recoup.orders.moves.change import Change, has_room
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Order
from recoup.orders.rules.typed_card import CardIds
from recoup.rescue.moves.plan import card_is_blocked, decide_next, follow
from recoup.rescue.rules.card_update import NEW, Answer, UpdateInput, decide_update, may_be_cured
from recoup.rescue.rules.order_evidence import last_reading, sends_link


def updates_first(change: Change) -> bool:
    """True when an attempt that is due waits for the updater: the card has expired since the
    order's last send."""
    order = change.order
    if not (
        _may_update(change) and has_room(change) and _is_expired(order, change.now)
    ) or card_is_blocked(order):
        return False
    sent = [
        attempt.sent_at
        for attempt in order.attempts
        if attempt.sent_at is not None and attempt.state != "not_sent"
    ]
    if any(_is_expired(order, at) for at in sent):
        return False
    inputs = UpdateInput(last_reading(order), change.now, expired=True)
    decision = decide_update(inputs)
    _note(change, decision, change.decide(decision, inputs.features()))
    change.due("card_update", change.now)
    return True


def waits_for_update(change: Change) -> Order | None:
    """The order, where its updater is still to be queried; None where something else went on with
    it."""
    order = change.order
    if (
        order.stage is Stage.PROCESSING
        and _may_update(change)
        and order.attempt_in_flight() is None
    ):
        planned = order.planned()
        waits = may_be_cured(last_reading(order)) if planned is None else _is_due(change)
        if waits and order.collecting() is None:
            return order
    if order.stage is not Stage.HELD:
        change.undue("card_update")
    return None


def take_update(
    change: Change, token_id: UUID | None, answer: Answer, card: CardIds | None
) -> bool:
    """Applies the updater's answer about the card `token_id`, and tells whether the attempt that
    was due is to be sent as it is. `card`: the new one, None where its token stays."""
    if waits_for_update(change) is None or change.order.token_id != token_id:
        change.undue("card_update")
        return False
    order, reading = change.order, last_reading(change.order)
    change.undue("card_update")
    inputs = UpdateInput(
        reading,
        change.now,
        answer,
        expired=_is_expired(order, change.now),
        by_link=sends_link(order),
        stopped=order.do_not_retry or card_is_blocked(order),
    )
    decision = decide_update(inputs)
    decision_id = change.decide(decision, inputs.features())
    if answer in NEW and card is not None and not inputs.stopped:
        change.swap_card(card)
    # A try that was due is sent all the same: the bank's own answer decides what is mailed.
    closed = decision.verdict == "decline_at_once" or answer == "closed" and order.planned() is None
    if answer in NEW or closed:
        follow(change, decision, decision_id, reading)
        return False
    _note(change, decision, decision_id)
    if order.planned() is not None:
        return True
    usual, usual_id = decide_next(change, reading)
    follow(change, usual, usual_id, reading)
    return False


def method_renewed(change: Change, token_id: UUID) -> bool:
    """A processor's notice, without a query: the method that an order waits with has a new expiry.
    Whether an attempt was planned: only of an order whose last decline may be cured by that, and
    that has none out."""
    order = change.order
    if order.stage is not Stage.PROCESSING or order.do_not_retry or order.initiator == "customer":
        return False
    if order.token_id != token_id or order.attempt_in_flight() is not None:
        return False
    reading, planned = last_reading(order), order.planned()
    if planned is not None and planned.due_at <= change.now:
        return False
    if order.collecting() is not None or not may_be_cured(reading) or not has_room(change):
        return False
    inputs = UpdateInput(reading, change.now, "new_expiry", expired=_is_expired(order, change.now))
    decision = decide_update(inputs)
    follow(change, decision, change.decide(decision, inputs.features()), reading)
    return True


def _note(change: Change, decision: Decision, decision_id: UUID) -> None:
    change.fact(
        "planned",
        decision_id=decision_id,
        verdict=decision.verdict,
        next=None,
        reasons=list(decision.reasons),
    )


def _may_update(change: Change) -> bool:
    order = change.order
    return change.has_updater and order.token_id is not None and order.initiator == "merchant"


def _is_due(change: Change) -> bool:
    planned = change.order.planned()
    return (
        planned is not None
        and planned.due_at <= change.now
        and _is_expired(change.order, change.now)
    )


def _is_expired(order: Order, at: datetime) -> bool:
    card = order.card
    return card is not None and card.exp_year > 0 and is_expired(card.exp_month, card.exp_year, at)
