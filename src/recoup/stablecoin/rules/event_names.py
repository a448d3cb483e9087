"""Names of the stablecoin dialect's events. Source: contract stablecoin-api §3; decision 0020."""

from collections.abc import Mapping
from typing import Final

# What callers subscribe to -> the event it is in the outbox. The last two are ours and only sent on
# subscription.
NAMES: Final[Mapping[str, str]] = {
    "payment.succeeded": "order.completed",
    "payment.failed": "order.cancelled",
    "payment.refunded": "order.refunded",
    "settlement.completed": "settlement.completed",
    "subscription.charged": "subscription.charged",
    "subscription.completed": "subscription.completed",
    "subscription.payment_failed": "subscription.payment_failed",
    "order.expired": "order.expired",
}
DEFAULT: Final = tuple(name for name in NAMES if name != "order.expired")
WIRE: Final = {ours: wire for wire, ours in NAMES.items()}


def wire_names(events: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(WIRE[name] for name in events if name in WIRE)
