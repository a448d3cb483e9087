"""The chance of an approval at an instant, for each rhythm: tables of a model, worked out once,
then looked up.

Instants are hours since 1970 in UTC, as floats: a plan looks at a hundred of them.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from recoup.engine.bins import (
    GAP,
    HOURS,
    IDLE,
    MISSING,
    THERE,
    UNTOLD,
    WEEKDAYS,
    gap_bin,
    idle_bin,
    since_bin,
    tries_bin,
)
from recoup.engine.model import Issuer, Model
from recoup.engine.rhythms import LONG_AGO
from recoup.kernel.steady import chance_of, odds_of
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY: Final = _EPOCH.toordinal()
_SLOT_HOURS: Final = 24 // HOURS
SLOTS: Final = WEEKDAYS * HOURS  # of a week
EPOCH_SLOT: Final = _EPOCH.weekday() * HOURS
_GAP_AND_IDLE: Final = sorted({*GAP, *IDLE})


class Ground(NamedTuple):
    """Facts that do not change while one order is decided. `offset`: hours east of UTC at the card
    holder; `first_at`, `first_answer`: of the payment that came in; `first_day`: its day there, as
    an ordinal. `habits`, `odds`: as `habits_of`, `odds_of_refusal`."""

    model: Model
    issuer: Issuer | None
    offset: float
    zone_known: bool
    first_at: float
    first_answer: int
    first_day: int
    credit: bool
    habits: tuple[float, ...]
    odds: "Odds"


class Odds(NamedTuple):
    """Odds of a refusal, as `Refusal` has the logits; `new_month` with `new_day`."""

    first: float
    tries: tuple[float, ...]
    after: tuple[tuple[float, ...], ...]
    new_day: float
    new_month: float


class Before(NamedTuple):
    """State before an instant. `tries`: of the order, 0 for the payment itself; `answer`: the class
    of the payer's attempt before, 0 for an approval or none; `at`: when that was. `money`: how
    money stood when it was last asked for; `money_at`: when that was."""

    tries: int
    answer: int
    at: float
    money: int
    money_at: float

    def at_try(self, tries: int) -> "Before":
        return Before(tries, self.answer, self.at, self.money, self.money_at)

    def then(self, tries: int, answer: int, at: float) -> "Before":
        """The state after one more attempt. That money is missing stays true until it was there,
        whatever else is answered."""
        if answer in (APPROVED, FUNDS) or self.money != MISSING:
            money = THERE if answer == APPROVED else MISSING if answer == FUNDS else UNTOLD
            return Before(tries, answer, at, money, at)
        return Before(tries, answer, at, MISSING, self.money_at)


NOTHING_BEFORE: Final = Before(0, APPROVED, -1e6, THERE, -1e6)


def day_of(local: float) -> int:
    """The ordinal of the day of those hours."""
    return int(local // 24) + EPOCH_DAY


def local_day(ground: Ground, at: float) -> int:
    return int((at + ground.offset) // 24) + EPOCH_DAY


def money_row(ground: Ground, before: Before, at: float) -> tuple[float, ...]:
    """The chance that money is there, by days since the posting, and behind them for payers without
    pay days: the irregular, the ample."""
    gap, hour = at - before.money_at, int((at + ground.offset) % 24)
    # A posting as many days ago or more lies before the time when money was asked for.
    older = LONG_AGO + 1
    if before.money != THERE and gap < hour + LONG_AGO * 24:
        older = int((gap - hour) // 24) + 1 if gap >= hour else 0
    key = (
        hour,
        bisect_right(_GAP_AND_IDLE, gap),
        older,
        before.money,
        ground.zone_known,
        before.tries == 0,
    )
    row: tuple[float, ...] | None = ground.model.tables.get(key)
    if row is None:
        model = ground.model
        fresh, stale = rows_of(model, hour, gap_bin(gap), before, ground.zone_known)
        row = model.tables[key] = (
            fresh[:older] + stale[older:] + undated_of(model, before, idle_bin(gap))
        )
    return row


def renewed(model: Model) -> tuple[float, ...]:
    """The share of the chance of a payer without pay days that is back, by `bins.IDLE` since money
    was missing."""
    ratios: tuple[float, ...] | None = model.tables.get("renewed")
    if ratios is None:
        row = [chance_of(logit) for logit in model.learned.money.irregular[MISSING]]
        ratios = model.tables["renewed"] = tuple(chance / row[-1] for chance in row)
    return ratios


def refused(ground: Ground, before: Before, at: float) -> float:
    """The chance that the bank refuses although money is there."""
    table, tries = ground.odds, before.tries
    odds = (
        ground.habits[(int(at // _SLOT_HOURS) + EPOCH_SLOT) % SLOTS] * table.tries[tries_bin(tries)]
    )
    if tries:
        odds *= table.after[before.answer][gap_bin(at - before.at)]
        if (day := local_day(ground, at)) != ground.first_day:
            odds *= (
                table.new_month if month_of(day) != month_of(ground.first_day) else table.new_day
            )
    else:
        odds *= table.first
    return odds / (1.0 + odds)


def habits_of(model: Model, key: str) -> tuple[float, ...]:
    """Odds ratios of a refusal at the issuer of this key, by weekday and three hours of UTC."""
    issuer = model.learned.issuers.get(key)
    name = ("habits", key if issuer is not None else "")
    habits: tuple[float, ...] | None = model.tables.get(name)
    if habits is None:
        table = model.learned.refusal
        habits = model.tables[name] = tuple(
            odds_of(
                table.weekdays[day]
                + table.hours[slot]
                + (
                    issuer.refusal + issuer.weekdays[day] + issuer.hours[slot]
                    if issuer is not None
                    else 0.0
                )
            )
            for day in range(WEEKDAYS)
            for slot in range(HOURS)
        )
    return habits


def odds_of_refusal(model: Model) -> Odds:
    odds: Odds | None = model.tables.get("odds")
    if odds is None:
        table = model.learned.refusal
        odds = model.tables["odds"] = Odds(
            odds_of(table.first),
            tuple(map(odds_of, table.tries)),
            tuple(tuple(map(odds_of, row)) for row in table.after),
            odds_of(table.new_day),
            odds_of(table.new_day + table.new_month),
        )
    return odds


@lru_cache(maxsize=4096)
def month_of(day: int) -> int:
    return date.fromordinal(day).month


def rows_of(
    model: Model, hour: int, gap: int, before: Before, zone_known: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Chances by days since the posting: where the posting came after the attempt before, and where
    it did not."""
    money = model.learned.money
    since, stale = money.since[zone_known], money.stale[before.money == MISSING][gap]
    logits = [since[since_bin(days * 24 + hour)] for days in range(LONG_AGO + 1)]
    return _asked(model, before, logits), _asked(model, before, [logit + stale for logit in logits])


def undated_of(model: Model, before: Before, idle: int) -> tuple[float, ...]:
    """Chances of the irregular and the ample; `idle`: as `bins.IDLE`."""
    money = model.learned.money
    return _asked(model, before, (money.irregular[before.money][idle], money.ample))


def _asked(model: Model, before: Before, logits: Iterable[float]) -> tuple[float, ...]:
    """Chances of those logits, which hold for times of little money: a first payment seldom meets
    one."""
    money = model.learned.money
    if before.tries:
        return tuple(chance_of(logit + money.after[before.money]) for logit in logits)
    lean = money.lean[before.money]
    return tuple(1.0 - lean * (1.0 - chance_of(logit)) for logit in logits)
