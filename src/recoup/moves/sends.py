"""The card's sends as the network gate counts them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.rules.network.codes import Reading
from recoup.rules.network.limits import Allowed, Refused, Send, binds_for_ever, may_send
from recoup.rules.order.snapshot import Order

_BLOCKED = {
    "fraud_dispute": "This card is blocked: its holder disputed a payment here as fraud.",
    "customer": "This customer is blocked by the merchant.", "card": "This card is blocked by the merchant.",
}  # fmt: skip


def _send(row: dict[str, Any]) -> Send:
    return Send(
        at=row["at"], units=row["units"], currency=row["currency"], initiator=row["initiator"],
        acceptor_id=row["acceptor_id"], merchant_id=str(row["merchant_id"]), state=row["state"],
        declined=row["declined"], visa_category=row["visa_category"], advice=row["advice_code"],
        code=row["scheme_code"], klass=row["klass"],
    )  # fmt: skip


def with_reserved(sends: list[dict[str, Any]], reserved: Mapping[UUID, dict[str, Any]]) -> list[dict[str, Any]]:
    """The card's sends as read, and those that earlier orders of the same transaction have just reserved or told."""
    if not reserved:
        return sends
    blank: dict[str, Any] = dict.fromkeys(("declined", "scheme_code", "advice_code", "visa_category", "klass"))
    kept = [row for row in sends if UUID(str(row["send_id"])) not in reserved]
    return kept + [blank | row for row in reserved.values() if row["state"] != "not_sent"]


def gate(
    order: Order, now: datetime, visa_limit: int, initiator: str, *, units: int | None = None
) -> Allowed | Refused:
    """Whether the networks allow one more send of the order's card now. Only under the card's lock. `units`: of this
    send, where they are not the order's."""
    for block in order.blocks:
        until = datetime.fromisoformat(block["until"]) if block["until"] else None
        ours = block["merchant_id"] in (None, str(order.merchant_id))
        if ours and block["acceptor_id"] in (None, order.merchant.acceptor_id) and (until is None or until > now):
            return Refused("blocked", until, _BLOCKED.get(block["reason"], "This card is blocked."))
    return may_send(
        order.card.scheme if order.card else "generic",
        [_send(row) for row in order.sends],
        now,
        units=order.units if units is None else units,
        currency=order.asset,
        initiator="customer" if initiator == "customer" else "merchant",
        acceptor_id=order.merchant.acceptor_id,
        merchant_id=str(order.merchant_id),
        region=order.merchant.region,
        visa_limit=visa_limit,
    )


def lasting(order: Order, reading: Reading, at: datetime) -> bool:
    """Whether a decline forbids sends for longer than any window."""
    send = Send(
        at=at, units=order.units, currency=order.asset, initiator="merchant", acceptor_id=order.merchant.acceptor_id,
        merchant_id=str(order.merchant_id), declined=True, visa_category=reading.visa_category,
        advice=reading.advice, code=reading.code, klass=reading.klass,
    )  # fmt: skip
    return binds_for_ever(reading.scheme, send)
