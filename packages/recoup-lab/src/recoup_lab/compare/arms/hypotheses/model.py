"""What was learned, and the chances that it gives."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from recoup_lab.compare.arms.hypotheses.payer import Array, logs_of, usual
from recoup_lab.compare.arms.hypotheses.tries import Tries, blocks, lines

# Of an order: how willing the bank is once nothing holds it, in logits, and the hours after the decline until then.
HOLDS: Final = np.array([8.0, 20.0, 40.0, 70.0, 118.0, 190.0, 300.0, 430.0])
WILLING: Final = np.r_[-1.2, 0.0, 1.2, np.zeros(len(HOLDS) + 1)]
UNTIL: Final = np.r_[0.0, 0.0, 0.0, HOLDS, 1e9]
NODES: Final = len(WILLING)
HELD: Final = 2e-3  # a chance all the same


@dataclass(frozen=True)
class Learned:
    """`money`: the payers' table, kind × outcome × level × bin; `prior`: of the hypotheses. `tables`: of each block;
    `weights`: of `lines`. `nodes`: class of the first decline × key × node, shares of orders. `rest`, `rest_again`:
    hours after a failure, and after a further one, that nobody has tried within; `slots`: of three hours each, which
    were tried."""

    money: Array
    prior: Array
    keys: tuple[str, ...]
    issuers: tuple[str, ...]
    bias: float
    tables: dict[str, Array]
    weights: Array
    nodes: Array
    rest: float
    rest_again: float
    slots: Array

    @cached_property
    def usual(self) -> Array:
        return usual(self.money)

    @cached_property
    def logs(self) -> Array:
        return logs_of(self.money)

    @cached_property
    def place_of_key(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.keys, start=1)}

    @cached_property
    def place_of_issuer(self) -> dict[str, int]:
        return {issuer: place for place, issuer in enumerate(self.issuers, start=1)}

    def logits(self, tries: Tries) -> Array:
        found = self.bias + lines(tries) @ self.weights
        for name, (place, _) in blocks(tries, len(self.keys) + 1, len(self.issuers) + 1).items():
            found = found + self.tables[name][place]
        return found


def chance_of(logits: Array) -> Array:
    found: Array = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
    return found


def logit_of(chance: Array | float) -> Array:
    inside = np.clip(chance, 1e-6, 1.0 - 1e-6)
    found: Array = np.log(inside / (1.0 - inside))
    return found


def by_node(logits: Array, delay: Array) -> Array:
    """Tries × nodes. `delay`: hours since the decline."""
    found: Array = np.where(delay[:, None] >= UNTIL, chance_of(logits[:, None] + WILLING), HELD)
    return found
