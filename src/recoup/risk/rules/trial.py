"""Trial of learned weights: what of the past they are learned from, and that they judge the last
part of it, which they have not seen, no worse than the weights that decide today. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log
from typing import Final, NamedTuple

from recoup.kernel.steady import chance_of
from recoup.kernel.stop import stoppable
from recoup.risk.rules.weights import LOGIT, Weights

MATURE: Final = timedelta(days=60)  # after a payment; what is reported later changes nothing
WINDOW: Final = timedelta(days=400)
HELD_OUT_SHARE: Final = 5  # the last fifth of the time
HELD_OUT_DAYS_MAX: Final = 28
FRAUDS_HELD_OUT_MIN: Final = 10
OWNERS_MIN: Final = 5  # from so many on none has more than its share
OWNER_SHARE: Final = 4  # a quarter
_SURELY: Final = 1e-6


class Outcome(NamedTuple):
    """A payment whose outcome is known. `at`: business time; `terms`: those that held, without the
    base."""

    owner: int
    at: datetime
    terms: tuple[str, ...]
    fraud: bool


class Divided(NamedTuple):
    before: list[Outcome]
    held: list[Outcome]
    held_from: datetime

    @property
    def held_frauds(self) -> int:
        return sum(outcome.fraud for outcome in self.held)


@dataclass(frozen=True, slots=True)
class RiskTrial:
    """Mean log-losses of the held-out payments, the less the better. `only_by`: the owner without
    whose payments the new weights would be worse."""

    held_from: datetime
    held_payments: int
    held_frauds: int
    score: float
    compared_with: str
    compared_score: float
    only_by: int | None = None

    @property
    def no_worse(self) -> bool:
        return self.score <= self.compared_score and self.only_by is None


def divided(outcomes: Sequence[Outcome]) -> Divided:
    """The last fifth of the time is held out, four weeks at most, from the beginning of a day of
    UTC on; what is before, of each owner within its share."""
    first, last = min(outcome.at for outcome in outcomes), max(outcome.at for outcome in outcomes)
    at = last - min((last - first) / HELD_OUT_SHARE, timedelta(days=HELD_OUT_DAYS_MAX))
    at = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    before = within_shares([outcome for outcome in outcomes if outcome.at < at])
    return Divided(before, [outcome for outcome in outcomes if outcome.at >= at], at)


def within_shares(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes with at most a quarter of all from each owner, its payments thinned evenly; all of
    them where owners are few."""
    counts: dict[int, int] = {}
    for outcome in outcomes:
        counts[outcome.owner] = counts.get(outcome.owner, 0) + 1
    if len(counts) < OWNERS_MIN:
        return list(outcomes)
    most, seen = _most(counts.values()), dict.fromkeys(counts, 0)
    taken = []
    for outcome in outcomes:
        number, count = seen[outcome.owner], counts[outcome.owner]
        seen[outcome.owner] = number + 1
        if count <= most or number * most // count != (number + 1) * most // count:
            taken.append(outcome)
    return taken


def _most(counts: Iterable[int]) -> int:
    """The number of one owner's payments that is a quarter of what is then taken."""
    sizes = sorted(counts, reverse=True)
    rest = sum(sizes)
    for larger, size in enumerate(sizes[: OWNER_SHARE - 1]):
        if size * (OWNER_SHARE - larger) <= rest:
            return rest // (OWNER_SHARE - larger)
        rest -= size
    return rest


def try_risk(divided_at: Divided, weights: Weights, today: Weights) -> RiskTrial:
    """Tries learned weights. No worse is what is no worse without any one owner's payments, too;
    where the others have too few frauds to judge by, that owner's are not left out."""
    mine, theirs = (
        [loss(outcome, which) for outcome in stoppable(divided_at.held)]
        for which in (weights, today)
    )
    score, compared = (round(sum(losses) / len(losses), 6) for losses in (mine, theirs))
    trial = RiskTrial(
        divided_at.held_from,
        len(divided_at.held),
        divided_at.held_frauds,
        score,
        today.version,
        compared,
    )
    if not trial.no_worse:
        return trial
    frauds, gained = dict[int, int](), dict[int, float]()
    for outcome, my, their in zip(divided_at.held, mine, theirs, strict=True):
        frauds[outcome.owner] = frauds.get(outcome.owner, 0) + outcome.fraud
        gained[outcome.owner] = gained.get(outcome.owner, 0.0) + their - my
    everything = sum(gained[owner] for owner in sorted(gained))
    for owner in sorted(gained):
        others = divided_at.held_frauds - frauds[owner]
        if others >= FRAUDS_HELD_OUT_MIN and everything - gained[owner] < 0:
            return RiskTrial(
                trial.held_from,
                trial.held_payments,
                trial.held_frauds,
                score,
                today.version,
                compared,
                only_by=owner,
            )
    return trial


def loss(outcome: Outcome, weights: Weights) -> float:
    logit = weights.base + sum(weights.terms.get(term, 0) for term in outcome.terms)
    risk = min(max(chance_of(logit / LOGIT), _SURELY), 1.0 - _SURELY)
    return -log(risk if outcome.fraud else 1.0 - risk)
