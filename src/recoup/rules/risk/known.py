"""What a transaction has at hand of a waiting customer's risk, read before it."""

from dataclasses import dataclass, replace

from recoup.rules.risk.costs import Costs
from recoup.rules.risk.decide import RiskArm, RiskInput
from recoup.rules.risk.facts import RiskFacts
from recoup.rules.risk.weights import Weights


@dataclass(frozen=True, slots=True)
class RiskKnown:
    """`facts` but for the decline that came in; the rest as `RiskInput`."""

    facts: RiskFacts
    weights: Weights
    costs: Costs
    may_challenge: bool
    arm: RiskArm
    settings: int | None

    def after(self, decline: str) -> RiskInput:
        """`decline`: the reason word of the decline that came in."""
        facts = replace(self.facts, decline=decline)
        return RiskInput.of(
            facts, self.weights, self.costs, may_challenge=self.may_challenge, arm=self.arm, settings=self.settings
        )
