"""Candidates by the engine's chances and a regression's together.

Each is wrong in its own way: what the engine knows of causes holds where little was seen, what a regression has counted
also where the causes are others. A chance is the geometric mean of both; the regression's weight grows with the tries
that it was learned from.
"""

from collections.abc import Sequence
from functools import reduce
from operator import getitem, mul

from recoup.rules.rescue.engine.belief import Belief, mended_by, passed
from recoup.rules.rescue.engine.bins import total
from recoup.rules.rescue.engine.chances import Ground, local_day
from recoup.rules.rescue.engine.columns import (
    Situation,
    before_tries,
    of_day,
    of_hour,
    of_parts,
    of_time,
    parts_at,
    situation_of,
    staying,
    weekday_of,
)
from recoup.rules.rescue.engine.facts import Facts
from recoup.rules.rescue.engine.plan import Candidate, Opens, candidates
from recoup.rules.rescue.engine.regression import ISSUER_HOUR, ISSUER_LAST, ISSUER_WEEKDAY, Weighed


def candidates_of(
    ground: Ground, beliefs: Sequence[Belief], facts: Facts, earliest: float, end: float, opens: Opens | None = None
) -> list[Candidate]:
    """As `plan.candidates`, with the chances of both where the model has a regression. `beliefs`: as `belief.trail`."""
    found, weighed = candidates(ground, beliefs[-1], earliest, end, opens), _weighed(ground)
    if weighed is None:
        return found
    nodes = list(zip(_nodes(ground, weighed, beliefs, facts), weighed.nodes, strict=True))
    odds = _Odds(weighed, facts, situation_of(ground, facts.looks, (facts.first, *facts.tries)))
    free, result = mended_by(beliefs[-1].holds), list[Candidate]()
    for at, chance, willing in found:
        learned = _chance(nodes, odds.at(at, chance, free[passed(ground, at)], willing))
        both = weighed.mixed(chance, learned)
        # A plan asks what a try adds in each rhythm: all of them are scaled alike.
        result.append(Candidate(at, both, min(1.0, willing * both / chance) if chance > 0.0 else willing))
    return result


def chance_at(ground: Ground, beliefs: Sequence[Belief], facts: Facts, at: float) -> float:
    """Of an approval at one instant, as `candidates_of` has it for those that it looks at."""
    chance, free, willing = parts_at(ground, beliefs[-1], at)
    weighed = _weighed(ground)
    if weighed is None:
        return chance
    odds = _Odds(weighed, facts, situation_of(ground, facts.looks, (facts.first, *facts.tries)))
    nodes = list(zip(_nodes(ground, weighed, beliefs, facts), weighed.nodes, strict=True))
    return weighed.mixed(chance, _chance(nodes, odds.at(at, chance, free, willing)))


class _Odds:
    """Of an approval, for an order at the node of logit 0: products, those of a day and of an hour made once."""

    def __init__(self, weighed: Weighed, facts: Facts, situation: Situation) -> None:
        self._weighed, self._situation = weighed, situation
        self._issuer = weighed.issuers.get(facts.issuer, weighed.no_issuer)
        self._days, self._hours = dict[int, float](), dict[tuple[int, int], float]()
        odds = weighed.bias * weighed.keys.get(facts.first_key, 1.0)
        odds *= self._issuer[0] * self._issuer[ISSUER_LAST + situation.last]
        self._stays = _product(odds, weighed.staying, staying(situation))

    def at(self, at: float, chance: float, free: float, willing: float) -> float:
        weighed, situation, ground = self._weighed, self._situation, self._situation.ground
        day, hour, zulu = local_day(ground, at), int((at + ground.offset) % 24), int(at % 24) // 3
        of_this_day, of_this_hour = self._days.get(day), self._hours.get((hour, zulu))
        if of_this_day is None:
            odds = self._issuer[ISSUER_WEEKDAY + weekday_of(day)]
            of_this_day = _product(odds, weighed.of_day, of_day(situation, day))
            self._days[day] = of_this_day
        if of_this_hour is None:
            of_this_hour = _product(self._issuer[ISSUER_HOUR + zulu], weighed.of_hour, of_hour(situation, hour))
            self._hours[hour, zulu] = of_this_hour
        odds = _product(self._stays * of_this_day * of_this_hour, weighed.of_time, of_time(situation, at))
        return _product(odds, weighed.of_parts, of_parts(chance, free, willing))


def _product(odds: float, tables: Sequence[Sequence[float]], bins: Sequence[int]) -> float:
    return reduce(mul, map(getitem, tables, bins), odds)


def _chance(nodes: Sequence[tuple[float, float]], odds: float) -> float:
    """`nodes`: with how likely the order stands there."""
    found = 0.0
    for share, node in nodes:
        found += share * odds * node / (1.0 + odds * node)
    return found


def _nodes(ground: Ground, weighed: Weighed, beliefs: Sequence[Belief], facts: Facts) -> list[float]:
    """How likely the order stands at each node after its tries, each of which failed. They add up to 1."""
    nodes = list(weighed.frailty[ground.first_answer])
    for at, situation, parts in before_tries(ground, facts, beliefs):
        odds = _Odds(weighed, facts, situation).at(at, *parts)
        nodes = [share / (1.0 + odds * node) for share, node in zip(nodes, weighed.nodes, strict=True)]
    whole = total(nodes)
    return [share / whole for share in nodes] if whole > 0.0 else list(weighed.frailty[ground.first_answer])


def _weighed(ground: Ground) -> Weighed | None:
    """Made once a model; None where none was learned."""
    regression, tables = ground.model.learned.regression, ground.model.tables
    if regression is None:
        return None
    found: Weighed | None = tables.get("regression")
    if found is None:
        found = tables["regression"] = Weighed(regression)
    return found
