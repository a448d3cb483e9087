"""Decisions of the rescue engine with their whole plans, one by one: all that the orders of the base world ask for."""

from time import thread_time_ns
from typing import Final

from recoup.features.engine.decide import decide
from recoup.rules.rescue.evidence import Evidence
from recoup_lab.bench.figure import Figure, Size, percentile
from recoup_lab.bench.ground import Ground
from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import survey
from recoup_lab.compare.seam import Briefing, Known
from recoup_lab.compare.source import OurWorlds

_FULL: Final = 5_000
_SEED: Final = 1


class _Noting(EngineArm):
    def __init__(self, briefing: Briefing) -> None:
        super().__init__(briefing)
        self.decided: list[Evidence] = []

    def evidence(self, known: Known) -> Evidence:
        found = super().evidence(known)
        self.decided.append(found)
        return found


async def decision(ground: Ground, size: Size) -> Figure:
    """In milliseconds of this process's own time, whatever else runs here."""
    with OurWorlds(None).open(_SEED) as opened:
        world = survey(opened.world, _SEED, opened.oracle, opened.forget)
        arm = _Noting(Briefing(world.hello, world.history, _SEED))
        play(world, "decision", arm)
    given = arm.decided[: size.of(_FULL)]
    took = []
    for evidence in given:
        began = thread_time_ns()
        decide(evidence, arm.pricing, arm.model)
        took.append((thread_time_ns() - began) / 1e6)
    return Figure(
        "decision",
        1e3 * len(took) / sum(took),
        percentile(took, 0.5),
        percentile(took, 0.99),
        more={"p95_ms": percentile(took, 0.95), "decisions": len(took)},
    )
