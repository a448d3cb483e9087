"""A regression on tries of the past, and the chances that it gives: what the payer's pay days, the
issuer, the code, the calendar and the tries before say together of a try's approval. Logits add up,
block by block.

Orders differ beyond all blocks: each stands at one of a few nodes, where the bank is more or less
willing or holds it until some hours have passed; after a try that failed it stands rather at a low
one.
"""

from typing import Final

import numpy as np

from recoup.engine.bins import places_of_keys
from recoup.engine.blocks import Tries, lines, sizes
from recoup.engine.blocks import places as places_of
from recoup.engine.model import Regression
from recoup.engine.pay_days import (
    BINS,
    COUNT,
    DATED,
    DAYS_OF_BINS,
    IRREGULAR,
    LEVELS,
    OUTCOMES,
    SHORT,
    TRY,
    Array,
)
from recoup.rescue.rules.answer_classes import APPROVED, CLASSES

# How willing the bank is once nothing holds an order, in logits, and the hours after the decline
# until then.
_HOLDS: Final = (8.0, 20.0, 40.0, 70.0, 118.0, 190.0, 300.0, 430.0)
WILLING: Final = np.r_[-1.2, 0.0, 1.2, np.zeros(len(_HOLDS) + 1)]
UNTIL: Final = np.r_[0.0, 0.0, 0.0, _HOLDS, 1e9]
NODES: Final = len(WILLING)
HELD: Final = 2e-3  # a chance all the same
SLOTS: Final = 8  # of a day, three hours each
_LOGIT_MAX: Final = 30.0
_TRIES_MOST: Final = 1_000_000_000
_SUM_OFF: Final = 0.01  # many shares, each rounded
KINDS: Final = 2


class Weighed:
    """A regression, ready to be asked."""

    def __init__(self, regression: Regression) -> None:
        self.key_of = places_of_keys(regression.keys)
        self.issuer_of = {name: place for place, name in enumerate(regression.issuers, start=1)}
        self._counts = len(regression.keys) + 1, len(regression.issuers) + 1
        self.weight, self._bias, self._lines = regression.weight, regression.bias, regression.lines
        self.pays = np.array(regression.pays).reshape(KINDS, OUTCOMES, LEVELS, BINS)
        self.logs, self.usual = logs_of(self.pays), usual(self.pays)
        self.log_habits = np.log(np.maximum(regression.habits, 1e-12))
        # All tables in one row: one look-up instead of forty.
        self._blocks = sizes(*self._counts)
        self._tables = np.concatenate([regression.tables[name] for name in self._blocks])
        self._begins = np.cumsum([0, *self._blocks.values()])[:-1, None]
        self.nodes = np.array(regression.nodes).reshape(len(CLASSES), self._counts[0], NODES)
        self.slots = np.array(regression.slots)

    def logits(self, tries: Tries) -> Array:
        both = [weight * line for weight, line in zip(self._lines, lines(tries), strict=True)]
        places = places_of(tries)
        rows = self._tables.take(np.stack([places[name] for name in self._blocks]) + self._begins)
        logits: Array = self._bias + both[0] + both[1] + rows.sum(axis=0)
        return logits


def logs_of(pays: Array) -> Array:
    logs: Array = np.log(np.maximum(pays, 1e-4))
    return logs


def usual(pays: Array) -> Array:
    """The chance that an attempt is approved on any day, by hypothesis."""
    approved = pays[TRY, APPROVED]
    shares = np.empty((COUNT, LEVELS))
    shares[:] = (approved[:, :DATED] * DAYS_OF_BINS).sum(1) / DAYS_OF_BINS.sum()
    shares[:SHORT] = (approved[:, :8] * DAYS_OF_BINS[:8]).sum(1) / DAYS_OF_BINS[:8].sum()
    shares[IRREGULAR] = approved[:, -1]
    return shares.reshape(-1)


def chance_of(logits: Array) -> Array:
    chances: Array = 1.0 / (1.0 + np.exp(-np.clip(logits, -_LOGIT_MAX, _LOGIT_MAX)))
    return chances


def logit_of(chance: Array) -> Array:
    inside = np.clip(chance, 1e-6, 1.0 - 1e-6)
    logits: Array = np.log(inside / (1.0 - inside))
    return logits


def by_node(logits: Array, delay: Array) -> Array:
    """Tries × nodes. `delay`: hours since the decline."""
    chances: Array = np.where(delay[:, None] >= UNTIL, chance_of(logits[:, None] + WILLING), HELD)
    return chances


def wrong_in(regression: Regression) -> str | None:
    """The fault of a regression: a table of another length than its bins, or a number that training
    never makes."""
    keys, issuers = len(regression.keys) + 1, len(regression.issuers) + 1
    wanted = sizes(keys, issuers)
    if set(regression.tables) != set(wanted):
        return f"regression.tables needs {', '.join(wanted)}."
    rows = {
        f"regression.tables[{name}]": (row, wanted[name]) for name, row in regression.tables.items()
    }
    rows["regression.bias"], rows["regression.lines"] = (
        ((regression.bias,), 1),
        (regression.lines, 2),
    )
    for name, (row, length) in rows.items():
        if len(row) != length or not all(-_LOGIT_MAX <= logit <= _LOGIT_MAX for logit in row):
            return f"{name} needs {length} numbers from -{_LOGIT_MAX:g} to {_LOGIT_MAX:g}."
    shares = {
        "regression.pays": (regression.pays, KINDS * OUTCOMES * LEVELS * BINS),
        "regression.habits": (regression.habits, COUNT * LEVELS),
        "regression.nodes": (regression.nodes, len(CLASSES) * keys * NODES),
        "regression.weight": ((regression.weight,), 1),
        "regression.slots": (tuple(map(float, regression.slots)), SLOTS),
    }
    for name, (row, length) in shares.items():
        if len(row) != length or not all(0.0 <= share <= 1.0 for share in row):
            return f"{name} needs {length} numbers from 0 to 1."
    sums = np.r_[sum(regression.habits), np.array(regression.nodes).reshape(-1, NODES).sum(1)]
    if not (np.abs(sums - 1.0) <= _SUM_OFF).all():
        return "regression.habits and regression.nodes need rows that add up to 1."
    if len({*regression.keys}) < keys - 1 or len({*regression.issuers}) < issuers - 1:
        return "regression.keys and regression.issuers need names that differ."
    return (
        None
        if 0 < regression.tries <= _TRIES_MOST
        else f"regression.tries must be between 1 and {_TRIES_MOST}."
    )
