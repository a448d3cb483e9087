"""What the orders of one arm came to, with a variance that knows that a payer's orders go together. Pure."""

import math
from collections.abc import KeysView
from typing import NamedTuple


class PayerSums(NamedTuple):
    value: float = 0.0
    weight: float = 0.0


class ArmTotals:
    """A ratio of sums, Σ value / Σ weight over orders, clustered by payer. An order's weight is 1 where orders are
    counted, its amount where money is. Adding costs the same at the first and at the millionth order."""

    __slots__ = ("_by_payer", "_vv", "_vw", "_ww", "orders", "value", "weight")

    def __init__(self) -> None:
        self._by_payer: dict[str, PayerSums] = {}
        self._vv = self._vw = self._ww = 0.0
        self.orders = 0
        self.value = self.weight = 0.0

    @property
    def payers(self) -> KeysView[str]:
        return self._by_payer.keys()

    def of(self, payer: str) -> PayerSums | None:
        """None: none of the orders is theirs."""
        return self._by_payer.get(payer)

    def add(self, payer: str, value: float, weight: float = 1.0) -> None:
        old = self._by_payer.get(payer, PayerSums())
        new = PayerSums(old.value + value, old.weight + weight)
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
        """Of the mean. NaN without orders."""
        return self.spread() / self.weight**2 if self.weight else math.nan

    def spread(self) -> float:
        """Σ over payers of (value − mean · weight)². NaN without orders."""
        mean = self.mean()
        return max(0.0, self._vv - 2 * mean * self._vw + mean**2 * self._ww)


def alike_variance(first: ArmTotals, second: ArmTotals) -> float:
    """Of the difference of both means, where both vary as all of their orders together do."""
    spread = first.spread() + second.spread()
    return spread / (first.weight + second.weight) * (1 / first.weight + 1 / second.weight)


class SharedPayers:
    """Payers with orders in two totals: what their orders there have in common, kept order by order."""

    __slots__ = ("_vv", "_vw", "_wv", "_ww")

    def __init__(self) -> None:
        self._vv = self._vw = self._wv = self._ww = 0.0

    def add(self, first: PayerSums, second: PayerSums) -> None:
        """One more order of a payer: in one of both totals its own value and weight, in the other all they hold."""
        self._vv += first.value * second.value
        self._vw += first.value * second.weight
        self._wv += first.weight * second.value
        self._ww += first.weight * second.weight

    def covariance(self, first: ArmTotals, second: ArmTotals) -> float:
        """Of both means: Σ over payers of (value − mean · weight) here times there, over both sums of weights."""
        here, there = first.mean(), second.mean()
        found = self._vv - there * self._vw - here * self._wv + here * there * self._ww
        return found / (first.weight * second.weight)
