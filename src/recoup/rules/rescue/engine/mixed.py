"""Candidates by the engine's causes, and by a regression's chances beside them where the model has one.

Who has no such model never loads what works with arrays.
"""

from collections.abc import Sequence

from recoup.rules.rescue.engine.belief import Belief
from recoup.rules.rescue.engine.chances import Ground
from recoup.rules.rescue.engine.facts import Facts
from recoup.rules.rescue.engine.plan import Candidate, Opens, at_instants, candidates


def candidates_of(
    ground: Ground,
    beliefs: Sequence[Belief],
    facts: Facts,
    earliest: float,
    end: float,
    opens: Opens | None = None,
    *,
    now_too: bool = False,
) -> list[Candidate]:
    """Of each day the two best instants, where somebody has tried before; without a regression as `plan.candidates`.
    `beliefs`: as `belief.trail`. `now_too`: the earliest is one of them in any case."""
    if ground.model.learned.regression is None:
        return candidates(ground, beliefs[-1], earliest, end, opens)
    from recoup.rules.rescue.engine.outlook import best_of_days, instants_of

    instants = instants_of(ground, earliest, end, opens, now_too=now_too)
    return best_of_days(ground, beliefs[-1], facts, instants) if len(instants) else []


def chances_at(ground: Ground, beliefs: Sequence[Belief], facts: Facts, instants: Sequence[float]) -> list[float]:
    """Of an approval at each instant, as `candidates_of` has it for those that it looks at."""
    causes = at_instants(ground, beliefs[-1], instants)
    if ground.model.learned.regression is None:
        return [one.chance for one in causes]
    from recoup.rules.rescue.engine.outlook import mean_with

    return mean_with(ground, facts, causes)
