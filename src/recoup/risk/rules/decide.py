"""Decision on a payment whose customer waits: sent, confirmed with 3-D Secure first, or declined,
whichever is expected to cost least. Pure; what it read and the weights that it used are stored, and
give the same answer again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from recoup.networks.exemptions import Exemption
from recoup.networks.sca import SCA
from recoup.orders.rules.decision import Alternative, Decision, Verdict
from recoup.risk.rules.facts import RiskFacts
from recoup.risk.rules.score import TYPED, risk_of, terms_of, weighed
from recoup.risk.rules.weights import Weights
from recoup.risk.rules.words import CLAIMS, NOTES, reasons_of
from recoup.terms.rules.arms import RiskArm
from recoup.terms.rules.costs import Answer, Costs, expected

RISK_VERSION: Final = "risk-1"
EXEMPT_RISK_MAX: Final = 5_000  # millionths
RISK_VERDICTS: Final[Mapping[Answer, Verdict]] = {
    "approve": "attempt_now",
    "challenge": "challenge",
    "decline": "decline_at_once",
}


@dataclass(frozen=True, slots=True)
class RiskInput:
    """The inputs of one decision. `held`: the terms that hold, each with its weight of `version`.
    `may_challenge`: the customer has a page on which they can confirm. `claimable`: the exemption
    that is open to its amount, where and when it is made. Only the arm `engine` is followed."""

    facts: RiskFacts
    held: Mapping[str, int]
    version: str
    costs: Costs
    may_challenge: bool
    arm: RiskArm
    settings: int | None = None  # the version of the merchant's settings; None: the defaults
    claimable: Exemption | None = None

    @classmethod
    def of(
        cls,
        facts: RiskFacts,
        weights: Weights,
        costs: Costs,
        *,
        may_challenge: bool,
        arm: RiskArm,
        settings: int | None = None,
        claimable: Exemption | None = None,
    ) -> Self:
        held = weighed(facts, weights)
        return cls(facts, held, weights.version, costs, may_challenge, arm, settings, claimable)

    @property
    def is_followed(self) -> bool:
        return self.arm == "engine"

    def features(self) -> dict[str, Any]:
        """JSON-able, without personal data; `from_dict` gives the same back."""
        return {
            "risk": self.facts.features(),
            "held": dict(self.held),
            "weights": self.version,
            "costs": self.costs.features(),
            "may_challenge": self.may_challenge,
            "arm": self.arm,
            "settings": self.settings,
            "claimable": self.claimable,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        return cls(
            RiskFacts.from_dict(plain["risk"]),
            plain["held"],
            plain["weights"],
            Costs.from_dict(plain["costs"]),
            plain["may_challenge"],
            plain["arm"],
            plain["settings"],
            plain.get("claimable"),
        )


def answer_of(given: RiskInput) -> Answer:
    """The cheapest that is open; of equals the one that says no to fewer people."""
    costs = expected(given.costs, risk_of(given.held), given.facts.units)
    open_answers: tuple[Answer, ...] = (
        ("approve", "challenge", "decline") if given.may_challenge else ("approve", "decline")
    )
    best = min(open_answers, key=lambda answer: costs[answer])
    if best == "decline" and TYPED & given.held.keys():
        without = replace(
            given, held={term: w for term, w in given.held.items() if term not in TYPED}
        )
        return answer_of(without)
    return best


def exemption_of(given: RiskInput) -> Exemption | None:
    """The exemption that a payment let pass claims: where nothing speaks against it, its bank has
    not asked for a confirmation, and it has none."""
    against = any(weight > 0 for term, weight in given.held.items() if term != "base")
    known = given.facts.authenticated or given.facts.decline == SCA
    if (
        given.claimable is None
        or not given.is_followed
        or against
        or known
        or answer_of(given) != "approve"
    ):
        return None
    return given.claimable if risk_of(given.held) <= EXEMPT_RISK_MAX else None


def decide_risk(given: RiskInput) -> Decision:
    """Verdict `attempt_now`, `challenge` or `decline_at_once`; `taken` names one of the
    alternatives.

    Raises: ValueError for terms that do not follow from the facts.
    """
    if {"base", *terms_of(given.facts)} != given.held.keys():
        raise ValueError("the weighed terms are not those of the facts")
    taken, risk = answer_of(given), risk_of(given.held)
    costs = expected(given.costs, risk, given.facts.units)
    versions = {"decider": RISK_VERSION, "policy": None, "knowledge": None, "model": None}
    exemption = exemption_of(given)
    rules = (
        taken,
        given.arm,
        *(["no_page"] if not given.may_challenge else []),
        *([f"claims_{exemption}"] if exemption is not None else []),
    )
    others: tuple[Answer, ...] = ("approve", "challenge", "decline")
    return Decision(
        RISK_VERDICTS[taken],
        (),
        None,
        (
            *reasons_of(given.facts, given.held, taken, risk, costs, followed=given.is_followed),
            *([CLAIMS[exemption]] if exemption is not None else []),
        ),
        rules,
        versions,
        tuple(
            Alternative(other, None, NOTES[other])
            for other in others
            if other != "challenge" or given.may_challenge
        ),
        taken,
    )
