"""Facts of an attempt, cut into bins: learning and deciding cut alike.

A block is a table of logits and, of each attempt, the place in it; logits of all blocks add up.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recoup.engine.pay_days import Array
from recoup.rescue.rules.answer_classes import CLASSES, FUNDS

NUMBERS: Final = 5  # of the try: 1 to 4, further ones
DELAY: Final = np.array(
    [4, 9, 15, 21, 30, 42, 60, 84, 108, 132, 192, 264, 360, 480, 600.0]
)  # hours since the decline
GAP: Final = np.array(
    [6, 15, 21, 30, 42, 54, 84, 132, 204, 336.0]
)  # hours since the order's attempt before
AGO: Final = np.array(
    [1, 3, 5.5, 8.5, 12.5, 15.5, 20, 27, 32, 45, 75.0]
)  # days since the payer's approval
OFTEN: Final = np.array([1, 2, 4, 8.0])
_FAR: Final = 4.0
MONEY: Final = np.linspace(-_FAR, _FAR, 17)  # logits
NEVER: Final = 999.0
LATELY: Final = 240.0  # hours of `Tries.failures`
_K: Final = len(CLASSES)
_G, _D, _M, _O = len(GAP) + 1, len(DELAY) + 1, len(MONEY) + 1, len(OFTEN) + 1
NO_APPROVAL: Final = 5  # as `Tries.since`
_ZONES: Final = 26  # from 12 hours west on


@dataclass(slots=True)
class Tries:
    """Columns of one length. Times in hours since 1970; `offset`: hours east of UTC, `zone`: it is
    the card holder's own. `first`, `last`: classes of the order's first decline and of its last
    answer; `key`, `issuer`: places in the model's lists, 0 for one that is not there. Of the
    payer's other orders: `ago`, days since an approval; `since`, failures after it, four at most,
    or `NO_APPROVAL`; `failures` in ten days; `seen`, attempts. `money`: logit of a try being
    approved by the payer's hypotheses, `level`: the same on any day. `prior_at`, `prior`: the
    payer's last failure of any order, and its class."""

    at: Array
    first_at: Array
    last_at: Array
    number: Array
    first: Array
    last: Array
    key: Array
    issuer: Array
    offset: Array
    zone: Array
    credit: Array
    ago: Array
    since: Array
    failures: Array
    seen: Array
    money: Array
    level: Array
    prior_at: Array
    prior: Array

    def __len__(self) -> int:
        return len(self.at)


def calendar(local: Array) -> tuple[Array, Array, Array, Array]:
    """Weekday, day of the month from 0, days to its end, hour; at the card holder."""
    day = np.floor(local / 24.0).astype(np.int64)
    dates = day.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    of_month = (dates - months.astype("datetime64[D]")).astype(np.int64)
    left = ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - dates).astype(np.int64) - 1
    return weekday_of(day), of_month, left, (local - 24.0 * day).astype(np.int64)


def weekday_of(day: Array) -> Array:
    """`day`: since 1970."""
    return (day.astype(np.int64) + 3) % 7


def gap_bin(hours: Array) -> Array:
    return np.searchsorted(GAP, hours, side="right")


def places(t: Tries) -> dict[str, Array]:
    """The place of each attempt in its table, by block."""
    local = t.at + t.offset
    weekday, of_month, left, hour = calendar(local)
    zulu = np.floor(t.at).astype(np.int64) % 24
    first_weekday = weekday_of((t.first_at + t.offset) // 24.0)
    number = np.minimum(t.number, NUMBERS) - 1
    delay, gap = np.searchsorted(DELAY, t.at - t.first_at, side="right"), gap_bin(t.at - t.last_at)
    # An approved payment may never be heard of: how long ago one was tells something only after the
    # decline.
    fresh = t.ago * 24.0 < t.at - t.first_at
    ago = np.where(fresh, np.searchsorted(AGO, t.ago, side="right"), len(AGO) + 1 + t.since).astype(
        np.int64
    )
    money = np.searchsorted(MONEY, t.money - t.level, side="right")
    level = np.searchsorted(MONEY, t.level, side="right")
    funds, first_funds = (t.last == FUNDS).astype(np.int64), (t.first == FUNDS).astype(np.int64)
    fails, seen = (np.searchsorted(OFTEN, times, side="right") for times in (t.failures, t.seen))
    prior_gap = gap_bin(t.at - t.prior_at) * _K + t.prior
    of_other = np.where(t.prior_at > t.last_at, prior_gap, (len(GAP) + 1) * _K)
    end = np.where(left < 3, 31 + left, of_month)
    zone = np.clip(np.floor(t.offset).astype(np.int64) + 12, 0, _ZONES - 1)
    return {
        "key": t.key,
        "last_number": t.last * NUMBERS + number,
        "first_last": t.first * _K + t.last,
        "key_number": t.key * NUMBERS + number,
        "key_last": t.key * _K + t.last,
        "issuer": t.issuer,
        "issuer_last": t.issuer * _K + t.last,
        "issuer_hour": t.issuer * 24 + zulu,
        "issuer_slot": t.issuer * 8 + zulu // 3,
        "issuer_weekday": t.issuer * 7 + weekday,
        "issuer_delay": t.issuer * _D + delay,
        "delay": delay,
        "class_delay": t.first * _D + delay,
        "key_delay": t.key * _D + delay,
        "gap": gap,
        "class_gap": t.last * _G + gap,
        "number_gap": number * _G + gap,
        "prior_gap": prior_gap,
        "other_gap": of_other,
        "slot": hour // 3 * 2 + t.zone,
        "hour": hour * 2 + funds,
        "zulu": zulu // 3,
        "weekday": weekday,
        "weekday_slot": weekday * 8 + hour // 3,
        "first_weekday": first_weekday * 2 + first_funds,
        "weekdays": first_weekday * 7 + weekday,
        "day": of_month,
        "end": np.minimum(left, 9),
        "funds_day": end * 2 + funds,
        "zone": zone,
        "zone_day": zone * 31 + of_month,
        "zone_weekday": zone * 7 + weekday,
        "credit": t.credit * _K + t.last,
        "credit_day": t.credit * 31 + of_month,
        "money": money * 2 + funds,
        "level": level * 2 + funds,
        "money_level": money * _M + level,
        "ago": ago * 2 + funds,
        "failures": fails * 2 + funds,
        "seen": seen * 2 + funds,
    }


def sizes(keys: int, issuers: int) -> dict[str, int]:
    """The number of places in each block. `keys`, `issuers`: how many of those there are, with the
    place of all others."""
    return {
        "key": keys,
        "last_number": _K * NUMBERS,
        "first_last": _K * _K,
        "key_number": keys * NUMBERS,
        "key_last": keys * _K,
        "issuer": issuers,
        "issuer_last": issuers * _K,
        "issuer_hour": issuers * 24,
        "issuer_slot": issuers * 8,
        "issuer_weekday": issuers * 7,
        "issuer_delay": issuers * _D,
        "delay": _D,
        "class_delay": _K * _D,
        "key_delay": keys * _D,
        "gap": _G,
        "class_gap": _K * _G,
        "number_gap": NUMBERS * _G,
        "prior_gap": _G * _K,
        "other_gap": _G * _K + 1,
        "slot": 16,
        "hour": 48,
        "zulu": 8,
        "weekday": 7,
        "weekday_slot": 56,
        "first_weekday": 14,
        "weekdays": 49,
        "day": 31,
        "end": 10,
        "funds_day": 68,
        "zone": _ZONES,
        "zone_day": _ZONES * 31,
        "zone_weekday": _ZONES * 7,
        "credit": 2 * _K,
        "credit_day": 62,
        "money": _M * 2,
        "level": _M * 2,
        "money_level": _M * _M,
        "ago": (len(AGO) + 2 + NO_APPROVAL) * 2,
        "failures": _O * 2,
        "seen": _O * 2,
    }


BY_DELAY: Final = ("delay", "class_delay", "key_delay", "issuer_delay")
BY_GAP: Final = ("gap", "class_gap", "number_gap")


def lines(t: Tries) -> tuple[Array, Array]:
    """Columns that are weighed as numbers."""
    return np.clip(t.money - t.level, -_FAR, _FAR), np.clip(t.level, -_FAR, _FAR)
