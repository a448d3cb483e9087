"""The shared reason words: which code means which, and what a merchant can do about it."""

from typing import Final

REVOKED: Final = "revoked"  # the reason word of a customer's stop at the bank
UNCLEAR: Final = "unclear"  # of words that sound final and are in no phrase that is sure

# word -> (what the merchant reads, the only or best cure)
REASONS: Final[dict[str, tuple[str, str]]] = {
    "insufficient_funds": (
        "not enough money on the card",
        "Nothing to do: Recoup tries again near a pay day.",
    ),
    "limit_exceeded": (
        "the card's own limit is reached",
        "Nothing to do: the limit opens again with a new day or month.",
    ),
    "do_not_honor": (
        "the bank said no without a reason",
        "Nothing to do now; another card of the customer also helps.",
    ),
    "call_issuer": (
        "the bank wants to hear from its customer",
        "Ask the customer to call the bank, or for another card.",
    ),
    "issuer_unavailable": (
        "the bank could not be reached",
        "Nothing to do: Recoup tries again soon.",
    ),
    "system_error": ("a system on the way failed", "Nothing to do: Recoup tries again soon."),
    "expired_card": (
        "the card has expired, or its expiry date is wrong",
        "Ask the customer for the new expiry date or another card.",
    ),
    "card_update_available": (
        "the card's data have changed",
        "Fetch the new card data, or ask the customer for them.",
    ),
    "invalid_number": (
        "the card number is wrong",
        "Ask the customer for the right number or another card.",
    ),
    "closed_or_invalid_account": (
        "the account is closed or not known",
        "Ask the customer for another card.",
    ),
    "lost_stolen": ("the card is reported lost or stolen", "Ask the customer for another card."),
    "restricted": (
        "the bank does not allow this use of the card",
        "Ask the customer for another card.",
    ),
    "fraud_suspected": (
        "the bank suspects fraud",
        "Speak with the customer first; then a new payment by the customer.",
    ),
    "revoked": (
        "the customer has stopped this agreement at the bank",
        "Stop the agreement; only a new one by the customer helps.",
    ),
    "sca_required": (
        "the customer must confirm with the bank",
        "Send the customer a link to pay and confirm.",
    ),
    "bad_cvv": ("the security code is wrong", "Ask the customer to enter the security code again."),
    "bad_address": (
        "the address does not match",
        "Ask the customer for the right billing address.",
    ),
    "bad_pin": (
        "the PIN is missing, wrong or blocked",
        "Ask the customer for another card, or to speak with the bank.",
    ),
    "cardholder_not_identified": (
        "the cardholder could not be identified",
        "Ask the customer to pay and confirm, or for another card.",
    ),
    "card_not_authenticated": (
        "the card itself could not be authenticated",
        "Ask the customer to pay again, or for another card.",
    ),
    "amount_or_currency": (
        "amount or currency is not accepted",
        "Change the amount or the currency.",
    ),
    "duplicate": (
        "the network takes it for a duplicate",
        "Look the first payment up at the processor: it may have been approved.",
    ),
    "network_blocked": ("the processor holds the card back", "Ask the customer for another card."),
    "merchant_setup": (
        "the merchant's set-up is refused",
        "Ask the acquirer to correct the merchant's set-up.",
    ),
    "not_completed": ("the payment was broken off", "The customer has to start the payment again."),
    "unclear": (
        "the processor's words sound final, but are on no list",
        "Read the processor's words: attempt it again by hand, or end the order.",
    ),
    "approved": ("the payment was approved", "Nothing to do."),
}

_WAITING: Final = frozenset({
    "insufficient_funds", "limit_exceeded", "do_not_honor", "issuer_unavailable", "system_error",
    "approved",
})  # fmt: skip
_BY_CLASS: Final[dict[str, str]] = {
    "approved": "approved", "funds": "insufficient_funds", "soft": "do_not_honor",
    "technical": "system_error", "data": "invalid_number",
    "sca": "sca_required", "fraud": "fraud_suspected", "hard": "restricted",
    "configuration": "merchant_setup",
}  # fmt: skip

# reason -> (classes in which a code can mean it, two-character codes, Amex codes)
_CODES: Final[dict[str, tuple[str, str, str]]] = {
    "insufficient_funds": ("funds", "51", "116"),
    "limit_exceeded": ("funds soft", "61 65 N4", "121"),
    "do_not_honor": ("soft technical", "05 21", "100"),
    "call_issuer": ("soft", "01 02 70", "107"),
    "issuer_unavailable": ("technical", "91 92 N0 Z3", "182 911 912"),
    "expired_card": ("data", "33 54 79", "101 125"),
    "card_update_available": ("data", "", "104 187"),
    "invalid_number": ("data hard", "14", "111"),
    "closed_or_invalid_account": (
        "hard soft data",
        "15 35 39 42 44 46 52 53 56 76 77",
        "105 188 189",
    ),
    "lost_stolen": ("hard fraud", "04 07 41 43", "200"),
    "restricted": ("hard soft", "12 57 5C 62 64 78 81 93 9G N3 N5", "119"),
    "fraud_suspected": ("fraud", "34 37 59 63 66 83", ""),
    "revoked": ("hard", "18 R0 R1 R3", ""),
    "sca_required": ("sca", "1A", "130"),
    "bad_cvv": ("data", "82 N7", "103 122"),
    "bad_address": ("data", "", "190"),
    "bad_pin": ("data soft", "38 55 71 74 75 86 87 89", "106 117"),
    "cardholder_not_identified": ("data", "6P", ""),
    "card_not_authenticated": ("data", "Q1", ""),
    "amount_or_currency": ("data hard configuration", "13 23 N8 Z5", "110 183"),
    "duplicate": ("technical", "94", ""),
    "not_completed": ("hard", "17", ""),
}
_OF: Final[dict[str, tuple[str, frozenset[str]]]] = {
    code: (reason, frozenset(classes.split()))
    for reason, (classes, two, amex) in _CODES.items()
    for code in (two + " " + amex).split()
}
_ADVICE: Final[dict[str, str]] = {
    "01": "card_update_available", "02": "do_not_honor", "03": "do_not_honor",
    "04": "merchant_setup",
    "05": "amount_or_currency", "21": "revoked", "22": "merchant_setup", "40": "restricted",
    "41": "restricted", "42": "restricted", "43": "do_not_honor",
}  # fmt: skip


def reason_of(kind: str, code: str, klass: str) -> str:
    """The reason word of a code. The class decides where schemes give one code two meanings."""
    if klass in ("sca", "approved"):
        return _BY_CLASS[klass]
    if kind == "advice":
        return _ADVICE.get(code, _BY_CLASS[klass])
    reason, classes = _OF.get(code, ("", frozenset[str]()))
    return reason if klass in classes else _BY_CLASS[klass]


def cure_of(reason: str, klass: str) -> str:
    return REASONS[_helped_as(reason, klass)][1]


def only_waits(reason: str, klass: str) -> bool:
    """True when the cure is the next attempt: nothing for the merchant to do."""
    return _helped_as(reason, klass) in _WAITING


def _helped_as(reason: str, klass: str) -> str:
    """The reason that the help goes by: after a hard decline without a reason, or for one that else
    only waits, another card helps."""
    return "restricted" if klass == "hard" and reason in _WAITING else reason
