"""The coefficients while they are learned: where they begin, how likely attempts are by them, and
as data at last."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from recoup.engine.bins import GAP, HOLDS, HOURS, IDLE, STANDINGS, TRIES, WEEKDAYS
from recoup.engine.learn.attempts import Column
from recoup.engine.learn.features import (
    ABUNDANT,
    IDLE_OF,
    RETRY,
    SINCE_OF,
    STALE,
    STALE_OF,
    STANDING,
    Features,
)
from recoup.engine.rhythms import RHYTHMS
from recoup.rescue.rules.answer_classes import APPROVED, CLASSES, FUNDS, SOFT

_R: Final = len(RHYTHMS)
_K: Final = len(CLASSES)
_H: Final = len(HOLDS) + 1
_HABITS: Final = {"biweekly-5": 0.11, "biweekly-12": 0.11, "weekly-4": 0.05, "halves-15": 0.08,
"semi-15": 0.03,
                  "halves-1": 0.03, "before-1": 0.05, "monthly-1": 0.02, "before-31": 0.05,
                  "month-end": 0.02,
                  "before-3": 0.03, "before-15": 0.02, "irregular": 0.05, "ample": 0.1}  # fmt: skip
# What history shows after an answer is also who was tried again: `after` takes that up while the
# rest is learned, and decisions go by these.
_AFTER: Final = (1.0, 0.5, 0.0)
LEAN: Final = np.array([0.1, 0.2, 0.5])
AMPLE_LOGIT: Final = 4.0
# By class of the first decline: nothing holds the order, or it is held for good; the rest mends in
# time.
_HELD: Final = ((0.9, 0.05), (0.5, 0.2), (0.25, 0.35), (0.4, 0.1), (0.3, 0.1), (0.02, 0.95))
TINY: Final = 1e-9
BLOCK: Final = 2048  # rows of attempts × rhythms that the processor's cache holds


@dataclass(slots=True)
class Coefficients:
    """Coefficients as `engine.model` has them, in columns; of issuers, the difference to
    all."""

    since: Column
    stale: Column
    after: Column
    irregular: Column  # by what came before, and the time since
    ample: Column
    # the share of first payments that meets a time of little money, by how it stood before
    lean: Column
    refusal_after: Column
    refusal_tries: Column
    refusal_hours: Column
    refusal_weekdays: Column
    refusal_flags: Column  # first, new day, new month
    issuer_refusal: Column
    issuer_hours: Column
    issuer_weekdays: Column
    generic: Column  # by issuer; the last is of all
    rhythms: Column  # of debit cards, of credit cards
    holds: Column  # classes × lengths
    holds_by_code: Column
    issuer_holds: Column  # issuers × classes × lengths, against `holds`
    held_answers: Column  # by class of the first decline


def start(issuers: int, keys: int) -> Coefficients:
    """Weak priors: money is likelier soon after it came, banks refuse one in six, a quarter of
    orders is dead."""
    profile = np.array(
        [
            -2.5,
            -1.3,
            -0.3,
            0.3,
            0.6,
            0.6,
            0.5,
            0.2,
            -0.2,
            -0.6,
            -1.2,
            -1.8,
            -2.1,
            -2.4,
            -2.7,
            -2.7,
            -2.5,
        ]
    )
    stale = -np.linspace(2.5, 0.5, len(GAP))
    holds = holds_prior()
    return Coefficients(
        np.stack([profile, profile]),
        np.stack([stale * 0.5, stale]),
        np.zeros(STANDINGS),
        irregular_prior(),
        np.array([AMPLE_LOGIT]),
        LEAN.copy(),
        np.full((_K, len(GAP)), -1.6),
        np.zeros(TRIES),
        np.zeros(HOURS),
        np.zeros(WEEKDAYS),
        np.array([-1.6, 0.0, 0.0]),
        np.zeros(issuers),
        np.zeros((issuers, HOURS)),
        np.zeros((issuers, WEEKDAYS)),
        np.full(issuers + 1, 0.3),
        np.stack([rhythm_prior()] * 2),
        holds,
        np.tile(holds[SOFT], (keys, 1)),
        np.ones((issuers, _K, _H)),
        held_prior(),
    )


def irregular_prior() -> Column:
    """Prior logits by how money stood before: it was there and is used up; nothing is known; it was
    missing and comes in ten days on the mean, where a payment finds it each second time."""
    days = (np.array(IDLE) + np.array([*IDLE[1:], 672])) / 48
    there = 0.02 + 0.5 * (1 - np.exp(-days / 10.0))
    return np.stack(
        [np.linspace(1.5, 0.0, len(IDLE)), np.full(len(IDLE), -1.0), np.log(there / (1 - there))]
    )


@cache
def rhythm_prior() -> Column:
    """Published habits, weakly: each second Friday leads, then half months; a quarter for all
    others alike."""
    weights = np.full(_R, 0.3 / _R)
    for name, share in _HABITS.items():
        for index, rhythm in enumerate(RHYTHMS):
            if rhythm == name or rhythm.startswith(name + "-"):
                weights[index] += share
    weights /= weights.sum()
    weights.setflags(write=False)
    return weights


def holds_prior() -> Column:
    """Prior of the holds: nothing holds an order that lacks money; half of the generic ones mend in
    time, a third never."""
    prior = np.zeros((_K, _H))
    for klass, (free, never) in enumerate(_HELD):
        prior[klass, 0], prior[klass, 1:-1], prior[klass, -1] = (
            free,
            (1 - free - never) / (_H - 2),
            never,
        )
    prior[FUNDS, 1:-1] = 0.0  # what brings money in time is a rhythm, not the end of a hold
    prior[:, 0] += 1e-6
    prior /= prior.sum(1, keepdims=True)
    return prior


def held_prior() -> Column:
    """An order that is held answers as at first."""
    prior = np.full((_K, _K), 0.05)
    prior[:, SOFT] = 0.2
    np.fill_diagonal(prior, 1.0)
    prior[:, APPROVED] = 0.0
    prior /= prior.sum(1, keepdims=True)
    return prior


def refusal_of(data: Features, c: Coefficients) -> Column:
    """The chance that the bank refuses, by attempt."""
    logit = np.where(
        data.tries > 0,
        c.refusal_after[data.before, data.gap_bin]
        + data.new_day * c.refusal_flags[1]
        + data.new_month * c.refusal_flags[2],
        c.refusal_flags[0],
    )
    logit += (
        c.refusal_tries[data.tries] + c.refusal_hours[data.hour] + c.refusal_weekdays[data.weekday]
    )
    logit += c.issuer_refusal[data.issuer] + c.issuer_hours[data.issuer, data.hour]
    logit += c.issuer_weekdays[data.issuer, data.weekday]
    return chance(logit)


def scarce_of(c: Coefficients) -> Column:
    """The chance that money is there in a time of little, by cell."""
    dated = c.since.ravel()[SINCE_OF] + np.where(STALE, c.stale.ravel()[STALE_OF], 0.0)
    dateless = c.irregular.ravel()[IDLE_OF]
    logits = np.r_[dated, dateless, np.full(len(STANDING[ABUNDANT]), c.ample[0])]
    return chance(logits + np.where(RETRY, c.after[STANDING], 0.0))


def lean_of(c: Coefficients) -> Column:
    """The chance of a time of little money, by cell. A payer who is tried again is in one."""
    return np.where(RETRY, 1.0, c.lean[STANDING])


def chance(logit: Column) -> Column:
    chances: Column = 1.0 / (1.0 + np.exp(-np.clip(logit, -30, 30)))
    return chances


def named(c: Coefficients) -> dict[str, Any]:
    """The parts of `engine.model.Learned` that are coefficients of all issuers."""
    return {
        "money": {
            "since": c.since.tolist(),
            "stale": c.stale.tolist(),
            "after": _AFTER,
            "irregular": c.irregular.tolist(),
            "ample": float(c.ample[0]),
            "lean": c.lean.tolist(),
        },
        "refusal": {
            "first": float(c.refusal_flags[0]),
            "after": c.refusal_after.tolist(),
            "tries": c.refusal_tries.tolist(),
            "hours": c.refusal_hours.tolist(),
            "weekdays": c.refusal_weekdays.tolist(),
            "new_day": float(c.refusal_flags[1]),
            "new_month": float(c.refusal_flags[2]),
        },
        "rhythms": c.rhythms.tolist(),
        "generic": float(c.generic[-1]),
        "holds": c.holds.tolist(),
        "held_answers": c.held_answers.tolist(),
    }
