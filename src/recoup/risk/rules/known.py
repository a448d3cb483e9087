"""Knowledge of a waiting customer's risk, read before the transaction that uses it."""

from dataclasses import dataclass, replace
from datetime import date

from recoup.networks.exemptions import exemption_for
from recoup.risk.rules.decide import RiskInput
from recoup.risk.rules.facts import RiskFacts
from recoup.risk.rules.weights import Weights
from recoup.terms.rules.arms import RiskArm
from recoup.terms.rules.costs import Costs


@dataclass(frozen=True, slots=True)
class RiskKnown:
    """`facts` but for the decline that came in; the rest as `RiskInput`."""

    facts: RiskFacts
    weights: Weights
    costs: Costs
    may_challenge: bool
    arm: RiskArm
    settings: int | None
    fraud_rate: int | None = None  # the acquirer's, in millionths

    def after(self, decline: str, region: str, on: date, issuer: str = "") -> RiskInput:
        """`decline`: the reason word of the decline that came in; `region`: the acquirer's;
        `issuer`: the country of the card's, where it is known."""
        facts = replace(self.facts, decline=decline)
        return RiskInput.of(
            facts,
            self.weights,
            self.costs,
            may_challenge=self.may_challenge,
            arm=self.arm,
            settings=self.settings,
            claimable=exemption_for(
                region, facts.currency, facts.units, on, self.fraud_rate, issuer
            ),
        )
