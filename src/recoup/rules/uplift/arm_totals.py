"""What the orders of one arm came to, with a variance that knows that a payer's orders go together. Pure."""

import math
from typing import NamedTuple


class _Payer(NamedTuple):
    value: float
    weight: float


class ArmTotals:
    """A ratio of sums, Σ value / Σ weight over orders, clustered by payer. An order's weight is 1 where orders are
    counted, its amount where money is. Adding costs the same at the first and at the millionth order."""

    __slots__ = ("_by_payer", "_vv", "_vw", "_ww", "orders", "value", "weight")

    def __init__(self) -> None:
        self._by_payer: dict[str, _Payer] = {}
        self._vv = self._vw = self._ww = 0.0
        self.orders = 0
        self.value = self.weight = 0.0

    @property
    def payers(self) -> int:
        return len(self._by_payer)

    def add(self, payer: str, value: float, weight: float = 1.0) -> None:
        old = self._by_payer.get(payer, _Payer(0.0, 0.0))
        new = _Payer(old.value + value, old.weight + weight)
        self._by_payer[payer] = new
        self._vv += new.value**2 - old.value**2
        self._vw += new.value * new.weight - old.value * old.weight
        self._ww += new.weight**2 - old.weight**2
        self.orders += 1
        self.value += value
        self.weight += weight

    def mean(self) -> float:
        """NaN without orders."""
        return self.value / self.weight if self.weight else math.nan

    def variance(self) -> float:
        """Of the mean: Σ over payers of (value − mean · weight)², over (Σ weight)². NaN without orders."""
        if not self.weight:
            return math.nan
        mean = self.mean()
        return max(0.0, self._vv - 2 * mean * self._vw + mean**2 * self._ww) / self.weight**2
