"""An order's rows as the same transaction writes them: just admitted, and as lists show them.
Nothing is read back."""

import msgspec

from recoup.kernel.filled import filled
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import LockedOrder, Order
from recoup.orders.store.intake import AdmittedCard, NewOrder
from recoup.orders.store.rows import HeadChange, OrderHead

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode


def locked_row(given: NewOrder, card: AdmittedCard) -> LockedOrder:
    """The row of a new order as a lock would read it. `card`: what the admission found of it."""
    return filled(
        LockedOrder,
        given,
        stage=Stage(given.stage),
        version=1,
        card_id=card.card_id,
        pan_id=card.pan_id,
        facts=_decode(_encode(given.facts)),
        cards_before=[],
        do_not_retry=False,
        metadata={},
        created_at=given.placed_at if given.status else None,
        refunded_units=0,
        disputed=False,
        attempts_count=0,
        next_attempt_at=None,
        reason=None,
        attention=None,
    )


def head_of(order: Order) -> OrderHead:
    """The head of a new order, with the decline and the card that it came with."""
    decline = order.facts.get("decline") or {}
    return filled(
        OrderHead,
        order,
        attempts=order.attempts_count,
        decline_code=decline.get("code") or "",
        decline_source=(decline.get("source") or "").lower(),
        card_scheme=order.card.scheme if order.card else "",
        card_bin=order.card.bin if order.card else "",
    )


def shown(order: Order) -> HeadChange:
    """The parts of an order's head that may change. Most facts change none of it, and the row has
    an index for each filter."""
    return filled(HeadChange, order, attempts=order.attempts_count)
