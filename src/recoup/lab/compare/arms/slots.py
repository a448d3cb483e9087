"""The open slot method: tries on the weekdays, days of the month and hours at which tries like this one succeeded.

For each cluster of declines tries and successes are counted by weekday, day of the month and hour, in UTC. A slot's
success rate is smoothed, p = (k + 1) / (n + 2); its score is the mean log-odds that it beats each other slot. Scores
become weights of the days that are left by a softmax of each axis and their maximum; days are then gone through in
order, each taken with the chance budget × weight / weight that is left, for certain when the budget covers all days
that are left. The hour is drawn likewise. Slots never tried weigh as an average one.

Ours: a cluster is reason × scheme and funding × issuer, widened until it holds enough tries; draws are keyed by order
and decision; scores of a cluster are kept until its counts have grown by a twentieth.

Source: juspay/hyperswitch pull request 13804, and 13793 for the statistics.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from recoup.lab.compare.draws import share_of
from recoup.lab.compare.readings import read
from recoup.lab.compare.seam import Attempt, Briefing, Choice, Known, SendAt, Stop, is_hard
from recoup.lab.world.port import HistoryRow, WorldCard
from recoup.rules.network.codes import Reading

_AXES: Final = ("weekday", "month_day", "hour")
_CLIP: Final = 1e-4
_DAYS_MAX: Final = 31
_TRIES_ENOUGH: Final = 200
_HOUR_UNKNOWN: Final = 12
_OWN_BUDGET: Final = {"mastercard": 35}
_OTHER_BUDGET: Final = 20
Key = tuple[str, ...]


class _Powers(NamedTuple):
    """Of one axis: e to a slot's score, and of a slot never tried; both over e to the highest score."""

    tried: Mapping[int, float]
    other: float

    def of(self, slot: int) -> float:
        return self.tried.get(slot, self.other)


@dataclass(slots=True)
class _Cluster:
    tried: Counter[tuple[str, int]] = field(default_factory=Counter)
    approved: Counter[tuple[str, int]] = field(default_factory=Counter)
    tries: int = 0
    powered_at: int = -1
    powers: Mapping[str, _Powers] = field(default_factory=dict)

    def add(self, at: datetime, *, approved: bool) -> None:
        self.tries += 1
        for slot in _slots_of(at):
            self.tried[slot] += 1
            self.approved[slot] += approved

    def current_powers(self) -> Mapping[str, _Powers]:
        if self.powered_at < 0 or self.tries > self.powered_at * 1.05:
            self.powered_at = self.tries
            self.powers = {axis: self._powers(axis) for axis in _AXES}
        return self.powers

    def _powers(self, axis: str) -> _Powers:
        slots = {slot: (self.approved[axis, slot], tries) for (name, slot), tries in self.tried.items() if name == axis}
        scores = slot_scores(slots)
        top = max(scores.values(), default=0.0)
        return _Powers({slot: math.exp(score - top) for slot, score in scores.items()}, math.exp(-max(top, 0.0)))


def slot_scores(slots: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """`slots`: successes and tries. A slot's mean log-odds to have a higher rate than each other."""
    rates = {slot: (k + 1) / (n + 2) for slot, (k, n) in slots.items()}
    variances = {slot: rates[slot] * (1 - rates[slot]) / (n + 3) for slot, (_, n) in slots.items()}
    scores = {}
    for slot in sorted(slots):
        odds = [
            _log_odds(0.5 * (1 + math.erf((rates[slot] - rates[other]) / math.sqrt(2 * (variances[slot] + variance)))))
            for other, variance in sorted(variances.items())
            if other != slot
        ]
        scores[slot] = math.fsum(odds) / len(odds) if odds else 0.0
    return scores


def _log_odds(chance: float) -> float:
    clipped = min(max(chance, _CLIP), 1 - _CLIP)
    return math.log(clipped / (1 - clipped))


class Slots:
    def __init__(self, briefing: Briefing) -> None:
        self.seed = briefing.seed
        self.clusters: dict[Key, _Cluster] = {(): _Cluster()}
        before: HistoryRow | None = None
        for row in sorted(briefing.history, key=lambda one: (one.order_id, one.attempt)):
            if before is not None and before.order_id == row.order_id and not before.approved:
                reading = read(before.card.scheme, before.scheme_code, before.advice_code, before.at.date())
                self._learn(_keys(reading, row.card), row.at, approved=row.approved)
            before = row

    def decide(self, known: Known) -> Choice:
        if is_hard(known.reading):
            return Stop("hard_decline")
        budget = known.sends_left
        if budget is None:
            budget = _OWN_BUDGET.get(known.card.scheme, _OTHER_BUDGET) - len(known.attempts)
        days = _days_left(known.earliest, known.order.expires_at)
        if budget <= 0 or not days:
            return Stop("no_day_left" if not days else "budget_used_up")
        powers = self._cluster(known.reading, known.card).current_powers()
        names = ("slots", self.seed, known.order.order_id, known.decision)
        day = days[pick(_day_weights(days, powers), budget, lambda place: share_of(*names, place))]
        hour = _HOUR_UNKNOWN
        if powers["hour"].tried:
            # Of a budget of one the walk through the hours is one draw by weight.
            bounds = list(accumulate(powers["hour"].of(one) for one in range(24)))
            hour = min(bisect_right(bounds, share_of(*names, "hour") * bounds[-1]), 23)
        return SendAt(max(datetime.combine(day, time(hour), UTC), known.earliest))

    def hear(self, known: Known, attempt: Attempt) -> None:
        if attempt.state != "unknown":
            self._learn(_keys(known.reading, known.card), attempt.at, approved=attempt.state == "approved")

    def _learn(self, keys: Sequence[Key], at: datetime, *, approved: bool) -> None:
        for key in keys:
            self.clusters.setdefault(key, _Cluster()).add(at, approved=approved)

    def _cluster(self, reading: Reading, card: WorldCard) -> _Cluster:
        """The narrowest with enough tries, else the widest."""
        found = (self.clusters.get(key) for key in _keys(reading, card))
        return next((one for one in found if one is not None and one.tries >= _TRIES_ENOUGH), self.clusters[()])


def _keys(reading: Reading, card: WorldCard) -> tuple[Key, ...]:
    """Narrowest first."""
    kind = f"{card.scheme} {card.funding}"
    return (reading.reason, kind, card.number[:9]), (reading.reason, kind), (reading.reason,), ()


def _slots_of(at: datetime) -> tuple[tuple[str, int], ...]:
    moment = at.astimezone(UTC)
    return ("weekday", moment.weekday()), ("month_day", moment.day), ("hour", moment.hour)


def _days_left(now: datetime, expires_at: datetime) -> list[date]:
    """From the next day to the one before the order expires, in UTC."""
    first, last = now.astimezone(UTC).date(), expires_at.astimezone(UTC).date()
    return [first + timedelta(days=number) for number in range(1, min((last - first).days, _DAYS_MAX + 1))]


def _day_weights(days: Sequence[date], powers: Mapping[str, _Powers]) -> list[float]:
    """Each axis as shares of the days that are left, of which the higher counts."""
    by_weekday = [powers["weekday"].of(day.weekday()) for day in days]
    by_month_day = [powers["month_day"].of(day.day) for day in days]
    weekdays, month_days = sum(by_weekday), sum(by_month_day)
    return [max(one / weekdays, other / month_days) for one, other in zip(by_weekday, by_month_day, strict=True)]


def pick(weights: Sequence[float], budget: int, draw: Callable[[int], float]) -> int:
    """The place taken; the last at the latest."""
    left = list(accumulate(reversed(weights)))[::-1]
    for place, weight in enumerate(weights):
        if budget >= len(weights) - place or draw(place) < budget * weight / left[place]:
            return place
    raise AssertionError("a budget of 1 or more takes the last place")
