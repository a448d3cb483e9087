"""A declined order whose window has closed, and many of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from recoup.uplift.rules.strata import ComparedArm, Stratum


class Shares(NamedTuple):
    """Percent of payers in the comparison group and with the engine, when an order came in."""

    holdout: int = 0
    engine: int = 0


class ClosedOrder(NamedTuple):
    """`closed_on`: the day on which its window closed. `chance`: foreseen at intake, None where
    nothing was. `amount`: in the currency's main unit. `shares`: of its day; `first_shares`: of its
    payer's first order. `sends`: attempts that were made, None where nobody counted. `card`: tells
    cards apart, empty where none is known. `place`: so do site and campaign."""

    closed_on: date
    declined_on: date
    payer: str
    arm: ComparedArm
    chance: float | None
    amount: float
    currency: str
    rescued_on: date | None
    by: str
    shares: Shares = Shares()
    sends: int | None = None
    disputed: bool | None = None
    card: str = ""
    place: str = ""
    first_shares: Shares = Shares()

    @property
    def stratum(self) -> Stratum:
        return *self.first_shares, *self.shares

    @property
    def came(self) -> "Came":
        return Came(self.payer, self.declined_on, self.arm, self.shares, self.place)


class Came(NamedTuple):
    """An order when it came in: `arm` None for one that is compared with nothing."""

    payer: str
    declined_on: date
    arm: ComparedArm | None
    shares: Shares
    place: str = ""


@dataclass(slots=True)
class _Payer:
    """`came_on`, `shares`: of the first order of any arm; `assigned_on`, `arm`: of the first one
    that is compared."""

    came_on: date
    shares: Shares
    assigned_on: date = date.max
    arm: ComparedArm | None = None


@dataclass(slots=True)
class OrdersRead:
    """Orders read for a look. `until`: of the look. `refused`: line and reason. `waiting`: windows
    that had not closed by then. `other`: of arms that are compared with nothing. A payer who was
    found in both arms is analysed in that of the first order. `one_in`: of so many payers one was
    read."""

    until: date = date.max
    closed: list[ClosedOrder] = field(default_factory=list)
    waiting: list[Came] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    other: int = 0
    moved: set[str] = field(default_factory=set)
    one_in: int = 1
    _payers: dict[str, _Payer] = field(default_factory=dict)

    @property
    def open(self) -> int:
        return len(self.waiting)

    def declined(self) -> Iterator[tuple[date, str]]:
        """Day and place of each order that is, or will be, compared."""
        yield from ((order.declined_on, order.place) for order in self.closed)
        yield from ((came.declined_on, came.place) for came in self.waiting)

    def add(self, order: ClosedOrder) -> None:
        self._meet(order.came)
        self.closed.append(order)

    def add_waiting(self, came: Came) -> None:
        self._meet(came)
        self.waiting.append(came)

    def add_other(self, came: Came) -> None:
        self._meet(came)
        self.other += 1

    def _meet(self, came: Came) -> None:
        payer = self._payers.setdefault(came.payer, _Payer(came.declined_on, came.shares))
        if came.declined_on < payer.came_on:
            payer.came_on, payer.shares = came.declined_on, came.shares
        if came.arm is not None and came.declined_on < payer.assigned_on:
            payer.assigned_on, payer.arm = came.declined_on, came.arm

    def thin(self, sampled: Callable[[str, int], bool]) -> None:
        """Half of the payers, so that memory is bounded. `sampled`: whether a payer is the one of
        so many."""
        self.one_in *= 2
        self.closed = [order for order in self.closed if sampled(order.payer, self.one_in)]
        self.waiting = [came for came in self.waiting if sampled(came.payer, self.one_in)]
        self._payers = {
            payer: known for payer, known in self._payers.items() if sampled(payer, self.one_in)
        }
        self.other //= 2

    def finish(self) -> None:
        """Each order in its payer's first arm, by closing day, as looks go through them."""
        for at, order in enumerate(self.closed):
            payer = self._payers[order.payer]
            arm = payer.arm or order.arm
            if arm != order.arm:
                self.moved.add(order.payer)
            self.closed[at] = order._replace(arm=arm, first_shares=payer.shares)
        self.closed.sort(key=lambda order: order.closed_on)
