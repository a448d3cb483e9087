"""The policy that a back-test asks about: a fixed schedule, or the engine with a model. Pure."""

import hashlib
from dataclasses import dataclass, replace

from recoup.core.kit.model import Model
from recoup.rules.policies.in_force import InForce
from recoup.rules.rescue.arm_terms import engine_decides, place_of
from recoup.rules.rescue.decide import decide as by_schedule
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.policy import CURRENT, RetryPolicy
from recoup.rules.rescue.pricing import Pricing


@dataclass(frozen=True, slots=True)
class ScheduleTarget:
    """`within`: the set policies that it is asked within; None: those that held then."""

    policy: RetryPolicy
    within: InForce | None = None

    @property
    def name(self) -> str:
        return _named(self.policy.version, self.within)

    def decide(self, evidence: Evidence, then: InForce | None = None) -> Decision:
        """A schedule has planned nothing that would be due: it is asked as after the last decline."""
        return by_schedule(replace(evidence, due_at=None), self.policy, self.within or then)

    def of_customer(self, place: int) -> "Target":
        """Who decides for a customer, by their place among all; see `rescue.arms`."""
        return self


@dataclass(frozen=True, slots=True)
class EngineTarget:
    """Without draws: what it thinks best. `within`: as of a schedule."""

    model: Model
    pricing: Pricing
    within: InForce | None = None

    @property
    def name(self) -> str:
        return _named(f"{self.pricing.version} with {self.model.name}", self.within)

    def decide(self, evidence: Evidence, then: InForce | None = None) -> Decision:
        """Raises: ValueError without facts."""
        if evidence.facts is not None and evidence.facts.explore:
            evidence = replace(evidence, facts=replace(evidence.facts, explore=0.0))
        return self.model.decide(evidence, self.pricing, self.within or then)

    def of_customer(self, place: int) -> "Target":
        """As of a schedule: the set policies may leave some customers, or all, to the fixed schedule."""
        if self.within is None or engine_decides(self.within, place):
            return self
        return ScheduleTarget(CURRENT, self.within)


Target = ScheduleTarget | EngineTarget


def place_in_file(payer: str) -> int:
    """Of a file's customer, whose place at the merchant nobody knows."""
    return place_of(hashlib.sha256(b"place/" + payer.encode("utf-8", "surrogatepass")).digest())


def _named(decider: str, within: InForce | None) -> str:
    return decider if within is None else f"{decider} within {within.name}"
