"""A declined order whose window has closed, and many of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from recoup.rules.uplift.comparison import ComparedArm


class ClosedOrder(NamedTuple):
    """`closed_on`: the day on which its window closed. `chance`: foreseen at intake, None where nothing was. `share`:
    percent of payers in the comparison group when it came in. `amount`: in the currency's main unit. `sends`: attempts
    that were made, None where nobody counted. `card`: tells cards apart, empty where none is known. `place`: so
    do site and campaign."""

    closed_on: date
    declined_on: date
    payer: str
    arm: ComparedArm
    chance: float | None
    amount: float
    currency: str
    rescued_on: date | None
    by: str
    share: int
    sends: int | None = None
    disputed: bool | None = None
    card: str = ""
    place: str = ""


@dataclass(slots=True)
class OrdersRead:
    """`refused`: line and reason. `open`: windows that had not closed at the moment of the look. `other`: of arms that
    are compared with nothing. A payer who was found in both arms is analysed in that of the first order. `one_in`: of
    so many payers one was read."""

    closed: list[ClosedOrder] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    open: int = 0
    other: int = 0
    moved: set[str] = field(default_factory=set)
    one_in: int = 1
    _arms: dict[str, ComparedArm] = field(default_factory=dict)

    def add(self, one: ClosedOrder) -> None:
        first = self._arms.setdefault(one.payer, one.arm)
        if first != one.arm:
            self.moved.add(one.payer)
        self.closed.append(one._replace(arm=first))

    def thin(self, sampled: Callable[[str, int], bool]) -> None:
        """Half of the payers, so that memory is bounded. `sampled`: whether a payer is the one of so many."""
        self.one_in *= 2
        self.closed = [one for one in self.closed if sampled(one.payer, self.one_in)]
        self._arms = {payer: arm for payer, arm in self._arms.items() if sampled(payer, self.one_in)}
        self.moved = {payer for payer in self.moved if sampled(payer, self.one_in)}
        self.open //= 2

    def finish(self) -> None:
        """By closing day, as looks go through them."""
        self.closed.sort(key=lambda one: one.closed_on)
