"""Changes that a channel's word about a stablecoin order's payment makes: attempt, order, book,
settlement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks import whys
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.orders.rules.ledger import collected, late_approval
from recoup.orders.rules.lifecycle import OPEN, Stage
from recoup.orders.rules.snapshot import Attempt, Order, Settlement
from recoup.stablecoin.rules.channels import CHANNELS
from recoup.terms.rules.fees import fee_units

DEFAULT: Final = "mock"
PAID_LATE: Final = "paid_late"


def pick_channel(change: Change, code: str | None) -> Attempt:
    """Picks the channel before a payment is given to it: from here on it may be out. The first pick
    fixes the channel, where the charge did not. Its `route` may be another than `code`: then
    `switch_channel`, once the channel denies it."""
    attempt = change.order.attempts[-1]
    route = attempt.route or code or DEFAULT
    if attempt.state in ("planned", "not_sent") and (
        route == (code or route) or change.order.source
    ):
        change.set_attempt(
            attempt, route=route, send_before=change.wall + SEND_WITHIN, closed_at=None
        )
        if change.order.stage not in OPEN:
            change.due("last_word", change.wall, wall=True)
    return attempt


def switch_channel(change: Change, denied: Attempt, code: str) -> Attempt:
    """Another choice is another attempt. `denied`: as it stood when its channel knew nothing of it.

    Raises: Problem(wrong_state) when the payer was quicker in another window.
    """
    order, last = change.order, change.order.attempts[-1]
    if order.stage not in OPEN or not _as_it_was(last, denied) or last.state != "planned":
        raise Problem("wrong_state", "The payment went on elsewhere.", "Load the page again.")
    change.set_attempt(last, state="not_sent", closed_at=change.now)
    attempt = Attempt(
        attempt_id=new_id(),
        order_id=order.order_id,
        attempt_no=last.attempt_no + 1,
        state="planned",
        ladder=last.ladder,
        due_at=change.now,
        units=last.units,
        asset=last.asset,
        initiator=last.initiator,
        route=code,
        send_before=change.wall + SEND_WITHIN,
    )
    change.set_attempt(attempt)
    return attempt


def _as_it_was(now: Attempt, then: Attempt) -> bool:
    """True when the attempt was not given to its channel once more meanwhile."""
    return (now.attempt_id, now.send_before) == (then.attempt_id, then.send_before)


def denied(change: Change, over: Sequence[Attempt], again: datetime | None) -> None:
    """Due work `last_word`: those are not out any more. `again`: of the next inquiry about the
    others."""
    for attempt in change.order.attempts:
        if attempt.is_out() and any(_as_it_was(attempt, before) for before in over):
            change.set_attempt(attempt, closed_at=change.now)
    if any(a.is_out() for a in change.order.attempts):
        change.due("last_word", again or change.wall, wall=True)
    else:
        change.undue("last_word")


def take_payment(
    change: Change,
    attempt_id: UUID,
    *,
    approved: bool,
    reference: str | None,
    code: str | None,
    settles_to: str,
    still_pays: bool = False,
    short: int = 0,
) -> str:
    """Answers the payment's state after it. A repeat of what is known changes nothing.
    `settles_to`: unless the charge has fixed it; `still_pays`: an order that has expired, too;
    `short`: what its payer left out, by the merchant's tolerance.

    Money that comes after the end is no stage change and no loss: a fact, booked as owed back, and
    the order needs attention.
    """
    order = change.order
    attempt = order.attempt(attempt_id)
    if attempt.state in ("approved", "declined"):
        return attempt.state
    if order.stage not in OPEN and not (still_pays and order.stage is Stage.EXPIRED):
        if approved:
            _paid_late(change, attempt, reference)
        return attempt.state
    if not approved and attempt.state == "not_sent":
        return attempt.state  # the payer went on by another channel
    if order.stage is Stage.RECEIVED:
        change.step("started", channel=attempt.route)
    elif order.stage is Stage.HELD:
        change.step("released", why=whys.CHANNEL_ANSWERED)
    change.set_attempt(
        attempt,
        units=order.units - short,
        state="approved" if approved else "declined",
        reference=reference,
        processor_code=code,
        closed_at=change.now,
    )
    if approved:
        _approved(change, attempt, settles_to)
    else:
        change.fact(
            "attempt_declined",
            attempt_id,
            number=attempt.attempt_no,
            code=code,
            meaning="the payer's payment failed",
        )
        change.step("declined", why=whys.PAYMENT_FAILED)
    return attempt.state


def _approved(change: Change, attempt: Attempt, settles_to: str) -> None:
    order, route = change.order, attempt.route or ""
    stamped = order.facts.get(
        "fee_units"
    )  # a chain pays by the terms of the charge, whatever was agreed since
    fee = fee_units(order.units, order.tariff) if stamped is None else int(stamped)
    short = order.short_units
    change.fact(
        "attempt_approved",
        attempt.attempt_id,
        number=attempt.attempt_no,
        reference=attempt.reference,
    )
    change.step(
        "collected",
        units=order.units,
        route=route,
        attempt=attempt.attempt_no,
        fee=fee,
        booked=Booked(
            attempt.attempt_id, collected(order.units, route, fee, order.payable_place, short)
        ),
        **order.tariff.log_details() | ({"short": short} if short else {}),
    )
    if CHANNELS[route].settlement == "direct" and fee < order.units:
        place = str(order.facts.get("settles_to") or settles_to)
        owe_settlement(change, attempt.attempt_id, *parts_of(order, attempt.units, fee), place)


def parts_of(order: Order, units: int, fee: int) -> tuple[int, int]:
    """Divides so many units between the merchant's wallet and the treasury: the merchant first, up
    to the net amount."""
    to_treasury = min(max(units - (order.units - fee), 0), fee)
    return units - to_treasury, to_treasury


def owe_settlement(
    change: Change, attempt_id: UUID, units: int, fee_units: int, settles_to: str
) -> None:
    """Direct money that leaves for the merchant's own wallet: the intent."""
    order = change.order
    settlement = Settlement(
        settlement_id=new_id(),
        order_id=order.order_id,
        attempt_id=attempt_id,
        state="pending",
        units=units,
        fee_units=fee_units,
        asset=order.asset,
        to_address=settles_to,
        business_at=change.now,
    )
    change.set_settlement(settlement)
    change.fact("settlement_due", settlement.settlement_id, units=units, to=settles_to)
    change.due("settle", change.wall, subject_id=settlement.settlement_id, wall=True)


def _paid_late(change: Change, attempt: Attempt, reference: str | None) -> None:
    if attempt.reference is not None:
        return
    change.set_attempt(attempt, reference=reference)
    if not any(a.is_out() for a in change.order.attempts):
        change.undue("last_word")
    change.raise_attention(PAID_LATE)
    change.fact(
        "paid_late",
        attempt.attempt_id,
        units=attempt.units,
        number=attempt.attempt_no,
        reference=reference,
        booked=Booked(attempt.attempt_id, [late_approval(attempt.units, attempt.route or "")]),
    )
