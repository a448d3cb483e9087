"""The open slot method: tries on the weekdays, days of the month and hours at which tries like this
one succeeded.

For each cluster of declines tries and successes are counted by weekday, day of the month and hour,
in UTC. A slot's success rate is smoothed, p = (k + 1) / (n + 2); its score is the mean log-odds
that it beats each other slot. Scores become weights of the days that are left by a softmax of each
axis and their maximum; days are then gone through in order, each taken with the chance budget ×
weight / weight that is left, for certain when the budget covers all days that are left. The hour is
drawn likewise. Slots never tried weigh as an average one.

Ours: a cluster is reason × scheme and funding × issuer, widened until it holds enough tries; draws
are keyed by order and decision; scores of a cluster are kept until its tries have grown by a tenth.

Source: juspay/hyperswitch pull request 13804, and 13793 for the statistics.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

from recoup.networks.codes import Reading
from recoup_lab.compare.arms.learned import issuer_of
from recoup_lab.compare.draws import share_of
from recoup_lab.compare.readings import reading_of
from recoup_lab.compare.seam import Attempt, Briefing, Choice, Known, SendAt, Stop, is_hard
from recoup_lab.world.port import HistoryRow, WorldCard

_AXES: Final = {
    "weekday": (0, 7),
    "month_day": (7, 32),
    "hour": (39, 24),
}  # first place, number of slots
_SLOTS: Final = 63
_GROWTH: Final = 1.1
_CLIP: Final = 1e-4
_DAYS_MAX: Final = 31
_TRIES_ENOUGH: Final = 200
_HOUR_UNKNOWN: Final = 12
_OWN_BUDGET: Final = {"mastercard": 35}
_OTHER_BUDGET: Final = 20
Key = tuple[str, ...]


class _Powers(NamedTuple):
    """Powers of e to each slot's score on an axis, over e to the highest. `hours_up_to`: their
    sums, None where no hour was ever tried."""

    weekday: Sequence[float]
    month_day: Sequence[float]
    hours_up_to: Sequence[float] | None


class _Days(NamedTuple):
    """Days on which an order may still be tried, and which slots they are."""

    dates: Sequence[date]
    weekdays: Sequence[int]
    month_days: Sequence[int]


@dataclass(slots=True)
class _Cluster:
    """`tried`, `approved`: by slot, the axes one after the other."""

    tried: list[int] = field(default_factory=lambda: [0] * _SLOTS)
    approved: list[int] = field(default_factory=lambda: [0] * _SLOTS)
    tries: int = 0
    powered_at: int = -1
    powers: _Powers = _Powers((), (), None)

    def add(self, slots: Sequence[int], *, approved: bool) -> None:
        self.tries += 1
        for slot in slots:
            self.tried[slot] += 1
            self.approved[slot] += approved

    def current_powers(self) -> _Powers:
        if self.powered_at < 0 or self.tries > self.powered_at * _GROWTH:
            self.powered_at = self.tries
            hours = self._powers("hour")
            first, number = _AXES["hour"]
            was_tried = any(self.tried[first : first + number])
            self.powers = _Powers(
                self._powers("weekday"),
                self._powers("month_day"),
                list(accumulate(hours)) if was_tried else None,
            )
        return self.powers

    def _powers(self, axis: str) -> list[float]:
        first, number = _AXES[axis]
        slots = {
            slot: (self.approved[first + slot], self.tried[first + slot])
            for slot in range(number)
            if self.tried[first + slot]
        }
        scores = slot_scores(slots)
        top = max(scores.values(), default=0.0)
        return [math.exp(scores.get(slot, 0.0) - top) for slot in range(number)]


def slot_scores(slots: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """`slots`: successes and tries. A slot's mean log-odds to have a higher rate than each
    other."""
    names = sorted(slots)
    rates = [(slots[slot][0] + 1) / (slots[slot][1] + 2) for slot in names]
    variances = [
        rate * (1 - rate) / (slots[slot][1] + 3) for slot, rate in zip(names, rates, strict=True)
    ]
    sums = [0.0] * len(names)
    erf, log, sqrt = math.erf, math.log, math.sqrt
    for one, (rate, variance) in enumerate(zip(rates, variances, strict=True)):
        total = sums[one]
        for other in range(
            one
        ):  # the odds of the one against the other are those of the other turned round
            chance = 0.5 * (
                1 + erf((rate - rates[other]) / sqrt(2 * (variance + variances[other])))
            )
            chance = _CLIP if chance < _CLIP else 1 - _CLIP if chance > 1 - _CLIP else chance
            odds = log(chance / (1 - chance))
            total += odds
            sums[other] -= odds
        sums[one] = total
    return {slot: total / max(1, len(names) - 1) for slot, total in zip(names, sums, strict=True)}


class Slots:
    def __init__(self, briefing: Briefing) -> None:
        self.seed = briefing.seed
        self.clusters: dict[Key, _Cluster] = {(): _Cluster()}
        before: HistoryRow | None = None
        for row in sorted(briefing.history, key=lambda one: (one.order_id, one.attempt)):
            if before is not None and before.order_id == row.order_id and not before.approved:
                self._learn(_keys(reading_of(before), row.card), row.at, approved=row.approved)
            before = row

    def decide(self, known: Known) -> Choice:
        if is_hard(known.reading):
            return Stop("hard_decline")
        budget = known.sends_left
        if budget is None:
            budget = _OWN_BUDGET.get(known.card.scheme, _OTHER_BUDGET) - len(known.attempts)
        days = _days_left(
            known.earliest.astimezone(UTC).date(), known.order.expires_at.astimezone(UTC).date()
        )
        if budget <= 0 or not days.dates:
            return Stop("no_day_left" if not days.dates else "budget_used_up")
        powers = self._cluster(known.reading, known.card).current_powers()
        names = ("slots", self.seed, known.order.order_id, known.decision)
        day = days.dates[pick(_day_weights(days, powers), budget, share_of(*names, "day"))]
        hour, bounds = _HOUR_UNKNOWN, powers.hours_up_to
        if bounds is not None:
            # Of a budget of one the walk through the hours is one draw by weight.
            hour = min(bisect_right(bounds, share_of(*names, "hour") * bounds[-1]), 23)
        return SendAt(max(datetime.combine(day, time(hour), UTC), known.earliest))

    def hear(self, known: Known, attempt: Attempt) -> None:
        if attempt.state != "unknown":
            self._learn(
                _keys(known.reading, known.card), attempt.at, approved=attempt.state == "approved"
            )

    def _learn(self, keys: Sequence[Key], at: datetime, *, approved: bool) -> None:
        slots = _slots_of(at)
        for key in keys:
            found = self.clusters.get(key)
            if found is None:
                found = self.clusters[key] = _Cluster()
            found.add(slots, approved=approved)

    def _cluster(self, reading: Reading, card: WorldCard) -> _Cluster:
        """The narrowest with enough tries, else the widest."""
        for key in _keys(reading, card):
            found = self.clusters.get(key)
            if found is not None and found.tries >= _TRIES_ENOUGH:
                return found
        return self.clusters[()]


def _keys(reading: Reading, card: WorldCard) -> tuple[Key, ...]:
    """Narrowest first."""
    kind = f"{card.scheme} {card.funding}"
    return (reading.reason, kind, issuer_of(card)), (reading.reason, kind), (reading.reason,), ()


def _slots_of(at: datetime) -> tuple[int, int, int]:
    moment = at.astimezone(UTC)
    (weekdays, _), (month_days, _), (hours, _) = _AXES.values()
    return weekdays + moment.weekday(), month_days + moment.day, hours + moment.hour


@lru_cache(maxsize=16_384)
def _days_left(today: date, last: date) -> _Days:
    """Days from the next one to the one before the order expires, in UTC."""
    dates = [
        today + timedelta(days=number)
        for number in range(1, min((last - today).days, _DAYS_MAX + 1))
    ]
    return _Days(dates, [day.weekday() for day in dates], [day.day for day in dates])


def _day_weights(days: _Days, powers: _Powers) -> list[float]:
    """Each axis as shares of the days that are left, of which the higher counts."""
    by_weekday = [powers.weekday[weekday] for weekday in days.weekdays]
    by_month_day = [powers.month_day[day] for day in days.month_days]
    weekdays, month_days = sum(by_weekday), sum(by_month_day)
    return [
        max(one / weekdays, other / month_days)
        for one, other in zip(by_weekday, by_month_day, strict=True)
    ]


def pick(weights: Sequence[float], budget: int, chance: float) -> int:
    """The place taken; the last at the latest. One draw stands for those of all places: `chance` is
    how much of the probability lies before."""
    left = sum(weights)
    passed = 1.0  # the probability that no place so far was taken
    for place, weight in enumerate(weights[:-1]):
        if budget >= len(weights) - place:
            return place
        passed *= 1 - min(1.0, budget * weight / left)
        if 1 - passed > chance:
            return place
        left -= weight
    return len(weights) - 1
