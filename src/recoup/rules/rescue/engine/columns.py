"""What the regression knows of an order and of an instant, as bins of its columns. Training and scoring cut alike: both
call this. Instants are hours since 1970, as in `chances`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from recoup.rules.rescue.engine.belief import Belief, mended_by, passed
from recoup.rules.rescue.engine.bins import APPROVED, CLASSES
from recoup.rules.rescue.engine.chances import Ground, expected, hours_of, local_day, money_row, refused
from recoup.rules.rescue.engine.facts import Facts, Look
from recoup.rules.rescue.engine.regression import CHANCES, DELAY, GAP, LAST, LONG_DELAY, NUMBERS, RATES, SINCE

_K: Final = len(CLASSES)
_WEEKDAY_OF_DAY_0: Final = 6  # the day before 0001-01-01, a Monday
_HALF: Final = 0.5
_ALIKE: Final = 1.5  # attempts as good as seen, a third of them approved
_FULL: Final = RATES - 2


class Record(NamedTuple):
    """The payer's attempts, those of the order among them: by weekday and by day of a month (from 0) where the card
    holder is, approvals and attempts; and when another order's attempt, and a repeated one, was last approved. `first`,
    `again`: bins of the shares of approvals among other orders' payments and among their tries. `other`: a bin of the
    last of them."""

    weekdays: tuple[list[int], list[int]]
    days: tuple[list[int], list[int]]
    approved_at: float | None
    again_approved_at: float | None
    first: int
    again: int
    other: int


class Situation(NamedTuple):
    """An order before one of its tries. `number`: 1 for the first; `last`: the class of the decline before it,
    `last_at` its time."""

    ground: Ground
    record: Record
    number: int
    last: int
    last_at: float


def situation_of(ground: Ground, looks: Iterable[Look], own: Sequence[Look]) -> Situation:
    """As `record_of`, before the try that would come next."""
    return Situation(ground, record_of(ground, looks, own), len(own), own[-1].answer, hours_of(own[-1].at))


def before_tries(
    ground: Ground, facts: Facts, beliefs: Iterable[Belief]
) -> Iterator[tuple[float, Situation, tuple[float, float, float]]]:
    """Of each of the order's tries: its instant, and before it the situation and `parts_at`. `beliefs`: as
    `belief.trail`."""
    own = (facts.first, *facts.tries)
    for number, (one, belief) in enumerate(zip(facts.tries, beliefs, strict=False), start=1):
        earlier = [look for look in facts.looks if look.at < one.at]
        at = hours_of(one.at)
        yield at, situation_of(ground, earlier, own[:number]), parts_at(ground, belief, at)


def record_of(ground: Ground, looks: Iterable[Look], own: Sequence[Look]) -> Record:
    """`looks` are other orders' attempts, oldest first; `own` the order's, its payment first."""
    weekdays, days = ([0] * 7, [0] * 7), ([0] * 31, [0] * 31)
    won, seen = [0, 0], [0, 0]
    approved_at, again_at, newest = None, None, None
    for look in looks:
        at, yes, again = hours_of(look.at), look.answer == APPROVED, look.tries > 0
        _add(ground, weekdays, days, at, yes)
        won[again] += yes
        seen[again] += 1
        if yes:
            approved_at = at
            again_at = at if again else again_at
        newest = look
    for look in own:
        _add(ground, weekdays, days, hours_of(look.at), False)
    other = 0
    if newest is not None:
        gap = bisect_right(LAST, ground.first_at - hours_of(newest.at))
        other = 1 + (newest.answer * 2 + (newest.tries > 0)) * (len(LAST) + 1) + gap
    return Record(weekdays, days, approved_at, again_at, _share(won[0], seen[0]), _share(won[1], seen[1]), other)


def staying(situation: Situation) -> tuple[int, ...]:
    first, last, record = situation.ground.first_answer, situation.last, situation.record
    return (
        last * NUMBERS + min(situation.number, NUMBERS) - 1,
        first * _K + last,
        record.first,
        record.again,
        situation.ground.credit * _K + first,
        record.other,
    )


def of_day(situation: Situation, day: int) -> tuple[int, ...]:
    """Bins of `OF_DAY`; `day` as `local_day`."""
    weekday, place, record = weekday_of(day), _day_of_month(day), situation.record
    won, seen = 0, 0
    for near in (place - 1, place, (place + 1) % 31):
        won += record.days[0][near]
        seen += record.days[1][near]
    return (
        weekday,
        place,
        situation.ground.credit * 31 + place,
        _share(won, seen),
        _share(record.weekdays[0][weekday], record.weekdays[1][weekday]),
    )


def of_hour(situation: Situation, hour: int) -> tuple[int, int]:
    """Bins of `OF_HOUR`; `hour` where the card holder is."""
    return hour, situation.last * 8 + hour // 3


def of_time(situation: Situation, at: float) -> tuple[int, ...]:
    delay, gap, record = at - situation.ground.first_at, 0, situation.record
    if situation.number > 1:
        gap = bisect_right(GAP, at - situation.last_at) + 1
    return (
        bisect_right(DELAY, delay),
        situation.ground.first_answer * (len(LONG_DELAY) + 1) + bisect_right(LONG_DELAY, delay),
        gap + (len(GAP) + 1 if situation.number >= NUMBERS else 0),
        situation.last * (len(GAP) + 2) + gap,
        0 if record.approved_at is None else _since(record.approved_at, at),
        0 if record.again_approved_at is None else _since(record.again_approved_at, at),
    )


def of_parts(chance: float, free: float, willing: float) -> tuple[int, ...]:
    """Bins of `OF_PARTS`, from the chance and two of its three factors."""
    both = free * willing
    money = chance / both if both > 0.0 else 0.0
    return (
        bisect_right(CHANCES, chance),
        bisect_right(CHANCES, free),
        bisect_right(CHANCES, willing),
        bisect_right(CHANCES, money),
    )


def parts_at(ground: Ground, belief: Belief, at: float) -> tuple[float, float, float]:
    """The engine's chance of an approval at that instant; that nothing holds the order; that the bank does not
    refuse."""
    free = mended_by(belief.holds)[passed(ground, at)]
    willing = 1.0 - refused(ground, belief.before, at)
    by_days = belief.by_days(local_day(ground, at))
    return free * willing * expected(belief.rhythms, by_days, money_row(ground, belief.before, at)), free, willing


def weekday_of(day: int) -> int:
    return (day + _WEEKDAY_OF_DAY_0) % 7


def _add(
    ground: Ground, weekdays: tuple[list[int], list[int]], days: tuple[list[int], list[int]], at: float, yes: bool
) -> None:
    day = local_day(ground, at)
    for columns, place in ((weekdays, weekday_of(day)), (days, _day_of_month(day))):
        columns[0][place] += yes
        columns[1][place] += 1


def _share(won: int, seen: int) -> int:
    return 1 + min(_FULL, int((won + _HALF) / (seen + _ALIKE) * (RATES - 1))) if seen else 0


def _since(approved_at: float, at: float) -> int:
    return 1 + bisect_right(SINCE, (at - approved_at) / 24.0)


@lru_cache(maxsize=4096)
def _day_of_month(day: int) -> int:
    return date.fromordinal(day).day - 1
