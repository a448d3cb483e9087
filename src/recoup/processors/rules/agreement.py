"""The agreement between a customer and a merchant that a payment belongs to, as far as it names
one. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal, cast, get_args

from recoup.kernel.frozen import frozen

SUBSCRIPTION_MAX: Final = 128
MitReason = Literal[
    "recurring", "installment", "unscheduled", "resubmission", "delayed_charge", "no_show"
]


@frozen
class Agreement:
    """Agreement that a payment names: the merchant's id of it, and the network's id of the
    transaction in which the customer consented. None: it does not say."""

    subscription: str | None = None
    network_id: str | None = None


def agreement_of(facts: Mapping[str, Any]) -> Agreement:
    """The agreement of an order, by what its merchant sent with it."""
    subscription = (facts.get("subscription") or {}).get("subscriptionId")
    return Agreement(_text(subscription), _text(facts.get("network_transaction_id")))


def mit_reason_of(facts: Mapping[str, Any]) -> MitReason:
    """The reason why its merchant charges without the customer: what it said, else by the
    agreement."""
    reason = facts.get("mit_reason") or facts.get("agreement") or "unscheduled"
    return cast(MitReason, reason) if reason in get_args(MitReason) else "unscheduled"


def _text(value: object) -> str | None:
    return str(value or "").strip()[:SUBSCRIPTION_MAX] or None
