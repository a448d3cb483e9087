"""The tries of an order chosen as a whole, so that they cover different futures: each is worth what it adds."""

from collections.abc import Sequence
from operator import mul
from typing import Final, NamedTuple

from recoup.rules.rescue.engine.belief import UNTIL, Belief, mended_by, passed
from recoup.rules.rescue.engine.bins import total
from recoup.rules.rescue.engine.chances import (
    Ground,
    by_rhythm,
    expected,
    local_day,
    money_row,
    refused,
    renewed,
    undated,
    weights_by_days,
)
from recoup.rules.rescue.engine.rhythms import IRREGULAR, days_since

_SOON_HOURS: Final = 36.0
_SOON_STEP: Final = 3.0
_NOON: Final = 13.0  # at the card holder
_AROUND_NOON: Final = (-12.0, -6.0, 6.0)
_FINE_DAYS: Final = 8
_SAME_POSTING: Final = 0.25  # money of one posting answers two tries nearly alike
_KEPT_INSTANTS: Final = 16
_KEPT_RHYTHMS: Final = 20
PLAN_MAX: Final = 6


class Candidate(NamedTuple):
    """An instant (hours since 1970), the chance of an approval then, and of the bank not refusing."""

    at: float
    chance: float
    willing: float


class Try(NamedTuple):
    """`adds`: what it adds to the chance of the tries that were chosen before it."""

    at: float
    chance: float
    adds: float


def candidates(ground: Ground, belief: Belief, earliest: float, end: float) -> list[Candidate]:
    """Instants from `earliest` on and before `end`: soon ones each three hours, later ones once a day, and on the best
    of those days four times."""
    soon, days = _instants(ground, earliest, end)
    found = _at(ground, belief, soon)
    later = _at(ground, belief, [noon for noon in days if noon < end])
    best = sorted(later, key=lambda one: (-one.chance, one.at))[:_FINE_DAYS]
    fine = [one.at + hours for one in best for hours in _AROUND_NOON if soon[-1] < one.at + hours < end]
    return sorted(found + later + _at(ground, belief, sorted(fine)))


def _at(ground: Ground, belief: Belief, instants: Sequence[float]) -> list[Candidate]:
    """Of growing instants."""
    found, before, rhythms = list[Candidate](), belief.before, belief.rhythms
    day, by_days, free = 0, list[float](), mended_by(belief.holds)
    for at in instants:
        if local_day(ground, at) != day:
            day = local_day(ground, at)
            by_days = weights_by_days(rhythms, day)
        willing = 1.0 - refused(ground, before, at)
        money = expected(rhythms, by_days, money_row(ground, before, at), undated(ground, before, at))
        found.append(Candidate(at, free[passed(ground, at)] * willing * money, willing))
    return found


def planned(ground: Ground, belief: Belief, found: Sequence[Candidate], prices: Sequence[float]) -> list[Try]:
    """The instants to send at, oldest first; none when none is worth its price. `prices[i]`, a chance, is the price of
    the i-th send from now on."""
    kept = sorted(found, key=lambda one: (-one.chance, one.at))[:_KEPT_INSTANTS]
    order = sorted(range(len(belief.rhythms)), key=lambda r: (-belief.rhythms[r], r))[:_KEPT_RHYTHMS]
    weights, holds = [belief.rhythms[r] for r in order], belief.holds
    values, rows = [one.chance for one in kept], list[list[float]]()
    chosen: list[Try] = []
    for price in prices[:PLAN_MAX]:
        best = max(range(len(kept)), key=values.__getitem__, default=None)
        if best is None or values[best] < price:
            break
        rows = rows or [_row(ground, belief, one, order) for one in kept]
        taken = kept[best]
        chosen.append(Try(taken.at, taken.chance, values[best]))
        failed = [weight * (1.0 - chance) for weight, chance in zip(weights, rows[best], strict=True)]
        left, all_of = total(failed), total(weights)
        holds = _unsolved(ground, holds, taken.at, left / all_of if all_of else 1.0)
        weights = [one * all_of / left for one in failed] if left else failed
        free = mended_by(holds)
        for index, one in enumerate(kept):
            rows[index] = _beside(ground, one.at, rows[index], taken.at, order)
            values[index] = free[passed(ground, one.at)] * total(map(mul, weights, rows[index]))
    return sorted(chosen)


def _unsolved(ground: Ground, holds: Sequence[float], at: float, share: float) -> list[float]:
    """What is left of each hold's chance when a try at that time fails: of those that had mended, a share."""
    hours = at - ground.first_at
    return [chance * share if until <= hours else chance for chance, until in zip(holds, UNTIL, strict=True)]


def _row(ground: Ground, belief: Belief, one: Candidate, order: Sequence[int]) -> list[float]:
    money = by_rhythm(
        local_day(ground, one.at), money_row(ground, belief.before, one.at), *undated(ground, belief.before, one.at)
    )
    return [one.willing * money[r] for r in order]


def _beside(ground: Ground, at: float, row: list[float], taken: float, order: Sequence[int]) -> list[float]:
    """Chances of a try once the one at `taken` is sent too: rhythms that bring no money between them add little."""
    late, between = max(at, taken), abs(at - taken)
    newest = (between - (late + ground.offset) % 24) / 24  # days since a posting that lies between them, at most
    since = days_since(local_day(ground, late))
    return [
        chance * (renewed(ground.model, between) if r == IRREGULAR else _SAME_POSTING) if since[r] > newest else chance
        for chance, r in zip(row, order, strict=True)
    ]


def _instants(ground: Ground, earliest: float, end: float) -> tuple[list[float], list[float]]:
    """The soon ones, and the noons of the days after them, where the card holder is."""
    soon, at = list[float](), earliest
    while at < end and at <= earliest + _SOON_HOURS:
        soon.append(at)
        at += _SOON_STEP
    noon = (at + ground.offset) // 24 * 24 - ground.offset + _NOON
    noons = list[float]()
    while noon < end:
        if noon >= at:
            noons.append(noon)
        noon += 24.0
    return soon, noons
