"""The chance of an approval at an instant, for each rhythm: tables of a model, worked out once, then looked up.

Instants are hours since 1970 in UTC, as floats: a plan looks at a hundred of them.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import mul
from typing import Final, NamedTuple

from recoup.rules.rescue.engine.bins import chance_of, gap_bin, since_bin, tries_bin
from recoup.rules.rescue.engine.classes import FUNDS
from recoup.rules.rescue.engine.model import Issuer, Model
from recoup.rules.rescue.engine.rhythms import AMPLE, IRREGULAR, LONG_AGO, days_since

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_EPOCH_WEEKDAY: Final = _EPOCH.weekday()


class Ground(NamedTuple):
    """What does not change while one order is decided. `offset`: hours east of UTC at the card holder; `first_at`,
    `first_answer`: of the payment that came in; `first_day`: its day there, as an ordinal."""

    model: Model
    issuer: Issuer | None
    offset: float
    zone_known: bool
    first_at: float
    first_answer: int
    first_day: int


class Before(NamedTuple):
    """What came before an instant. `tries`: of the order, 0 for the payment itself; `answer`: the class of the payer's
    attempt before, 0 for an approval or none; `at`: when that was."""

    tries: int
    answer: int
    at: float


def hours_of(at: datetime) -> float:
    return (at - _EPOCH).total_seconds() / 3600.0


def instant_of(hours: float) -> datetime:
    return _EPOCH + timedelta(seconds=round(hours * 3600.0))


def local_day(ground: Ground, at: float) -> int:
    return int((at + ground.offset) // 24) + _EPOCH_DAY


def money_row(ground: Ground, before: Before, at: float) -> tuple[float, ...]:
    """The chance that money is there, by days since the posting."""
    gap, hour = at - before.at, int((at + ground.offset) % 24)
    fresh, stale = _rows(ground.model, hour, gap_bin(gap), before, ground.zone_known)
    if not before.answer:
        return fresh
    # A posting as many days ago or more lies before the attempt before.
    older = min(LONG_AGO + 1, int((gap - hour) // 24) + 1) if gap >= hour else 0
    return fresh[:older] + stale[older:]


def undated(ground: Ground, before: Before, at: float) -> tuple[float, float]:
    """The same for payers without pay days: the irregular, the ample."""
    gap = gap_bin(at - before.at)
    key = ("undated", gap, before.answer, before.tries == 0)
    found: tuple[float, float] | None = ground.model.tables.get(key)
    if found is None:
        money, added = ground.model.learned.money, _added(ground.model, before)
        stale = money.stale[before.answer == FUNDS][gap] if before.answer else 0.0
        found = chance_of(money.irregular + added + stale), chance_of(money.ample + added)
        ground.model.tables[key] = found
    return found


def by_rhythm(day: int, row: tuple[float, ...] | list[float], irregular: float, ample: float) -> list[float]:
    """A row by days since the posting, as that day stands in each rhythm."""
    found = list(map(row.__getitem__, days_since(day)))
    found[IRREGULAR], found[AMPLE] = irregular, ample
    return found


def refused(ground: Ground, before: Before, at: float) -> float:
    """The chance that the bank refuses although money is there."""
    table, issuer = ground.model.learned.refusal, ground.issuer
    slot, weekday = int(at % 24) // 3, (int(at // 24) + _EPOCH_WEEKDAY) % 7
    logit = table.tries[tries_bin(before.tries)] + table.hours[slot] + table.weekdays[weekday]
    if before.tries:
        logit += table.after[before.answer][gap_bin(at - before.at)]
        day = local_day(ground, at)
        if day != ground.first_day:
            logit += table.new_day
            if _month(day) != _month(ground.first_day):
                logit += table.new_month
    else:
        logit += table.first
    if issuer is not None:
        logit += issuer.refusal + issuer.hours[slot] + issuer.weekdays[weekday]
    return chance_of(logit)


def expected(weights: list[float], by_days: list[float], row: tuple[float, ...], none: tuple[float, float]) -> float:
    """The chance over all rhythms; `by_days` adds up the weights of rhythms by days since the posting."""
    total = weights[IRREGULAR] * none[0] + weights[AMPLE] * none[1]
    for one in map(mul, by_days, row):
        total += one
    return total


def weights_by_days(weights: list[float], day: int) -> list[float]:
    found = [0.0] * (LONG_AGO + 1)
    for weight, days in zip(weights[:IRREGULAR], days_since(day), strict=False):
        found[days] += weight
    return found


@lru_cache(maxsize=4096)
def _month(day: int) -> int:
    return date.fromordinal(day).month


def _rows(
    model: Model, hour: int, gap: int, before: Before, zone_known: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Where the posting came after the attempt before, and where it did not."""
    key = ("money", hour, gap, before.answer, zone_known, before.tries == 0)
    rows: tuple[tuple[float, ...], tuple[float, ...]] | None = model.tables.get(key)
    if rows is None:
        money = model.learned.money
        since, added = money.since[zone_known], _added(model, before)
        stale = money.stale[before.answer == FUNDS][gap]
        logits = [since[since_bin(days * 24 + hour)] + added for days in range(LONG_AGO + 1)]
        rows = tuple(map(chance_of, logits)), tuple(chance_of(one + stale) for one in logits)
        model.tables[key] = rows
    return rows


def _added(model: Model, before: Before) -> float:
    money = model.learned.money
    return money.after[before.answer] if before.tries else money.first
