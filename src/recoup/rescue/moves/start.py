"""Picks a received order up: counts the decline that came in, reads it, and decides what to do."""

from collections.abc import Callable
from uuid import UUID

from recoup.networks import whys
from recoup.networks.codes import Reading
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.rescue.moves import feature_moves
from recoup.rescue.moves.answer_deadline import answer_by, too_late
from recoup.rescue.moves.plan import decide_or_update, follow
from recoup.rescue.moves.send import claim_decline
from recoup.rescue.rules.order_evidence import declined_at, first_reading

Check = Callable[[Change, Reading], tuple[UUID | None, bool]]
"""A look at a payment before it is sent at once: the decision's id, None where nothing was looked
at; and whether the order is dealt with by it."""


def start_order(change: Change, check: Check | None = None) -> None:
    """Draft to Processing, Cancelled or Expired. Does nothing for an order that was started
    before."""
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
    if decision.verdict == "attempt_now" and check is not None:
        beside, done = check(change, reading)
        if done:
            return
    follow(change, decision, decision_id, reading, beside=beside)
