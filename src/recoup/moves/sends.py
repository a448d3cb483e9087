"""The card's sends as the network gate counts them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.rules.network.codes import Reading
from recoup.rules.network.limits import Send, binds_for_ever, tallies
from recoup.rules.order.card_sends import initiator_of, send_of
from recoup.rules.order.snapshot import Order
from recoup.rules.rescue.gate import Block, GateInput


def with_reserved(sends: list[dict[str, Any]], reserved: Mapping[UUID, dict[str, Any]]) -> list[dict[str, Any]]:
    """The card's sends as read, and those that earlier orders of the same transaction have just reserved or told."""
    if not reserved:
        return sends
    blank: dict[str, Any] = dict.fromkeys(("declined", "scheme_code", "advice_code", "visa_category", "klass"))
    kept = [row for row in sends if UUID(str(row["send_id"])) not in reserved]
    return kept + [blank | row for row in reserved.values() if row["state"] != "not_sent"]


def gate_input(
    order: Order, now: datetime, visa_limit: int, initiator: str, *, units: int | None = None
) -> GateInput:
    """What decides whether the networks allow one more send of the order's card now. Only under the card's lock.
    `units`: of this send, where they are not the order's."""
    scheme, who = order.card.scheme if order.card else "generic", initiator_of(initiator)
    found = tallies(
        scheme, [send_of(row) for row in order.sends], now, units=order.units if units is None else units,
        currency=order.asset, initiator=who, acceptor_id=order.merchant.acceptor_id,
        merchant_id=str(order.merchant_id), region=order.merchant.region, visa_limit=visa_limit,
    )  # fmt: skip
    return GateInput(scheme, order.merchant.region, who, now, found, _blocks(order))


def _blocks(order: Order) -> tuple[Block, ...]:
    """Those that reach this merchant."""
    return tuple(
        Block(block["reason"], datetime.fromisoformat(block["until"]) if block["until"] else None)
        for block in order.blocks
        if block["merchant_id"] in (None, str(order.merchant_id))
        and block["acceptor_id"] in (None, order.merchant.acceptor_id)
    )


def lasting(order: Order, reading: Reading, at: datetime) -> bool:
    """Whether a decline forbids sends for longer than any window."""
    send = Send(
        at=at, units=order.units, currency=order.asset, initiator="merchant", acceptor_id=order.merchant.acceptor_id,
        merchant_id=str(order.merchant_id), declined=True, visa_category=reading.visa_category,
        advice=reading.advice, code=reading.code, klass=reading.klass,
    )  # fmt: skip
    return binds_for_ever(reading.scheme, send)
