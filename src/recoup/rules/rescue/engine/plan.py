"""The tries of an order chosen as a whole, so that they cover different futures: each is worth what it adds."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter, mul
from typing import Final, NamedTuple

from recoup.rules.rescue.engine.belief import UNTIL, Belief, mended_by, passed
from recoup.rules.rescue.engine.bins import total
from recoup.rules.rescue.engine.chances import Ground, expected, local_day, money_row, refused_on, renewed
from recoup.rules.rescue.engine.rhythms import IRREGULAR, LONG_AGO, places

_SOON_HOURS: Final = 36.0
_SOON_STEP: Final = 3.0
_NOON: Final = 13.0  # at the card holder
_AROUND_NOON: Final = (-12.0, -6.0, 6.0)
_FINE_DAYS: Final = 8
_SAME_POSTING: Final = 0.25  # money of one posting answers two tries nearly alike
_NEVER: Final = -1.0
_KEPT_INSTANTS: Final = 16
_KEPT_DEEP: Final = 32
_KEPT_RHYTHMS: Final = 20
PLAN_MAX: Final = 6
_DEEP_MAX: Final = 20


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


Opens = Callable[[float], float | None]
"""The first instant from another one on at which a send may leave; None: there is none."""


def candidates(
    ground: Ground, belief: Belief, earliest: float, end: float, opens: Opens | None = None
) -> list[Candidate]:
    """Instants from `earliest` on and before `end`, each once: soon ones each three hours, later ones once a day, and
    on the best of those days four times. `opens`: each waits until a send may leave."""
    soon, days = _instants(ground, earliest, end)

    def opened(instants: Iterable[float], *before: list[float]) -> list[float]:
        waited = set(instants) if opens is None else {at for one in instants if (at := opens(one)) is not None}
        return sorted(at for at in waited.difference(*before) if at < end)

    first = opened(soon)
    noons = opened(days, first)
    found, later = at_instants(ground, belief, first), at_instants(ground, belief, noons)
    around = [one.at + hours for one in _best(later)[:_FINE_DAYS] for hours in _AROUND_NOON]
    fine = opened((at for at in around if not first or at > first[-1]), first, noons)
    return sorted(found + later + at_instants(ground, belief, fine))


def at_instants(ground: Ground, belief: Belief, instants: Sequence[float]) -> list[Candidate]:
    found, before, rhythms = list[Candidate](), belief.before, belief.rhythms
    last, by_days, free = 0, list[float](), mended_by(belief.holds)
    for at in instants:
        day = local_day(ground, at)
        if day != last:
            last, by_days = day, belief.by_days(day)
        willing = 1.0 - refused_on(ground, before, at, day)
        money = expected(rhythms, by_days, money_row(ground, before, at))
        found.append(Candidate(at, free[passed(ground, at)] * willing * money, willing))
    return found


def planned(
    ground: Ground, belief: Belief, found: Sequence[Candidate], prices: Sequence[float], gap: float = 0.0
) -> list[Try]:
    """The instants to send at, oldest first; none when none is worth its price. `prices[i]`, a chance, is the price of
    the i-th send from now on. `gap`: hours between two of them at least. By causes alone a plan is shorter, as those of
    before were."""
    deep = ground.model.learned.regression is not None
    most, looked_at = (_DEEP_MAX, _KEPT_DEEP) if deep else (PLAN_MAX, _KEPT_INSTANTS)
    kept = _best(found)[:looked_at]
    values, chosen, hypotheses = [one.chance for one in kept], list[Try](), None
    for price in prices[:most]:
        best = max(range(len(kept)), key=values.__getitem__, default=None)
        if best is None or values[best] < price:
            break
        hypotheses = hypotheses or _Hypotheses(ground, belief, kept)
        chosen.append(Try(kept[best].at, kept[best].chance, values[best]))
        values = hypotheses.after(best)
        if gap or deep:
            values = [
                _NEVER if any(abs(one.at - at.at) < gap or deep and one.at == at.at for at in chosen) else value
                for one, value in zip(kept, values, strict=True)
            ]
    return sorted(chosen)


def _best(growing: Sequence[Candidate]) -> list[Candidate]:
    """By chance; of equal ones the earlier is first."""
    return sorted(growing, key=attrgetter("chance"), reverse=True)


class _Hypotheses:
    """The likeliest rhythms, and what each says of each instant: of the tries that were chosen all fail."""

    def __init__(self, ground: Ground, belief: Belief, kept: Sequence[Candidate]) -> None:
        weights = belief.rhythms
        order = sorted(range(len(weights)), key=weights.__getitem__, reverse=True)[:_KEPT_RHYTHMS]
        self._ground, self._holds = ground, belief.holds
        self._instants = [one.at for one in kept]
        self._passed = [passed(ground, one.at) for one in kept]
        self._weights = [weights[r] for r in order]
        self._irregular = order.index(IRREGULAR) if IRREGULAR in order else None
        pick = itemgetter(*order)
        self._places = {at: pick(places(local_day(ground, at))) for at in self._instants}
        self._rows = []
        for one in kept:
            row = money_row(ground, belief.before, one.at)
            self._rows.append([one.willing * row[place] for place in self._places[one.at]])

    def after(self, taken: int) -> list[float]:
        """What each instant adds once that one is sent too, and fails."""
        at, weights = self._instants[taken], self._weights
        failed = [weight * (1.0 - chance) for weight, chance in zip(weights, self._rows[taken], strict=True)]
        left, all_of = total(failed), total(weights)
        self._holds = _unsolved(self._ground, self._holds, at, left / all_of if all_of else 1.0)
        self._weights = weights = [one * all_of / left for one in failed] if left else failed
        self._rows = [self._beside(row, one, at) for row, one in zip(self._rows, self._instants, strict=True)]
        free = mended_by(self._holds)
        return [free[over] * total(map(mul, weights, row)) for over, row in zip(self._passed, self._rows, strict=True)]

    def _beside(self, row: list[float], at: float, taken: float) -> list[float]:
        """Chances of a try once the one at `taken` is sent too: rhythms that bring no money between them add little."""
        ground, late, between = self._ground, max(at, taken), abs(at - taken)
        newest = (between - (late + ground.offset) % 24) / 24  # days since a posting that lies between them, at most
        if newest >= LONG_AGO:
            return row
        found = [
            chance * _SAME_POSTING if place > newest else chance
            for chance, place in zip(row, self._places[late], strict=True)
        ]
        if self._irregular is not None:
            found[self._irregular] = row[self._irregular] * renewed(ground.model, between)
        return found


def _unsolved(ground: Ground, holds: Sequence[float], at: float, share: float) -> list[float]:
    """What is left of each hold's chance when a try at that time fails: of those that had mended, a share."""
    hours = at - ground.first_at
    return [chance * share if until <= hours else chance for chance, until in zip(holds, UNTIL, strict=True)]


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
