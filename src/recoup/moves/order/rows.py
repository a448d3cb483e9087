"""An order's rows as the same transaction writes them: just admitted, and as lists show them. Nothing is read back."""

import msgspec

from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Order
from recoup.store.orders.intake import AdmittedCard, NewOrder
from recoup.store.orders.locks import LockedOrder
from recoup.store.orders.rows import HeadChange, OrderHead

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode


def locked_row(given: NewOrder, card: AdmittedCard) -> LockedOrder:
    """What a locked row of it would be. `card`: what the admission found of it."""
    return LockedOrder(
        merchant_id=given.merchant_id,
        order_id=given.order_id,
        stage=Stage(given.stage),
        version=1,
        door=given.door,
        kind=given.kind,
        external_id=given.external_id,
        generation=given.generation,
        site_id=given.site_id,
        campaign_id=given.campaign_id,
        descriptor=given.descriptor,
        asset=given.asset,
        units=given.units,
        amount_text=given.amount_text,
        token_id=given.token_id,
        card_id=card.card_id,
        pan_id=card.pan_id,
        transaction_id=given.transaction_id,
        placed_at=given.placed_at,
        expires_at=given.expires_at,
        facts=_decode(_encode(given.facts)),
        cards_before=[],
        do_not_retry=False,
        metadata={},
        arm=given.arm,
        created_at=given.placed_at if given.status else None,
        status=given.status,
        order_type=given.order_type,
        source=given.source,
        refunded_units=0,
        disputed=False,
        attempts_count=0,
        next_attempt_at=None,
        reason=None,
        attention=None,
    )


def head_of(order: Order) -> OrderHead:
    """Of a new order: with the decline and the card that it came with."""
    decline = order.facts.get("decline") or {}
    return OrderHead(
        merchant_id=order.merchant_id,
        order_id=order.order_id,
        placed_at=order.placed_at,
        created_at=order.created_at,
        status=order.status,
        order_type=order.order_type,
        source=order.source,
        door=order.door,
        site_id=order.site_id,
        asset=order.asset,
        units=order.units,
        refunded_units=order.refunded_units,
        disputed=order.disputed,
        attempts=order.attempts_count,
        expires_at=order.expires_at,
        next_attempt_at=order.next_attempt_at,
        reason=order.reason,
        attention=order.attention,
        descriptor=order.descriptor,
        campaign_id=order.campaign_id,
        decline_code=decline.get("code") or "",
        decline_source=(decline.get("source") or "").lower(),
        card_scheme=order.card.scheme if order.card else "",
        card_bin=order.card.bin if order.card else "",
    )


def shown(order: Order) -> HeadChange:
    """What may change of its head. Most facts change none of it, and the row has an index for each filter."""
    return HeadChange(
        order.merchant_id,
        order.order_id,
        order.created_at,
        order.status,
        order.units,
        order.refunded_units,
        order.disputed,
        order.attempts_count,
        order.next_attempt_at,
        order.reason,
        order.attention,
        order.expires_at,
    )
