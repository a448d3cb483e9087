"""Candidates by the engine's causes, and by a regression's chances beside them where the model has one.

Arrays are loaded with the first plan.
"""

from collections.abc import Sequence
from typing import Final

from recoup.features.engine.belief import Belief, believed, ground_of
from recoup.features.engine.chances import Ground
from recoup.features.engine.model import Model
from recoup.features.engine.plan import Candidate, Opens, at_instants, best_of, candidates
from recoup.rules.rescue.facts import Facts

_OWN: Final = 24


def candidates_of(
    ground: Ground,
    belief: Belief,
    facts: Facts,
    earliest: float,
    end: float,
    opens: Opens | None = None,
    *,
    most: int,
    now_too: bool = False,
) -> list[Candidate]:
    """The `most` best instants, two of a day, where somebody has tried before, and the best of `plan.candidates`;
    without a regression those alone. `now_too`: the earliest is one of them in any case."""
    own = candidates(ground, belief, earliest, end, opens)
    if ground.model.learned.regression is None or not own:
        return own
    from recoup.features.engine.outlook import best_of_days, instants_of

    instants = instants_of(ground, earliest, end, opens, now_too=now_too)
    return best_of_days(ground, belief, facts, instants, best_of(own)[:_OWN], most)


def chances_at(model: Model, facts: Facts, utc_offset: int, instants: Sequence[float]) -> list[float]:
    """Of an approval at each instant, as `candidates_of` has it for those that it looks at. `utc_offset`: as
    `ground_of`."""
    ground = ground_of(model, facts, utc_offset)
    causes = at_instants(ground, believed(ground, facts), instants)
    if model.learned.regression is None:
        return [one.chance for one in causes]
    from recoup.features.engine.outlook import mean_with

    return mean_with(ground, facts, causes)
