"""How much of each answer the bank caused, and how much a lack of money, by the coefficients as they are."""

from typing import NamedTuple

import numpy as np

from recoup.features.engine.learn.attempts import Column
from recoup.features.engine.learn.coefficients import BLOCK, TINY, Coefficients, lean_of, refusal_of, scarce_of
from recoup.features.engine.learn.features import CELLS, Features
from recoup.rules.rescue.answer_classes import APPROVED, FUNDS, HARD, SOFT


class Shared(NamedTuple):
    """By attempt, `gradient` and `curve` of the refusal's logit, and how much of the missing money was answered as
    generic (`soft`) and as such (`funds`); by cell, `slope` and `bend` of the money's logit, the weight of attempts
    that the bank did not refuse (`judged`), and of those among them in a time of little money (`lean`)."""

    gradient: Column
    curve: Column
    soft: Column
    funds: Column
    slope: Column
    bend: Column
    lean: Column
    judged: Column


class Causes:
    """An approval shows money, and an answer of its own cause the bank: their sums by cell stay for a round. A soft
    decline may be either, by each step's coefficients."""

    def __init__(self, data: Features) -> None:
        self._data = data
        self._rows = {kind: np.flatnonzero(data.answer == kind) for kind in (APPROVED, FUNDS, SOFT)}
        self._cell = {kind: data.cell[rows] for kind, rows in self._rows.items()}
        self._other = ~np.isin(data.answer, (APPROVED, FUNDS, SOFT, HARD))

    def weigh(self, weights: Column) -> None:
        """`weights`: attempts × rhythms, how likely each is what answered."""
        self._whole = np.where(self._data.answer == HARD, 0.0, weights.sum(1))
        self._approved, self._funds = (
            np.bincount(self._cell[kind].ravel(), weights[self._rows[kind]].ravel(), CELLS)
            for kind in (APPROVED, FUNDS)
        )
        self._soft = weights[self._rows[SOFT]]

    def shared(self, c: Coefficients) -> Shared:
        no, scarce, lean = refusal_of(self._data, c), scarce_of(c), lean_of(c)
        there = 1 - lean * (1 - scarce)
        rows = self._rows[SOFT]
        by_bank, soft_cells = self._of_soft(no[rows], c.generic[self._data.issuer[rows]], 1 - there)
        bank = np.where(self._other, self._whole, 0.0)
        bank[rows] = by_bank
        missing = self._funds + soft_cells
        approved = self._approved * lean * scarce / there
        met = approved + missing
        soft = np.zeros_like(no)
        soft[rows] = self._whole[rows] - by_bank
        return Shared(
            gradient=bank - self._whole * no,
            curve=self._whole * no * (1 - no),
            soft=soft,
            funds=np.where(self._data.answer == FUNDS, self._whole, 0.0),
            slope=approved - met * scarce,
            bend=met * scarce * (1 - scarce),
            lean=met,
            judged=self._approved + missing,
        )

    def _of_soft(self, no: Column, generic: Column, missing: Column) -> tuple[Column, Column]:
        """By soft decline, what of it the bank caused; by cell, what was a lack of money."""
        by_bank, by_cell = np.empty(len(no)), np.zeros(CELLS)
        for begin in range(0, len(no), BLOCK):
            part = slice(begin, begin + BLOCK)
            cell, weights = self._cell[SOFT][part], self._soft[part]
            hidden = missing.take(cell)
            hidden *= ((1 - no[part]) * generic[part])[:, None]
            own = no[part, None]
            rest = weights * (hidden + TINY) / (own + hidden + TINY)
            by_bank[part] = (weights - rest).sum(1)
            by_cell += np.bincount(cell.ravel(), rest.ravel(), CELLS)
        return by_bank, by_cell
