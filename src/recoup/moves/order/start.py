"""Picks a received order up: counts the decline that came in, reads it, and decides what to do."""

from recoup.moves.attempt.plan import decide_or_update, follow
from recoup.moves.attempt.send import lasting
from recoup.moves.change import Change
from recoup.moves.order import feature_moves
from recoup.moves.order.answer_deadline import answer_by, too_late
from recoup.moves.order.risk import check_risk
from recoup.rules.order import whys
from recoup.rules.order.lifecycle import Stage
from recoup.rules.rescue.order_evidence import declined_at, first_reading


def start_order(change: Change) -> None:
    """Draft to Processing, Cancelled or Expired. Does nothing for an order that was started before."""
    order = change.order
    change.undue("admit")
    if order.stage is Stage.RECEIVED:
        if order.expires_at is not None and change.now >= order.expires_at:
            change.step("expired")
            return
        if order.merchant.killed:
            change.step("held", why=whys.KILL_SWITCH, cause="kill_switch")
            change.due("expire", order.expires_at or change.now)
            return
    elif order.stage is not Stage.PROCESSING or feature_moves.is_counted(order):
        return
    if too_late(change):
        return
    reading = first_reading(order)
    change.send(
        order.order_id,
        at=declined_at(order),
        state="sent",
        declined=True,
        scheme_code=reading.code,
        advice_code=reading.advice,
        visa_category=reading.visa_category,
        klass=reading.klass,
        lasting=lasting(order, reading, declined_at(order)),
        claimed=True,
    )
    stop = feature_moves.stop_of(change)
    feature_moves.declined(change, reading, order.order_id, declined_at(order))
    decision, decision_id, reading = stop or (*decide_or_update(change, reading), reading)
    if decision.verdict != "decline_at_once":
        if order.stage is Stage.RECEIVED:
            change.step("started", decision_id=decision_id)
        if order.expires_at is not None:
            change.due("expire", order.expires_at)
    until = answer_by(order)
    if until is not None:
        change.due("unresolved", until, wall=True)
    beside = None
    if decision.verdict == "attempt_now":
        beside, done = check_risk(change, reading)
        if done:
            return
    follow(change, decision, decision_id, reading, beside=beside)
