"""Candidates by the engine's causes, and by a regression's chances beside them where the model has
one.

Arrays are loaded with the first plan.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from recoup.engine.belief import Belief, believed, ground_of
from recoup.engine.chances import Ground
from recoup.engine.model import Model
from recoup.engine.plan import Candidate, Opens, candidates
from recoup.rescue.rules.facts import Facts


class View(NamedTuple):
    """View of an order for a decision: of it `ground` stays as it is, `belief` moves with each
    answer, `candidates` are the instants to choose from."""

    ground: Ground
    belief: Belief
    candidates: list[Candidate]


class Window(NamedTuple):
    """Hours since 1970 between which an attempt may leave. `now_too`: the earliest instant is
    looked at in any case; `opens`: the first instant from another one on at which the policies let
    a send leave."""

    earliest: float
    end: float
    now_too: bool = False
    opens: Opens | None = None


Views = Callable[[Model, Facts, int, Window, int], View]


def viewed(model: Model, facts: Facts, utc_offset: int, window: Window, most: int) -> View:
    """`utc_offset`: as `ground_of`; `most`: as `candidates_of`."""
    ground = ground_of(model, facts, utc_offset)
    belief = believed(ground, facts)
    return View(ground, belief, candidates_of(ground, belief, facts, window, most))


def candidates_of(
    ground: Ground, belief: Belief, facts: Facts, window: Window, most: int
) -> list[Candidate]:
    """The `most` best instants where somebody has tried before, two of a day, and the first;
    without a regression those of `plan.candidates`."""
    earliest, end, now_too, opens = window
    if ground.model.learned.regression is None:
        return candidates(ground, belief, earliest, end, opens)
    from recoup.engine.outlook import best_of_days, instants_of

    instants = instants_of(ground, earliest, end, opens, now_too=now_too)
    return best_of_days(ground, belief, facts, instants, most) if len(instants) else []


def chances_at(
    model: Model, facts: Facts, utc_offset: int, instants: Sequence[float]
) -> list[float]:
    """Chances of an approval at each instant, as `candidates_of` has it for those that it looks at.
    `utc_offset`: as `ground_of`."""
    ground = ground_of(model, facts, utc_offset)
    belief = believed(ground, facts)
    if model.learned.regression is None:
        from recoup.engine.instants import at_instants

        return [instant.chance for instant in at_instants(ground, belief, instants)]
    from recoup.engine.outlook import mean_with

    return mean_with(ground, belief, facts, instants)
