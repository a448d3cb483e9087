"""Possible causes of an order's declines: how long it is held, and by which rhythm money would
come.

Each answer moves the belief by Bayes' rule. Sums are made one after the other, so that every
machine believes the same.
"""

from bisect import bisect_right
from collections.abc import Sequence
from operator import mul
from typing import Final

from recoup.engine.bins import HOLDS
from recoup.engine.chances import (
    NOTHING_BEFORE,
    Before,
    Ground,
    day_of,
    habits_of,
    local_day,
    money_row,
    odds_of_refusal,
    refused,
)
from recoup.engine.model import Learned, Model
from recoup.engine.rhythms import spread
from recoup.kernel.frozen import frozen
from recoup.kernel.steady import total
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, HARD, SOFT
from recoup.rescue.rules.facts import Facts, Look, hours_of

_PEOPLE_CHANGE: Final = 0.05  # of the belief about a payer goes back to what is known of all
_TINY: Final = 1e-9
UNTIL: Final = (*HOLDS, 1e9)


@frozen
class Belief:
    """Belief about one order; both lists add up to 1. `holds`: how likely the order is held until
    each of `bins.HOLDS`, or for good."""

    rhythms: list[float]
    holds: list[float]
    before: Before


def ground_of(model: Model, facts: Facts, offset_minutes: int) -> Ground:
    first_at, issuer = hours_of(facts.first.at), model.learned.issuers.get(facts.issuer)
    offset = offset_minutes if facts.zone is None else facts.zone
    return Ground(
        model,
        issuer,
        offset / 60,
        facts.zone_known,
        first_at,
        facts.first.answer,
        day_of(first_at + offset / 60),
        facts.credit,
        habits_of(model, facts.issuer),
        odds_of_refusal(model),
    )


def believed(ground: Ground, facts: Facts) -> Belief:
    """The belief after the payer's other attempts, the order's payment that came in and its
    attempts, in order of time."""
    learned, first = ground.model.learned, facts.first
    of_all = learned.rhythms[facts.credit]
    rhythms, before = list(of_all), NOTHING_BEFORE
    for look in facts.looks:
        if look.at < first.at:
            rhythms, before = _seen_elsewhere(ground, rhythms, before, look)
    if before is not NOTHING_BEFORE:
        rhythms = _normal(rhythms)
        kept = 1.0 - _PEOPLE_CHANGE
        rhythms = [
            kept * weight + _PEOPLE_CHANGE * other
            for weight, other in zip(rhythms, of_all, strict=True)
        ]
    rhythms, before = _seen_elsewhere(ground, rhythms, before, first)
    belief = Belief(_normal(rhythms), _holds_at_first(ground, facts.first_key), before)
    others = [(look, False) for look in facts.looks if look.at >= first.at]
    for look, own in sorted(
        [*others, *((look, True) for look in facts.tries)], key=lambda pair: pair[0].at
    ):
        if own:
            belief = seen(ground, belief, look)
        else:
            rhythms, before = _seen_elsewhere(ground, belief.rhythms, belief.before, look)
            belief = Belief(_normal(rhythms), belief.holds, before)
    return Belief(belief.rhythms, belief.holds, belief.before.at_try(facts.next_number))


def seen(ground: Ground, belief: Belief, look: Look) -> Belief:
    at = hours_of(look.at)
    before = belief.before.at_try(look.tries)
    level, slope = _likely(ground, before, look.answer, at)
    held = ground.model.learned.held_answers[ground.first_answer][look.answer]
    if ground.first_answer == FUNDS:  # held for lack of money: as if there were none
        held = level
    free = mended(ground, belief.holds, at)
    likely = _by_rhythm(ground, before, at, level, slope)
    live, hours = total(map(mul, belief.rhythms, likely)), at - ground.first_at
    holds = [
        chance * (live if until <= hours else held)
        for chance, until in zip(belief.holds, UNTIL, strict=True)
    ]
    stays = (1.0 - free) * held
    rhythms = [
        weight * (free * chance + stays)
        for weight, chance in zip(belief.rhythms, likely, strict=True)
    ]
    return Belief(_normal(rhythms), _normal(holds), belief.before.then(look.tries, look.answer, at))


def mended(ground: Ground, holds: Sequence[float], at: float) -> float:
    """The chance that nothing holds the order any more by then."""
    return total(holds[: bisect_right(UNTIL, at - ground.first_at)])


def _seen_elsewhere(
    ground: Ground, rhythms: list[float], before: Before, look: Look
) -> tuple[list[float], Before]:
    """An attempt of another order of the payer's, or the payment itself: it says something of the
    rhythm, unless that order was held. Weights are not normal after it."""
    learned, at = ground.model.learned, hours_of(look.at)
    asked = before.at_try(look.tries)
    level, slope = _likely(ground, asked, look.answer, at)
    likely = list(map(mul, rhythms, _by_rhythm(ground, asked, at, level, slope)))
    if look.answer == APPROVED:
        return likely, before.then(look.tries, look.answer, at)
    # An order that is held is answered so whatever the rhythm.
    held = 1.0 - learned.holds[look.answer][0]
    level, free = held * total(likely) / (total(rhythms) or 1.0), 1.0 - held
    weighed = [
        level * weight + free * chance for weight, chance in zip(rhythms, likely, strict=True)
    ]
    return weighed, before.then(look.tries, look.answer, at)


def _likely(ground: Ground, before: Before, answer: int, at: float) -> tuple[float, float]:
    """The chance of that answer, if the order lives: level + slope × the chance that money is
    there."""
    no = refused(ground, before, at)
    yes, generic = 1.0 - no, (ground.issuer or ground.model.learned).generic
    if answer == APPROVED:
        return 0.0, yes
    if answer == FUNDS:
        return yes * (1.0 - generic), -yes * (1.0 - generic)
    if answer == SOFT:
        return no + yes * generic, -yes * generic
    return (_TINY if answer == HARD else no), 0.0


def _by_rhythm(
    ground: Ground, before: Before, at: float, level: float, slope: float
) -> tuple[float, ...]:
    row = [level + slope * chance for chance in money_row(ground, before, at)]
    return spread(local_day(ground, at))(row)


def _normal(weighed: list[float]) -> list[float]:
    whole = total(weighed)
    return (
        [weight / whole for weight in weighed] if whole > 0 else [1.0 / len(weighed)] * len(weighed)
    )


def _holds_at_first(ground: Ground, key: str) -> list[float]:
    learned: Learned = ground.model.learned
    shared = learned.holds_by_code.get(key, learned.holds[ground.first_answer])
    if ground.issuer is None:
        return list(shared)
    return _normal(list(map(mul, shared, ground.issuer.holds[ground.first_answer])))
