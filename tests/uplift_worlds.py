"""Worlds in which payers are declined and rescued, for the comparison of arms."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from recoup.uplift.rules.comparison import Comparison, Difference, Outcome
from recoup.uplift.rules.strata import ComparedArm


@dataclass(frozen=True)
class World:
    """`uplift`: what the engine adds to each order's chance. `returning`: orders a payer, on
    average, whose luck is alike and partly their own. `foreseen`: whether the chance at intake is
    known."""

    orders: int
    days: int
    holdout: float = 0.1
    uplift: float = 0.0
    returning: int = 1
    foreseen: bool = True


def days_of(world: World, seed: int) -> Iterator[list[Outcome]]:
    """Each day's closed orders."""
    draw = random.Random(seed)
    payers: dict[int, tuple[ComparedArm, float, float]] = {}
    for _ in range(world.days):
        today = []
        for _ in range(world.orders // world.days):
            who = (
                len(payers)
                if world.returning == 1
                else draw.randrange(world.orders // world.returning)
            )
            if who not in payers:
                arm: ComparedArm = "holdout" if draw.random() < world.holdout else "engine"
                payers[who] = (
                    arm,
                    draw.betavariate(1.2, 2.0),
                    draw.gauss(0, 0.1) if world.returning > 1 else 0.0,
                )
            arm, chance, own = payers[who]
            added = world.uplift if arm == "engine" else 0.0
            rescued = draw.random() < min(1.0, max(0.0, chance + own + added))
            today.append(Outcome(str(who), arm, rescued, chance if world.foreseen else 0.0))
        yield today


def played(world: World, seed: int) -> list[Difference]:
    """The looks of all days on which there was an interval."""
    comparison, looks = Comparison(world.orders / world.days * 90), []
    for today in days_of(world, seed):
        for one in today:
            comparison.add(one)
        if (look := comparison.look()) is not None:
            looks.append(look)
    return looks


def one_look(look: Difference) -> tuple[float, float]:
    """The 90 % interval of a single look, on a day that was fixed before the first order came."""
    half = 1.645 * math.sqrt(look.variance)
    return look.difference - half, look.difference + half
