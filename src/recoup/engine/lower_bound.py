"""The chance that a plan of charges collects an order, and how much of that chance money may be
risked on. Pure.

The belief holds many causes, each with its own chance that one of the charges is approved; their
mean is the chance. A customer of whom little was seen may differ from what the belief says. By
Laplace's rule of succession something that n answers have not shown comes next with 1 / (n + 2): so
much of the weight is taken from the causes that promise most, and counts as never approved. This
bounds mistakes about the customer, not those of the model: whether a model fits is watched by
`drift`.
"""

from collections.abc import Sequence
from operator import mul

from recoup.engine.belief import UNTIL, Belief, believed, ground_of
from recoup.engine.chances import Ground, local_day, money_row, refused
from recoup.engine.model import Model
from recoup.engine.rhythms import spread
from recoup.kernel.steady import total
from recoup.rescue.rules.facts import Facts, hours_of
from recoup.rescue.rules.model import Charge, Collected


def collected(charges: Sequence[Charge], facts: Facts, utc_offset: int, model: Model) -> Collected:
    """The chance that one of the charges collects, oldest first, each of those before being
    declined as the last one was. `utc_offset`: minutes east of UTC, where the facts name no
    zone."""
    ground = ground_of(model, facts, utc_offset)
    belief = believed(ground, facts)
    causes = _causes(ground, belief, charges, facts)
    known = len(facts.looks) + len(facts.tries)
    mean = min(1.0, total(map(mul, *causes))) if causes[0] else 0.0
    return Collected(mean, min(mean, relied_on(*causes, known)), known)


def relied_on(chances: Sequence[float], weights: Sequence[float], known: int) -> float:
    """The mean of the chances by their weights, which add up to 1 at most, once 1 / (known + 2) of
    the weight is taken from the highest. It grows with `known`."""
    aside, relied = 1.0 / (known + 2), 0.0
    for index in sorted(range(len(chances)), key=lambda index: (-chances[index], index)):
        taken = min(aside, weights[index])
        aside -= taken
        relied += (weights[index] - taken) * chances[index]
    return max(0.0, relied)


def _causes(
    ground: Ground, belief: Belief, charges: Sequence[Charge], facts: Facts
) -> tuple[list[float], list[float]]:
    """The chance of each cause, and its weight: a rhythm, and from which charge on nothing holds
    the order."""
    rows = _rows(ground, belief, charges, facts)
    passed = [hours_of(charge.at) - ground.first_at for charge in charges]
    begins = [0.0] * (len(charges) + 1)
    for weight, until in zip(belief.holds, UNTIL, strict=True):
        begins[len([hours for hours in passed if hours < until])] += weight
    fails = [1.0] * len(belief.rhythms)
    chances, weights = list[float](), list[float]()
    for first in range(len(charges), -1, -1):
        if first < len(charges):
            fails = [fail * (1.0 - chance) for fail, chance in zip(fails, rows[first], strict=True)]
        chances += [1.0 - fail for fail in fails]
        weights += [begins[first] * weight for weight in belief.rhythms]
    return chances, weights


def _rows(
    ground: Ground, belief: Belief, charges: Sequence[Charge], facts: Facts
) -> list[list[float]]:
    """The chance of each charge in each rhythm, where nothing holds the order."""
    before, rows = belief.before, []
    answer = facts.tries[-1].answer if facts.tries else facts.first.answer
    for number, charge in enumerate(charges, start=facts.next_number):
        at = hours_of(charge.at)
        before = before.at_try(number)
        willing = 1.0 - refused(ground, before, at)
        money = spread(local_day(ground, at))(money_row(ground, before, at))
        rows.append([min(charge.at_most, willing * chance) for chance in money])
        before = before.then(number, answer, at)
    return rows
