"""Facts that the engine decides by beside the evidence, read off an order's snapshot. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from recoup.kernel.time import BusinessTime
from recoup.kit.slots import offset_minutes
from recoup.networks.limits import Allowance, Send, Wish, allowance
from recoup.orders.rules.card_sends import initiator_of
from recoup.orders.rules.known import RescueKnown, Seen
from recoup.orders.rules.snapshot import Order
from recoup.rescue.rules.answer_classes import APPROVED, class_of, key_of
from recoup.rescue.rules.facts import LOOKS_MAX, Facts, Look
from recoup.rescue.rules.order_evidence import (
    attempt_reading,
    declined_at,
    first_reading,
    sent_attempts,
)

NOTHING_KNOWN: Final = RescueKnown()
# A merchant's copy of the payment that came in is another attempt only when it stands apart from it
# by so much.
_SAME_PAYMENT: Final = timedelta(minutes=1)


def facts_of(order: Order, now: BusinessTime) -> Facts:
    """Facts known at `now`. An attempt whose answer is not known says nothing. The arm adds
    `explore` and `draw`."""
    known, reading = order.rescue or NOTHING_KNOWN, first_reading(order)
    earlier = earlier_attempts(order.facts)
    first = Look(declined_at(order), class_of(reading), earlier)
    zone, told = zone_of(order.facts)
    room = _allowance(order, now, known.visa_limit) if known.visa_limit is not None else None
    return Facts(
        first=first,
        first_key=key_of(reading),
        issuer=_issuer(order),
        zone=zone,
        zone_known=told,
        tries=_tries(order, earlier),
        looks=_looks(order, known.seen, first, now),
        sends_left=room.left if room else None,
        sends_max=room.maximum if room else None,
        sends_window=round(room.window / timedelta(hours=1)) if room else None,
        free_at=room.free_at if room else None,
        open_orders=1 + known.others_open,
        issuer_answers=known.issuer_answers,
        credit=order.facts.get("funding") == "credit",
        earlier=earlier,
    )


def zone_of(facts: Mapping[str, Any]) -> tuple[int, bool]:
    """Minutes east of UTC at the card holder as the engine counts, and whether they are the card
    holder's own. Of an order from before the engine nobody knows whether they were told."""
    zone = facts.get("zone")
    if zone is not None:
        return int(zone["minutes"]), bool(zone["told"])
    return int(facts.get("utc_offset", offset_minutes(None, None))), False


def _issuer(order: Order) -> str:
    if order.card is None:
        return ""
    return order.card.issuer_digits or order.card.bin


def earlier_attempts(facts: Mapping[str, Any]) -> int:
    """Attempts that the merchant made before the one that came in, as far as it told."""
    return max(1, int(facts.get("attempt_count") or 1)) - 1


def _tries(order: Order, earlier: int) -> tuple[Look, ...]:
    # That a part was approved says little of the rest.
    sent = [
        attempt
        for attempt in sent_attempts(order)
        if attempt.state != "approved" or attempt.units >= order.units
    ]
    numbered = enumerate(sent, start=1 + earlier)
    return tuple(
        Look(
            attempt.sent_at,
            APPROVED if attempt.state == "approved" else class_of(attempt_reading(order, attempt)),
            number,
        )
        for number, attempt in numbered
        if attempt.state in ("approved", "declined") and attempt.sent_at is not None
    )


def _looks(order: Order, seen: tuple[Seen, ...], first: Look, now: datetime) -> tuple[Look, ...]:
    """The payer's looks from other payments; what comes later than now by the merchant's clock is
    not known yet."""
    others = [
        Look(look.at, look.answer, look.tries)
        for look in seen
        if look.order_id != order.order_id
        and look.at < now
        and not (look.order_id is None and _same(look, first))
    ]
    return tuple(sorted(others, key=lambda look: (look.at, look.tries))[-LOOKS_MAX:])


def _same(look: Seen, first: Look) -> bool:
    return look.answer == first.answer and abs(look.at - first.at) <= _SAME_PAYMENT


def _allowance(order: Order, now: datetime, visa_limit: int) -> Allowance | None:
    """The allowance as the gate counts, before one more send of this order."""
    sends = [send.send for send in order.sends]
    if not order.cards_before and all(send.send_id != order.order_id for send in order.sends):
        sends.append(_payment(order))
    return allowance(
        order.card.scheme if order.card else "generic",
        sends,
        now,
        Wish(
            units=order.units,
            currency=order.asset,
            initiator=initiator_of(order.initiator),
            acceptor_id=order.merchant.acceptor_id,
            merchant_id=str(order.merchant_id),
            region=order.region(),
            visa_limit=visa_limit,
            own_tries=order.own_tries,
        ),
    )


def _payment(order: Order) -> Send:
    """The payment that came in, where the same transaction is only just about to count it."""
    return Send(
        declined_at(order),
        order.units,
        order.asset,
        initiator_of(order.initiator),
        order.merchant.acceptor_id,
        str(order.merchant_id),
        declined=True,
        claimed=True,
    )
