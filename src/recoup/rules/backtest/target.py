"""The policy that a back-test asks about: a fixed schedule, or the engine with a model. Pure."""

from dataclasses import dataclass, replace

from recoup.rules.policies.in_force import InForce
from recoup.rules.rescue.decide import decide as by_schedule
from recoup.rules.rescue.engine.decide import decide as by_engine
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.pricing import Pricing
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.policy import RetryPolicy


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
        return by_engine(evidence, self.pricing, self.model, self.within or then)


Target = ScheduleTarget | EngineTarget


def _named(decider: str, within: InForce | None) -> str:
    return decider if within is None else f"{decider} within {within.name}"
