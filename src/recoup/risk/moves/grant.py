"""Approved before it was collected: the rule decides, the exposure is taken in the same
transaction, the merchant is owed the amount, and the customer is charged later by the plan."""

from dataclasses import replace
from uuid import UUID

from recoup.kernel.filled import filled
from recoup.kit.slots import offset_minutes
from recoup.networks.codes import Reading
from recoup.orders.moves.change import Booked, Change
from recoup.orders.rules.ledger import advanced
from recoup.orders.rules.snapshot import Advance, Order
from recoup.rescue.moves.answer_deadline import Before, Otherwise
from recoup.rescue.moves.collection import plan_charge
from recoup.rescue.rules.arms import EngineAtHand
from recoup.rescue.rules.order_facts import facts_of
from recoup.risk.rules.advance import AdvanceInputs
from recoup.risk.rules.advance_by_bounds import Judged, advance_by_arm, advance_by_prior
from recoup.terms.rules.collection import CURRENT_COLLECTION, PERIOD
from recoup.terms.rules.exposure import Grant, Limits, Occasion, Room, Wish
from recoup.terms.rules.fees import fee_units


def advance(
    change: Change,
    occasion: Occasion,
    reading: Reading,
    otherwise: Otherwise,
    before: Before | None,
) -> None:
    """Advances where its merchant's terms, the expected loss and the room allow it; the arguments
    as of `advance_or`. What is done is done once the room is known."""
    order = change.order
    limits = order.limits
    if limits is None or not _may(order, limits, occasion):
        otherwise(None)
        return
    fee = fee_units(order.units, order.tariff)
    inputs = AdvanceInputs(occasion, reading, order.units, order.asset, fee, limits, change.now)
    judged = _judged(change, inputs)
    if judged[0].decision.verdict != "approve_now":
        otherwise(_keep(change, *judged))
        return

    def answered(answer: Grant | Room) -> None:
        if isinstance(answer, Grant):
            if before is not None:
                before()
            _advance(change, inputs, judged, answer)
        else:
            refused = _keep(change, *_judged(change, replace(inputs, room=answer)))
            change.due("allot", change.wall, subject_id=order.merchant_id, wall=True)
            otherwise(refused)

    change.wish = Wish(order.units, _customers(order), limits.customer_max_units, answered)


def _customers(order: Order) -> tuple[UUID, ...]:
    """Ids under which a customer's advances count: neither another id, e-mail or phone nor another
    card makes new room for one person."""
    assert order.pan_id is not None
    return (order.pan_id, *order.known_as)


def _may(order: Order, limits: Limits, occasion: Occasion) -> bool:
    """An amount that is only to be held is not advanced; nor is anything while the merchant is
    stopped."""
    return (
        order.customer_waits
        and not order.manual_capture
        and not order.merchant.killed
        and limits.covers(occasion)
    )


def _judged(change: Change, inputs: AdvanceInputs) -> tuple[Judged, Judged | None]:
    """The judgement that holds, and the engine's where it only watches."""
    order, going = change.order, change.order.attempt_in_flight()
    engine = change.given(EngineAtHand)
    if order.arm is None or order.arm_known is None or engine is None:
        return advance_by_prior(inputs, order.advance_bounds), None
    offset = order.facts.get("utc_offset", offset_minutes(None, None))
    out_at = going.sent_at if going is not None else None
    # Other payments of the customer are partly the merchant's own word: no money is risked on them.
    facts = replace(facts_of(order, change.now), looks=())
    inputs = replace(inputs, facts=facts, utc_offset=offset, out_at=out_at)
    return advance_by_arm(order.arm, order.arm_known, inputs, order.advance_bounds, engine)


def _keep(change: Change, done: Judged, watched: Judged | None) -> UUID:
    """Stored like every decision, with what it was made from."""
    if watched is not None:
        change.decide(*watched)
    return change.decide(*done)


def _advance(
    change: Change, inputs: AdvanceInputs, judged: tuple[Judged, Judged | None], grant: Grant
) -> None:
    order, reasons = change.order, list(judged[0].decision.reasons)
    decision_id = _keep(change, *judged)
    assert order.pan_id is not None
    until = change.now + PERIOD
    change.step(
        "advanced",
        decision_id=decision_id,
        units=order.units,
        fee=inputs.fee_units,
        until=until,
        why=reasons[1],
        reasons=reasons,
        booked=Booked(order.order_id, advanced(order.units, inputs.fee_units, order.payable_place)),
        **order.tariff.log_details(),
    )
    change.set_advance(
        filled(
            Advance,
            order,
            slot=grant.slot,
            due_units=order.units,
            state="due",
            policy=CURRENT_COLLECTION.version,
            started_at=change.now,
            until=until,
            customers=_customers(order),
        )
    )
    change.due("write_off", until)
    if grant.low:
        change.due("allot", change.wall, subject_id=order.merchant_id, wall=True)
    if order.attempt_in_flight() is None:
        plan_charge(change, inputs.reading)
