"""What a channel's word about a stablecoin order's payment changes: attempt, order, book, settlement."""

from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.moves.change import Change
from recoup.rules.money.fees import fee_units
from recoup.rules.money.ledger import collected, late_approval
from recoup.rules.order import attempts as attempt_life
from recoup.rules.order.lifecycle import OPEN, Stage
from recoup.rules.order.snapshot import Attempt, Settlement
from recoup.rules.stable.channels import CHANNELS

PAID_LATE = "Paid after its end: the money is there, the order is not open any more. Give it back, or deliver."


def pick_channel(change: Change, code: str) -> Attempt:
    """The payer's choice, until something is paid. Does nothing where the charge named the channel."""
    attempt = change.order.attempts[-1]
    if not change.order.source and attempt.state == "planned" and attempt.route != code:
        change.set_attempt(attempt, route=code)
    return attempt


def take_payment(
    change: Change, attempt_id: UUID, *, approved: bool, reference: str | None, code: str | None, settles_to: str
) -> str:
    """Answers the payment's state after it. A repeat of what is known changes nothing.

    Money that comes after the end is no stage change and no loss: a fact, booked as owed back, and the desk is told.
    """
    order = change.order
    attempt = next(a for a in order.attempts if a.attempt_id == attempt_id)
    if attempt.state in ("approved", "declined"):
        return attempt.state
    if order.stage not in OPEN:
        if approved:
            _paid_late(change, attempt, reference)
        return attempt.state
    if order.stage is Stage.RECEIVED:
        change.step("started", channel=attempt.route)
    for event in ("sent", "approved" if approved else "declined"):
        row = attempt_life.on(attempt.state, event, order.stage)
        assert row is not None
        change.set_attempt(attempt, state=row.to)
    change.set_attempt(attempt, reference=reference, processor_code=code, closed_at=change.now)
    if approved:
        _approved(change, attempt, settles_to)
    else:
        change.fact("attempt_declined", attempt_id, number=attempt.attempt_no, code=code,
                    meaning="the payer's payment failed")  # fmt: skip
        change.step("declined", why="The payment failed.")
    return attempt.state


def _approved(change: Change, attempt: Attempt, settles_to: str) -> None:
    order, route = change.order, attempt.route or ""
    fee = fee_units(order.units, order.merchant.tariff)
    change.fact("attempt_approved", attempt.attempt_id, number=attempt.attempt_no, reference=attempt.reference)
    change.step("collected", units=order.units, route=route, attempt=attempt.attempt_no, fee=fee)
    change.post("attempt", attempt.attempt_id, collected(order.units, route, fee, order.payable_place))
    if CHANNELS[route].settlement == "direct" and fee < order.units:
        _settle(change, attempt, fee, settles_to)


def _settle(change: Change, attempt: Attempt, fee: int, settles_to: str) -> None:
    """The rest leaves at once for the merchant's own wallet."""
    order = change.order
    settlement = Settlement(
        settlement_id=new_id(), order_id=order.order_id, attempt_id=attempt.attempt_id, state="pending",
        units=order.units - fee, fee_units=fee, asset=order.asset, to_address=settles_to, business_at=change.now,
    )  # fmt: skip
    change.set_settlement(settlement)
    change.fact("settlement_due", settlement.settlement_id, units=settlement.units, to=settles_to)
    change.due("settle", change.wall, subject_id=settlement.settlement_id, wall=True)


def _paid_late(change: Change, attempt: Attempt, reference: str | None) -> None:
    if attempt.reference is not None:
        return
    change.set_attempt(attempt, reference=reference)
    change.order.attention = PAID_LATE
    change.fact("paid_late", attempt.attempt_id, units=attempt.units, number=attempt.attempt_no, reference=reference)
    change.post("attempt", attempt.attempt_id, [late_approval(attempt.units, attempt.route or "")])
