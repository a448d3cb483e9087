"""The agreement between a customer and a merchant that a payment belongs to, as far as it names one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SUBSCRIPTION_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a payment names of the agreement that it belongs to: the merchant's id of it, and the network's id of the
    transaction in which the customer consented. None: it does not say."""

    subscription: str | None = None
    network_id: str | None = None


def agreement_of(facts: Mapping[str, Any]) -> Agreement:
    """Of an order, by what its merchant sent with it."""
    subscription = (facts.get("subscription") or {}).get("subscriptionId")
    return Agreement(_text(subscription), _text(facts.get("network_transaction_id")))


def _text(value: object) -> str | None:
    return str(value or "").strip()[:SUBSCRIPTION_MAX] or None
