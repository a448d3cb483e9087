"""A regression on tries of the past, as data: what the parts of the engine's chance, the payer's record, the calendar
and the issuer say together of a try's approval. Logits add up, column by column; `columns` says which bin is which.

Orders differ beyond all columns: each stands at one of a few `NODES`, and after a try that failed rather at a low one.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

import msgspec

from recoup.rules.rescue.engine.bins import CLASSES, chance_of, odds_of, total

NODES: Final = (-6.0, -3.0, -1.5, 0.0, 1.2, 2.4)  # logits
LOGIT_MAX: Final = 10.0  # of one bin
DELAY: Final = (0, 4, 9, 15, 21, 30, 42, 60, 84, 132, 192, 264, 360, 480)  # hours since the payment came in
LONG_DELAY: Final = (0, 9, 30, 84, 192, 360)
GAP: Final = (0, 6, 18, 30, 54, 84, 132, 204, 336)  # hours since the order's attempt before
SINCE: Final = (0, 1, 3, 5.5, 8.5, 12.5, 15.5, 20, 27, 32, 45, 75)  # days since an approval
LAST: Final = (24, 72, 168, 336, 720)  # hours from the payer's last attempt of another order to the payment
CHANCES: Final = tuple(chance_of(-6.0 + 0.5 * step) for step in range(24))
NUMBERS: Final = 3  # of the try: the first, the second, further ones
RATES: Final = 9  # no attempt, or the share of approvals in eighths
_HOURS: Final = 8
_WEEKDAYS: Final = 7
_K: Final = len(CLASSES)

# Columns by what their bins depend on: nothing but the order, the day, the hour, the time that has passed, the parts of
# the engine's chance.
STAYING: Final[Mapping[str, int]] = {
    "last": _K * NUMBERS, "first_last": _K * _K, "rate_first": RATES, "rate_again": RATES, "credit": 2 * _K,
    "other": 1 + 2 * _K * (len(LAST) + 1),
}  # fmt: skip
OF_DAY: Final[Mapping[str, int]] = {
    "weekday": _WEEKDAYS, "day": 31, "credit_day": 2 * 31, "rate_near": RATES, "rate_weekday": RATES,
}  # fmt: skip
OF_HOUR: Final[Mapping[str, int]] = {"hour": 24, "last_hour": _K * _HOURS}
OF_TIME: Final[Mapping[str, int]] = {
    "delay": len(DELAY) + 1, "first_delay": _K * (len(LONG_DELAY) + 1),
    "number_gap": 1 + (NUMBERS - 1) * (len(GAP) + 1), "last_gap": _K * (len(GAP) + 2), "since": len(SINCE) + 2,
    "since_again": len(SINCE) + 2,
}  # fmt: skip
OF_PARTS: Final[Mapping[str, int]] = {name: len(CHANCES) + 1 for name in ("chance", "free", "willing", "money")}
COLUMNS: Final[Mapping[str, int]] = {**STAYING, **OF_DAY, **OF_HOUR, **OF_TIME, **OF_PARTS}
# An issuer's row: its own, by the last answer, by three hours of UTC, by the weekday at the card holder.
ISSUER_LAST: Final = 1
ISSUER_HOUR: Final = ISSUER_LAST + _K
ISSUER_WEEKDAY: Final = ISSUER_HOUR + _HOURS
ISSUER: Final = ISSUER_WEEKDAY + _WEEKDAYS

_STEPS: Final = 16  # of a logit, in the table of powers
_REACH: Final = 8
_SUM_OFF: Final = 0.001  # six shares, each rounded
_TRIES_MOST: Final = 1_000_000_000


class Regression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`weight`: of its chance beside the engine's own, in a geometric mean, from 0 to 1; it grows with `tries`, from
    which it was learned. `columns`: as `COLUMNS`; `issuers`: rows as above; `keys`: by the first decline's code.
    `frailty`: by class of the first decline, the shares of orders at each of `NODES`."""

    tries: int
    weight: float
    bias: float
    columns: dict[str, tuple[float, ...]]
    issuers: dict[str, tuple[float, ...]]
    keys: dict[str, float]
    frailty: tuple[tuple[float, ...], ...]


class Weighed:
    """A regression as factors of odds, looked up by bins. Odds are products, so no power is asked of any library."""

    def __init__(self, regression: Regression) -> None:
        self.bias = odds_of(regression.bias)
        columns = {name: tuple(map(odds_of, row)) for name, row in regression.columns.items()}
        self.staying, self.of_day, self.of_hour, self.of_time, self.of_parts = (
            tuple(columns[name] for name in names) for names in (STAYING, OF_DAY, OF_HOUR, OF_TIME, OF_PARTS)
        )
        self.issuers = {name: tuple(map(odds_of, row)) for name, row in regression.issuers.items()}
        self.keys = {name: odds_of(one) for name, one in regression.keys.items()}
        self.nodes = tuple(map(odds_of, NODES))
        self.frailty = regression.frailty
        self.no_issuer = (1.0,) * ISSUER
        self._ratios = _powers(odds_of(1.0 / _STEPS))
        self._powers = _powers(odds_of(regression.weight / _STEPS))

    def mixed(self, own: float, learned: float) -> float:
        """The geometric mean of the engine's own chance and the regression's, from 0 to 1."""
        if own <= 0.0:
            return 0.0
        ratio, ratios, powers = learned / own, self._ratios, self._powers
        ratio = ratios[0] if ratio < ratios[0] else ratios[-1] if ratio > ratios[-1] else ratio
        place = min(bisect_right(ratios, ratio), len(ratios) - 1)
        low, power = ratios[place - 1], powers[place - 1]
        found = own * (power + (ratio - low) / (ratios[place] - low) * (powers[place] - power))
        return found if found < 1.0 else 1.0


def _powers(step: float) -> list[float]:
    """Of a number a little above 1, from the lowest to the highest."""
    up = [1.0]
    for _ in range(_REACH * _STEPS):
        up.append(up[-1] * step)
    return [1.0 / one for one in reversed(up[1:])] + up


def wrong_in(regression: Regression) -> str | None:
    """What is wrong with it: a column of another length than its bins, or a number that training never makes."""
    rows = {f"regression.columns[{name}]": (row, COLUMNS.get(name, 0)) for name, row in regression.columns.items()}
    if set(regression.columns) != set(COLUMNS):
        return f"regression.columns needs {', '.join(COLUMNS)}."
    rows |= {f"regression.issuers[{name}]": (row, ISSUER) for name, row in regression.issuers.items()}
    rows |= {f"regression.keys[{name}]": ((one,), 1) for name, one in regression.keys.items()}
    rows["regression.bias"] = (regression.bias,), 1
    for name, (row, length) in rows.items():
        if len(row) != length or not all(-LOGIT_MAX <= one <= LOGIT_MAX for one in row):
            return f"{name} needs {length} numbers from -{LOGIT_MAX:g} to {LOGIT_MAX:g}."
    if len(regression.frailty) != _K:
        return f"regression.frailty needs {_K} rows."
    shares = {f"regression.frailty[{n}]": (row, len(NODES)) for n, row in enumerate(regression.frailty)}
    shares["regression.weight"] = (regression.weight,), 1
    for name, (row, length) in shares.items():
        if len(row) != length or not all(0.0 <= one <= 1.0 for one in row):
            return f"{name} needs {length} numbers from 0 to 1."
    if not all(abs(total(row) - 1.0) <= _SUM_OFF for row in regression.frailty):
        return "regression.frailty needs rows that add up to 1."
    return None if 0 < regression.tries <= _TRIES_MOST else f"regression.tries must be between 1 and {_TRIES_MOST}."
