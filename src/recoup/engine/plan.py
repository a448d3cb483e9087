"""The tries of an order chosen as a whole, so that they cover different futures: each is worth what
it adds."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from recoup.engine.belief import Belief
from recoup.engine.chances import Ground
from recoup.rescue.rules.answer_classes import TECHNICAL
from recoup.rescue.rules.links import Try

_SOON_HOURS: Final = 36.0
_SOON_STEP: Final = 3.0
_NOON: Final = 13.0  # at the card holder
_AROUND_NOON: Final = (-12.0, -6.0, 6.0)
_FINE_DAYS: Final = 8
_KEPT_INSTANTS: Final = 16  # by causes alone
_KEPT_DEEP: Final = 32
_KEPT_CHEAP: Final = 64
_CHEAP: Final = 0.01
# What a day's wait costs of a chance: little, but an outage is over within hours, and then it needs
# no more of them.
_A_DAY: Final = {TECHNICAL: 0.5}
_A_DAY_ELSE: Final = 0.02
PLAN_MAX: Final = 6


class Candidate(NamedTuple):
    """An instant (hours since 1970), the chance of an approval then, and of the bank not
    refusing."""

    at: float
    chance: float
    willing: float


Opens = Callable[[float], float | None]
"""The first instant from another one on at which a send may leave; None: there is none."""


def candidates(
    ground: Ground, belief: Belief, earliest: float, end: float, opens: Opens | None = None
) -> list[Candidate]:
    """Instants from `earliest` on and before `end`, each once: soon ones each three hours, later
    ones once a day, and on the best of those days four times. `opens`: each waits until a send may
    leave."""
    from recoup.engine.instants import at_instants  # arrays: for whoever plans

    soon, days = _instants(ground, earliest, end)

    def opened(instants: Iterable[float], *before: list[float]) -> list[float]:
        waited = (
            set(instants)
            if opens is None
            else {at for instant in instants if (at := opens(instant)) is not None}
        )
        return sorted(at for at in waited.difference(*before) if at < end)

    first = opened(soon)
    noons = opened(days, first)
    tried, later = at_instants(ground, belief, first), at_instants(ground, belief, noons)
    around = [
        candidate.at + hours for candidate in best_of(later)[:_FINE_DAYS] for hours in _AROUND_NOON
    ]
    fine = opened((at for at in around if not first or at > first[-1]), first, noons)
    return sorted(tried + later + at_instants(ground, belief, fine))


def planned(
    ground: Ground,
    belief: Belief,
    candidates: Sequence[Candidate],
    prices: Sequence[float],
    gap: float = 0.0,
) -> list[Try]:
    """The instants to send at, oldest first; none when none is worth its price. `prices[i]`, a
    chance, is the price of the i-th send from now on. `gap`: hours between two of them at least. By
    causes alone a plan is shorter, as those of before were."""
    deep = ground.model.learned.regression is not None
    kept = (
        sooner_of(belief, candidates)[: looked_at(prices)]
        if deep
        else best_of(candidates)[:_KEPT_INSTANTS]
    )
    if not kept or not prices or kept[0].chance < prices[0]:
        return []
    from recoup.engine.futures import Futures

    futures = Futures(ground, belief, kept, waits_from=candidates[0].at if deep else None)
    best, value, chosen = 0, kept[0].chance, list[Try]()
    for price in prices if deep else prices[:PLAN_MAX]:
        if value < price:
            break
        chosen.append(Try(kept[best].at, kept[best].chance, value))
        best, value = futures.after(best, gap, again=not deep)
    return sorted(chosen)


def looked_at(prices: Sequence[float]) -> int:
    """The number of instants a plan chooses from: more where sends cost next to nothing, as it is
    longer then."""
    return _KEPT_CHEAP if prices and prices[0] < _CHEAP else _KEPT_DEEP


def best_of(growing: Sequence[Candidate]) -> list[Candidate]:
    """Sorts by chance; of equal ones the earlier is first."""
    return sorted(growing, key=attrgetter("chance"), reverse=True)


def sooner_of(belief: Belief, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sorts by chance less what waiting costs; `candidates` is in order of time."""
    return sorted(
        candidates,
        key=lambda candidate: candidate.chance / waited(belief, candidate.at, candidates[0].at),
        reverse=True,
    )


def waited(belief: Belief, at: Any, earliest: float) -> Any:
    """Divisor of a chance at those instants: money is worth more sooner, and of far days a model
    knows less."""
    return 1.0 + _A_DAY.get(belief.before.answer, _A_DAY_ELSE) * (at - earliest) / 24.0


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
