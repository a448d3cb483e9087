"""The words that the list and its files share."""

from typing import Final

from recoup.orders.rules.faces import STATUS_NAMES

_SHOWN: Final = {1: "On hold", 5: "Capture required", 6: "Refunded"}


STATUS_WORDS: Final[dict[int, str]] = {
    code: _SHOWN.get(code, name) for code, name in STATUS_NAMES.items()
}


REASON_WORDS: Final[dict[str, str]] = {
    "declined": "Declined", "expired": "Expired", "merchant_cancelled": "By you",
    "paid_elsewhere": "Paid elsewhere", "capture_window": "Not captured in time",
    "challenge_failed": "Check failed", "challenge_timeout": "Customer did not answer",
    "payer_refused": "Refused by the customer", "invoice_credited": "Invoice credited",
    "invoice_voided": "Invoice voided", "invoice_uncollectible": "Invoice uncollectible",
    "invoice_gone": "Invoice gone", "subscription_cancelled": "Subscription ended",
    "subscription_paused": "Subscription paused", "billing_stopped": "Billing stopped",
}  # fmt: skip


SCHEME_WORDS: Final = {
    "visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover",
    "jcb": "JCB", "unionpay": "UnionPay", "diners": "Diners Club",
}  # fmt: skip


def reason_word(reason: str | None) -> str:
    """Empty for an order that has not ended so."""
    return REASON_WORDS.get(reason, reason) if reason else ""


def scheme_word(scheme: str) -> str:
    return SCHEME_WORDS.get(scheme, scheme.capitalize() if scheme != "generic" else "Card")


def card_scheme_word(scheme: str) -> str:
    """Empty where there is no card."""
    return scheme_word(scheme) if scheme else ""


def channel_word(order_type: str, source: str) -> str:
    if order_type == "CIT":
        return "CIT phone" if source == "callcenter" else "CIT web"
    return "On-chain" if order_type == "STABLE" else order_type
