"""The policy that a back-test asks about: a fixed schedule, or the engine with a model. Pure."""

from dataclasses import dataclass, replace

from recoup.rules.rescue.decide import decide as by_schedule
from recoup.rules.rescue.engine.decide import decide as by_engine
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.pricing import Pricing
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.policy import RetryPolicy


@dataclass(frozen=True, slots=True)
class ScheduleTarget:
    policy: RetryPolicy

    @property
    def name(self) -> str:
        return self.policy.version

    def decide(self, evidence: Evidence) -> Decision:
        """A schedule has planned nothing that would be due: it is asked as after the last decline."""
        return by_schedule(replace(evidence, due_at=None), self.policy)


@dataclass(frozen=True, slots=True)
class EngineTarget:
    """Without draws: what it thinks best."""

    model: Model
    pricing: Pricing

    @property
    def name(self) -> str:
        return f"{self.pricing.version} with {self.model.name}"

    def decide(self, evidence: Evidence) -> Decision:
        """Raises: ValueError without facts."""
        if evidence.facts is not None and evidence.facts.explore:
            evidence = replace(evidence, facts=replace(evidence.facts, explore=0.0))
        return by_engine(evidence, self.pricing, self.model)


Target = ScheduleTarget | EngineTarget
