"""Picks a received order up: counts the decline that came in, reads it, and decides what to do."""

from dataclasses import replace
from uuid import UUID

from recoup.moves.attempt.plan import decide_or_update, follow
from recoup.moves.attempt.send import claim_decline
from recoup.moves.challenge import lifecycle as challenges
from recoup.moves.change import Change
from recoup.moves.order import feature_moves
from recoup.moves.order.answer_deadline import answer_by, too_late
from recoup.rules.network.codes import Reading
from recoup.rules.order import whys
from recoup.rules.order.lifecycle import Stage
from recoup.rules.rescue.order_evidence import declined_at, first_reading
from recoup.rules.risk.decide import decide_risk, exemption_of


def check_risk(change: Change, reading: Reading) -> tuple[UUID | None, bool]:
    """The decision's id, None where nothing is looked at; and whether the order is dealt with by it: the customer is
    asked to confirm, or it is declined. Where the check only watches, nothing is."""
    if change.risk is None or not change.order.by_customer:
        return None, False
    try:
        known = change.risk
        if known.may_challenge and not change.order.may_confirm():  # no route that carries this very payment
            known = replace(known, may_challenge=False)
        given = known.after(reading.reason, change.order.region(), change.now.date(), change.order.issuer_country)
        decision = decide_risk(given)
    except (ArithmeticError, LookupError, ValueError):  # numbers that somebody learned: the payment goes on
        return None, False
    decision_id = change.decide(decision, given.features())
    change.order.exemption = exemption_of(given)
    if not given.is_followed or decision.verdict == "attempt_now":
        return decision_id, False
    reasons = list(decision.reasons)
    if decision.verdict == "challenge":
        challenges.present(change, reading, decision_id, reasons, asks="confirm")
    else:
        change.step("declined", decision_id=decision_id, why=reasons[0], reasons=reasons, cause="risk")
    return decision_id, True


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
    claim_decline(change, order.order_id, reading, declined_at(order))
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
