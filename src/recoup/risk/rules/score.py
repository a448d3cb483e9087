"""Terms that hold for a payment, and the risk of fraud that they make together. Pure, the same on
every machine."""

from collections.abc import Mapping
from typing import Final

from recoup.kernel.steady import chance_of
from recoup.risk.rules.facts import Name, RiskFacts, Seen
from recoup.risk.rules.weights import LOGIT, Weights

MILLION: Final = 1_000_000
NOBODY: Final = Seen()
# Names that anybody may type: what counts under them alone declines nobody.
TYPED: Final = frozenset({"payer_cards_1", "payer_cards_3", "address_cards_1", "address_cards_3"})
_CARDS: Final[tuple[Name, ...]] = ("payer", "address", "device", "ip")
_DECLINES: Final[Mapping[str, str]] = {
    "fraud_suspected": "decline_fraud", "lost_stolen": "decline_fraud", "bad_cvv": "decline_code",
    "bad_address": "decline_address", "insufficient_funds": "decline_funds",
    "limit_exceeded": "decline_funds",
}  # fmt: skip


def terms_of(facts: RiskFacts) -> tuple[str, ...]:
    """Terms that hold, in a fixed order."""
    terms = [*_checks(facts), *_velocity(facts), *_amount(facts)]
    terms += ["shipped_abroad"] if facts.shipped_abroad else []
    terms += ["foreign_card"] if facts.foreign_card else []
    terms += [_DECLINES[facts.decline]] if facts.decline in _DECLINES else []
    terms += ["authenticated"] if facts.authenticated else []
    if facts.paid_before:
        terms.append("paid_before_3" if facts.paid_before >= 3 else "paid_before_1")
    if facts.processor_risk in ("low", "elevated", "high"):
        terms.append(f"processor_{facts.processor_risk}")
    return tuple(terms)


def weighed(facts: RiskFacts, weights: Weights) -> dict[str, int]:
    """The terms that hold, with their weights; `base` is one of them. A term that was never learned
    weighs nothing."""
    return {"base": weights.base} | {term: weights.terms.get(term, 0) for term in terms_of(facts)}


def risk_of(held: Mapping[str, int]) -> int:
    """Chance of fraud by `weighed` terms, in millionths."""
    return round(chance_of(sum(held.values()) / LOGIT) * MILLION)


def _checks(facts: RiskFacts) -> list[str]:
    terms = []
    for name, check in (("avs", facts.avs), ("cvv", facts.cvv)):
        if check != "unknown":
            terms.append(f"{name}_{check}")
    if facts.avs == facts.cvv == "mismatch":
        terms.append("both_mismatch")
    if not facts.code_given and facts.cvv == "unknown":
        terms.append("code_missing")
    return terms


def _velocity(facts: RiskFacts) -> list[str]:
    terms = []
    card = facts.seen.get("card", NOBODY).day
    if card >= 2:
        terms.append("card_day_4" if card >= 4 else "card_day_2")
    for name in _CARDS:
        cards = facts.seen.get(name, NOBODY).cards
        if cards:
            terms.append(f"{name}_cards_{3 if cards >= 3 else 1}")
    if facts.seen.get("device", NOBODY).hour >= 3:
        terms.append("device_hour_3")
    if facts.seen.get("ip", NOBODY).hour >= 5:
        terms.append("ip_hour_5")
    return terms


def _amount(facts: RiskFacts) -> list[str]:
    usual = facts.usual_units
    if not usual:
        return []
    if facts.units >= 3 * usual:
        return ["amount_6" if facts.units >= 6 * usual else "amount_3"]
    return ["amount_tiny"] if 10 * facts.units <= usual else []
