"""The stablecoin dialect's events: the body of each, and how it is signed.

Source: contract stablecoin-api §3; decision 0020.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recoup.kernel.encode import encode
from recoup.kernel.ids import wire_id
from recoup.kernel.time import stamp
from recoup.keys.rules.signing import encrypt_webhook, sign_webhook
from recoup.orders.rules.amounts import text_like
from recoup.orders.rules.events import Event, Rendered
from recoup.stablecoin.rules.channels import CHANNELS
from recoup.stablecoin.rules.event_names import WIRE

if TYPE_CHECKING:
    from recoup.orders.rules.snapshot import Order


def stable_event_data(order: "Order", body: Mapping[str, Any]) -> dict[str, Any]:
    """The flat facts of an order as it stands, ready to be kept and sent. Amounts are text."""
    payment = order.paid_by()
    channel = channel_of(order)
    facts: dict[str, Any] = {
        "merchant_order_id": order.external_id,
        "amount": order.amount_text,
        "currency": order.asset,
        "status": order.face().stable,
        "channel": channel,
        "channel_name": CHANNELS[channel].name if channel in CHANNELS else "",
    }
    if order.refunded_units:
        facts["refunded_amount"] = text_like(order.refunded_units, order.asset, order.amount_text)
    if payment and payment.closed_at:
        facts["paid_at"] = stamp(payment.closed_at)
    if "settlement" in body:
        facts = {key: facts[key] for key in ("merchant_order_id", "currency")} | body["settlement"]
    return facts


def channel_of(order: "Order") -> str:
    """The channel of the payment; empty until the payer has picked one."""
    payment = order.paid_by() or (order.attempts[-1] if order.attempts else None)
    return (payment.route if payment else None) or order.source


def wire_event(event: Event) -> str | None:
    """The name that a receiver sees; None for what this dialect does not have: an order that the
    merchant cancelled."""
    if event.name == "order.cancelled" and event.data.get("status") != "failed":
        return None
    return WIRE.get(event.name)


def render_stable(event: Event, secret: str, now: datetime, *, encrypt: bool) -> Rendered | None:
    """The whole of one delivery: the body is the same at each try, the signature is of `now`, wall
    time."""
    name = wire_event(event)
    if name is None:
        return None
    body = encode(_body(name, event))
    if encrypt:
        nonce = hmac.digest(secret.encode(), b"nonce" + event.event_id.bytes, "sha256")[:12]
        body = encrypt_webhook(secret, nonce, body)
    timestamp = str(int(now.timestamp()))
    headers = {
        "content-type": "application/json",
        "x-fluxa-event": name,
        "x-fluxa-timestamp": timestamp,
        "x-fluxa-signature": sign_webhook(secret, timestamp, body),
        "x-fluxa-delivery": event.event_id.hex,
    }
    return Rendered(headers | ({"x-fluxa-encryption": "A256GCM"} if encrypt else {}), body)


def _body(name: str, event: Event) -> dict[str, Any]:
    data = dict(event.data)
    refunded, paid_at = data.pop("refunded_amount", None), data.pop("paid_at", None)
    body: dict[str, Any] = {"event": name}
    if event.order_id and event.external_order_id is not None:
        body["order_id"] = wire_id("ord", event.order_id)
    body |= data | {"is_test": event.test_mode}
    if refunded is not None:
        body["refunded_amount"] = refunded
    return body | ({"paid_at": paid_at} if paid_at is not None else {})
