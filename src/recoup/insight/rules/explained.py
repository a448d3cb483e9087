"""Grounds of a decision, in sentences for merchants: counts, terms of the chance, worth and cost,
the allowance, the edition of the rules. Pure. Counts are the merchant's own; another merchant's
never come here."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from recoup.kernel.money import money
from recoup.kernel.problem import Figure, Sentence, figure
from recoup.policies.rules.policy import PRICINGS
from recoup.rescue.rules.answer_classes import APPROVED
from recoup.rescue.rules.chance_terms import ChanceTerm, Group
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.model import by_model

_RAISES: Final[Mapping[Group, str]] = {
    "payer": "This customer’s earlier attempts raise the chance; without them it would be {0} %.",
    "issuer": "The issuer’s habits raise the chance; at an unknown issuer it would be {0} %.",
    "code": "The reason of the decline raises the chance; after a general decline it would be {0} "
    "%.",
    "tries": "Earlier attempts of this order raise the chance; as the first one it would be {0} %.",
    "hour": "The hour raises the chance; over the whole day it is {0} % on average.",
    "day": "The day raises the chance; over all days until the expiry it is {0} % on average.",
}
_LOWERS: Final[Mapping[Group, str]] = {
    "payer": "This customer’s earlier attempts lower the chance; without them it would be {0} %.",
    "issuer": "The issuer’s habits lower the chance; at an unknown issuer it would be {0} %.",
    "code": "The reason of the decline lowers the chance; after a general decline it would be {0} "
    "%.",
    "tries": "Earlier attempts of this order lower the chance; as the first one it would be {0} %.",
    "hour": "The hour lowers the chance; over the whole day it is {0} % on average.",
    "day": "The day lowers the chance; over all days until the expiry it is {0} % on average.",
}


class IssuerTries(NamedTuple):
    """Attempts of this merchant on cards of one issuer before the decision, the newest ones."""

    tries: int
    approved: int


class Dated(NamedTuple):
    """The model that decided: when it was trained, and on how many attempts; None where none
    did."""

    made_on: date
    attempts: int


def rests_on(
    features: Mapping[str, Any],
    versions: Mapping[str, str | None],
    alternatives: list[dict[str, Any]],
    terms: Iterable[ChanceTerm],
    issuer: IssuerTries | None,
    model: Dated | None,
) -> tuple[Sentence, ...]:
    """Grounds of a decision about a plan; empty for others. Raises: as `Evidence.from_dict`."""
    evidence = Evidence.from_dict(features)
    return (
        *_counts(evidence, issuer),
        *(
            Sentence((_RAISES if term.logit > 0 else _LOWERS)[term.group], percent(term.without))
            for term in terms
        ),
        *_worth(evidence, versions, alternatives),
        *_allowance(evidence),
        *_edition(evidence),
        *_model(model),
    )


def percent(share: float) -> Figure:
    """Percentage with one decimal below 10, since a chance of 0 there would be a wrong one."""
    return Figure(f"{100 * share:.0f}" if share >= 0.1 else f"{100 * share:.1f}")


def issuer_of(features: Mapping[str, Any]) -> str:
    """The card's first digits; empty where the decision knew none."""
    return str((features.get("facts") or {}).get("issuer") or "")


def _counts(evidence: Evidence, issuer: IssuerTries | None) -> Iterator[Sentence]:
    looks = evidence.facts.looks if evidence.facts is not None else ()
    if looks:
        approved = sum(look.answer == APPROVED for look in looks)
        yield Sentence(
            "Of {0} earlier attempts on this customer, {1} were approved.", len(looks), approved
        )
    if issuer is not None and issuer.tries:
        words = "Of your {0} latest attempts on cards of this issuer, {1} were approved."
        yield Sentence(words, issuer.tries, issuer.approved)


def _worth(
    evidence: Evidence, versions: Mapping[str, str | None], alternatives: list[dict[str, Any]]
) -> Iterator[Sentence]:
    """The worth of an attempt beside what its send costs, as the plan counts both: the likeliest to
    be taken, which is the engine's own; where it would stop, the one with the best chance. A way's
    price holds the attempts after it, too."""
    pricing = PRICINGS.get(str(versions.get("policy")))
    open_ways = [
        alternative
        for alternative in alternatives
        if alternative.get("at") and alternative.get("probability") is not None
    ]
    if pricing is None or not by_model(str(versions.get("decider"))) or not open_ways:
        return
    prices = pricing.prices(len(evidence.attempts), evidence.units)
    if not prices:
        return
    best = max(open_ways, key=lambda way: (way["probability"], way["chance"]))
    worth, cost = (
        f"{money(round(share * evidence.units), evidence.currency)} {evidence.currency}"
        for share in (best["chance"], prices[0])
    )
    if best["chance"] >= prices[0]:
        words = "The best time has a chance of {0} %, worth {1}; an attempt costs {2} in the plan."
        yield Sentence(words, percent(best["chance"]), worth, cost)
    else:
        words = (
            "The best time has a chance of {0} %, worth {1}; an attempt costs {2} in the "
            "plan: it pays from {3} %."
        )
        yield Sentence(words, percent(best["chance"]), worth, cost, percent(prices[0]))


def _allowance(evidence: Evidence) -> Iterator[Sentence]:
    facts = evidence.facts
    if facts is None or facts.sends_left is None:
        return
    if facts.sends_max and facts.sends_window:
        yield _rule(facts.sends_max, facts.sends_window)
    if facts.sends_left == 0 and facts.free_at is not None:
        yield Sentence("The card network allows no attempt on this card before {0}.", facts.free_at)
    elif facts.open_orders > 1:
        words = (
            "The card network allows {0} more attempts on this card now; {1} open orders "
            "share them."
        )
        yield Sentence(words, facts.sends_left, facts.open_orders)
    else:
        yield Sentence(
            "The card network allows {0} more attempts on this card now.", facts.sends_left
        )


def _rule(maximum: int, hours: int) -> Sentence:
    """The window that is nearest to full, which the numbers beside it are of."""
    if hours % 24 or hours == 24:
        return Sentence(
            "The rule that is nearest to its limit: {0} attempts on a card in {1} hours.",
            maximum,
            hours,
        )
    return Sentence(
        "The rule that is nearest to its limit: {0} attempts on a card in {1} days.",
        maximum,
        hours // 24,
    )


def _model(model: Dated | None) -> Iterator[Sentence]:
    if model is not None:
        yield Sentence(
            "The model was trained on {0}, from {1} attempts.",
            model.made_on,
            figure(model.attempts),
        )


def _edition(evidence: Evidence) -> Iterator[Sentence]:
    reading = evidence.reading
    if reading.document and reading.edition:
        yield Sentence("The answer is read by {0}, edition {1}.", reading.document, reading.edition)
    elif reading.document:
        yield Sentence("The answer is read by {0}.", reading.document)
