"""Reasons of the risk check's decision, in sentences for merchants: what was decided, the risk,
what speaks for and against it, what each answer is expected to cost, and what would have changed
it."""

from collections.abc import Mapping
from typing import Final

from recoup.kernel.money import money
from recoup.kernel.problem import Figure, Sentence
from recoup.risk.rules.facts import RiskFacts
from recoup.risk.rules.score import NOBODY
from recoup.terms.rules.costs import Answer

TERMS_SHOWN: Final = 8
NOTES: Final[Mapping[Answer, str]] = {
    "approve": "Send the payment to the bank.",
    "challenge": "Ask the customer to confirm with 3-D Secure first.",
    "decline": "Decline the payment without sending it.",
}
CLAIMS: Final[Mapping[str, str]] = {
    "low_value": "The payment claims the exemption for low amounts, so that the bank need not ask "
    "for a confirmation.",
    "transaction_risk_analysis": "The payment claims the exemption for low risk, so that the bank "
    "need not ask for a "
    "confirmation.",
}
_FOLLOWED: Final[Mapping[Answer, str]] = {
    "approve": "The risk check lets the payment pass.",
    "challenge": "The customer is asked to confirm the payment with 3-D Secure before it is sent.",
    "decline": "The payment is declined: the risk of fraud is too high.",
}
_WATCHED: Final[Mapping[Answer, str]] = {
    "approve": "The risk check only watched; it would have let the payment pass.",
    "challenge": "The risk check only watched; it would have asked for 3-D Secure.",
    "decline": "The risk check only watched; it would have declined the payment.",
}
_CHANGE: Final[Mapping[Answer, str]] = {
    "approve": "More signs of fraud would lead to a question to the customer, or to a decline.",
    "challenge": "With fewer signs of fraud, or after a successful 3-D Secure, the payment would "
    "be sent.",
    "decline": "With fewer signs of fraud, or after a successful 3-D Secure, the payment would be "
    "sent.",
}
_TERMS: Final[Mapping[str, str]] = {
    "avs_match": "The billing address matches the bank's records.",
    "avs_partial": "The billing address matches the bank's records only in part.",
    "avs_mismatch": "The billing address does not match the bank's records.",
    "cvv_match": "The security code was correct.",
    "cvv_mismatch": "The security code was wrong.",
    "both_mismatch": "Address and security code often fail together, also for genuine customers.",
    "code_missing": "No security code was given.",
    "device_hour_3": "Several orders came from this device within the last hour.",
    "ip_hour_5": "Many orders came from this IP address within the last hour.",
    "amount_3": "The amount is at least three times the usual amount.",
    "amount_6": "The amount is at least six times the usual amount.",
    "amount_tiny": "The amount is far below the usual amount, as when cards are tested.",
    "shipped_abroad": "The shipping address is in another country than the billing address.",
    "foreign_card": "The card was issued in another country than the billing address.",
    "decline_fraud": "The bank suspected fraud when it declined the payment.",
    "decline_code": "The bank declined the payment because of its security code.",
    "decline_address": "The bank declined the payment because of its address.",
    "decline_funds": "The bank declined the payment for insufficient funds, which is seldom fraud.",
    "authenticated": "The customer confirmed the payment with 3-D Secure.",
    "paid_before_1": "This customer has paid with this card before.",
    "paid_before_3": "This customer has paid with this card several times before.",
    "processor_low": "The processor considers the risk low.",
    "processor_elevated": "The processor considers the risk elevated.",
    "processor_high": "The processor considers the risk high.",
}
_COUNTED: Final[Mapping[str, str]] = {
    "card": "The card was used for {0} other orders within 24 hours.",
    "payer": "The customer used {0} other cards within 24 hours.",
    "address": "{0} other cards were used with the same billing address within 24 hours.",
    "device": "{0} other cards were used on the same device within 24 hours.",
    "ip": "{0} other cards were used from the same IP address within 24 hours.",
}

_NAMED: Final[Mapping[str, str]] = {
    "card": "Other orders with this card within 24 hours",
    "payer": "Other cards of this customer within 24 hours",
    "address": "Other cards with the same billing address within 24 hours",
    "device": "Other cards on the same device within 24 hours",
    "ip": "Other cards from the same IP address within 24 hours",
}


def reasons_of(
    facts: RiskFacts,
    held: Mapping[str, int],
    taken: Answer,
    risk: int,
    costs: Mapping[Answer, int],
    *,
    followed: bool,
) -> tuple[str, ...]:
    """`risk` in millionths; `costs` in units of the order's currency."""
    terms = sorted(
        (term for term in held if term != "base" and held[term]),
        key=lambda term: (-abs(held[term]), term),
    )
    return (
        (_FOLLOWED if followed else _WATCHED)[taken],
        Sentence("The risk of fraud is estimated at {0} %.", Figure(f"{risk / 10_000:.1f}")),
        *(_term(facts, term) for term in terms[:TERMS_SHOWN]),
        Sentence(
            "Expected cost: {0} if sent, {1} with 3-D Secure, {2} if declined.",
            *(
                f"{money(costs[verdict], facts.currency)} {facts.currency}"
                for verdict in ("approve", "challenge", "decline")
            ),
        ),
        _CHANGE[taken],
    )


def sign_of(term: str) -> str:
    """A sign's name without a count."""
    name, _, kind = term.partition("_")
    return _NAMED[name] if name in _COUNTED and kind[:3] in ("day", "car") else _TERMS[term]


def _term(facts: RiskFacts, term: str) -> str:
    name, _, kind = term.partition("_")
    if name in _COUNTED and kind[:3] in ("day", "car"):
        seen = facts.seen.get(name, NOBODY)
        return Sentence(_COUNTED[name], seen.day if name == "card" else seen.cards)
    return _TERMS[term]
