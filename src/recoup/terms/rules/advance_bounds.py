"""Bounds, by the foreseen chance, on how much of what was advanced, and of orders like it, was
never collected. Pure.

Only orders whose time to pay is over count, week by week of their begin; one that is still open
then was not collected. A week is one value, since its orders share what happens in it. The bounds
of a chance's tenth say what may be hoped of an order like it; those of all orders from a chance on,
which rule keeps the operator's loss.

Each bound is one of a mean by bets against it, and assumes only that values lie in [0, 1]: whoever
believes that the mean is at least m loses money to bets on less. Of each value x the bettor's money
is multiplied by 1 + f (m - x) / (1 - m), f being the part at stake. Under a mean of m or more it
does not grow on average, so the chance that it ever reaches 1 / alpha is alpha at most, however
often one looks (Ville). The money is divided among several parts at stake; it rises with m.

Source: decision 0079; Waudby-Smith and Ramdas 2024, arXiv 2010.09686 (betting confidence
sequences).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from msgspec import convert

from recoup.kernel.frozen import frozen
from recoup.kernel.stored import Stored
from recoup.terms.rules.collection import PERIOD

ALPHA: Final = 0.05
WHOLE: Final = 10_000  # a mean of 1, in basis points
STAKES: Final = (
    (0.25, 0.1),
    (0.5, 0.2),
    (0.75, 0.3),
    (1.0, 0.4),
)  # the part at stake, and of all money how much


def upper_bound(values: Sequence[float], alpha: float = ALPHA) -> int:
    """Upper bound of the mean that each value has given those before it, in basis points, rounded
    up: 10000 where nothing is shown. `values` from 0 to 1, in their order of time. It holds at
    every look together with 1 - alpha."""
    low, high = 0, WHOLE
    while high - low > 1:
        middle = (low + high) // 2
        if _is_refuted(values, middle / WHOLE, alpha):
            high = middle
        else:
            low = middle
    return high


def _is_refuted(values: Sequence[float], mean: float, alpha: float) -> bool:
    """True when the money ever reached 1 / alpha. `mean` below 1."""
    money = [share for _, share in STAKES]
    for value in values:
        gain = (mean - value) / (1.0 - mean)
        money = [held * (1.0 + part * gain) for held, (part, _) in zip(money, STAKES, strict=True)]
        if sum(money) * alpha >= 1.0:
            return True
    return False


Scored = Literal["model", "prior"]
Source = Literal["advanced", "comparable"]
TENTHS: Final = 10
PAYERS_MIN: Final = 100  # in a tenth, before it says anything
WEEKS_MIN: Final = 8  # likewise: fewer values bound nothing
WEEK: Final = timedelta(days=7)
RECENT: Final = 13 * WEEK
STALE: Final = timedelta(days=90)  # behind what time is over for: older bounds vouch for no model


@frozen
class Cell:
    """Orders of one week whose chance lay in one tenth. `scored`: whose chance it was. `payers`:
    tell customers apart, at most PAYERS_MIN of them."""

    scored: Scored
    source: Source
    tenth: int
    orders: int
    units: int
    lost_units: int
    payers: tuple[int, ...]


@frozen
class Week:
    """`begins`: a Monday."""

    begins: date
    cells: tuple[Cell, ...]


@frozen
class TenthBounds:
    """Ten of each, from the lowest chance. `payers`: customers in a tenth, counted to PAYERS_MIN,
    in so many `weeks`; `collected`: at least so much of its amounts, in basis points. `lost_from`:
    of all chances from the tenth on at most so much, where `known_from` it."""

    payers: tuple[int, ...]
    weeks: tuple[int, ...]
    collected: tuple[int, ...]
    known_from: tuple[bool, ...]
    lost_from: tuple[int, ...]

    def is_known(self, tenth: int) -> bool:
        return self.payers[tenth] >= PAYERS_MIN and self.weeks[tenth] >= WEEKS_MIN

    def least_tenth(self, allowed: int) -> int | None:
        """The lowest from which on the loss is at most `allowed` basis points, and from each higher
        one too; None where none is. Tenths from which on too little is known are passed over."""
        least = None
        for tenth in reversed(range(TENTHS)):
            if not self.known_from[tenth]:
                continue
            if self.lost_from[tenth] > allowed:
                break
            least = tenth
        return least


@frozen
class Bounds:
    """A version of the bounds. `until`: the weeks before it have counted; `made_on`: by the
    merchant's clock."""

    version: int
    made_on: date
    until: date
    tables: Mapping[Scored, TenthBounds]


@frozen
class HeldBounds(Stored):
    """Part of a version that one decision reads: the table of its own kind of chance."""

    version: int
    until: date
    table: TenthBounds

    @property
    def name(self) -> str:
        return f"bounds-{self.version}"

    def is_stale(self, now: datetime) -> bool:
        return now.date() - self.until > PERIOD + STALE


def held(bounds: Bounds | None, scored: Scored) -> HeldBounds | None:
    table = bounds.tables.get(scored) if bounds is not None else None
    return (
        HeldBounds(bounds.version, bounds.until, table)
        if bounds is not None and table is not None
        else None
    )


def tenth_of(chance: int) -> int:
    """`chance` in basis points."""
    return min(TENTHS - 1, chance * TENTHS // WHOLE)


def weeks_until(now: datetime) -> date:
    """The Monday before which every order that began has had its time to pay."""
    last = (now - PERIOD).date()
    return last - timedelta(days=last.weekday())


def next_week_over(now: datetime) -> datetime:
    """Time when the next week's orders have had their time."""
    ends = weeks_until(now) + WEEK
    return datetime(ends.year, ends.month, ends.day, tzinfo=now.tzinfo) + PERIOD


def tables_of(weeks: Sequence[Week], until: date) -> dict[Scored, TenthBounds]:
    """`weeks` in their order, all before `until`. Of a tenth the worse of the last thirteen weeks
    and of all; of both the worse of all orders and of what was advanced, where that is known. The
    model has to prove itself in the last thirteen; of a prior without enough of them all weeks
    speak, since a loss that was seen is not forgotten where nothing is advanced any more."""
    return {scored: _table(_cells(weeks, scored), until, scored) for scored in _SCORED}


def kept_tables(weeks: Iterable[tuple[date, Any]], until: date) -> dict[str, dict[str, Any]]:
    """`tables_of` weeks as they are kept, with their begin, and as a version keeps it.

    Raises: msgspec.ValidationError for what are no cells.
    """
    tables = tables_of(
        [Week(begins, tuple(convert(cells, list[Cell]))) for begins, cells in weeks], until
    )
    return {scored: asdict(table) for scored, table in tables.items()}


_SCORED: Final[tuple[Scored, ...]] = ("model", "prior")
_Cells = list[tuple[date, list[Cell]]]


def _cells(weeks: Sequence[Week], scored: Scored) -> _Cells:
    """Weeks without a cell say nothing."""
    return _only(
        [(week.begins, list(week.cells)) for week in weeks], lambda cell: cell.scored == scored
    )


def _table(weeks: _Cells, until: date, scored: Scored) -> TenthBounds:
    single = [_between(weeks, tenth, tenth) for tenth in range(TENTHS)]
    upward = [_between(weeks, tenth, TENTHS - 1) for tenth in range(TENTHS)]
    return TenthBounds(
        tuple(map(_payers, single)),
        tuple(map(len, single)),
        tuple(WHOLE - max(_lost(cells), _lost_lately(cells, until, scored)) for cells in single),
        tuple(map(_is_known, upward)),
        tuple(map(_lost, upward)),
    )


def _between(weeks: _Cells, low: int, high: int) -> _Cells:
    return _only(weeks, lambda cell: low <= cell.tenth <= high)


def _only(weeks: _Cells, wanted: Callable[[Cell], bool]) -> _Cells:
    kept = [(begins, [cell for cell in cells if wanted(cell)]) for begins, cells in weeks]
    return [(begins, cells) for begins, cells in kept if sum(cell.units for cell in cells) > 0]


def _payers(weeks: _Cells) -> int:
    return min(
        PAYERS_MIN, len({payer for _, cells in weeks for cell in cells for payer in cell.payers})
    )


def _is_known(weeks: _Cells) -> bool:
    return len(weeks) >= WEEKS_MIN and _payers(weeks) >= PAYERS_MIN


def _lost(weeks: _Cells) -> int:
    """Lost share in basis points, at most; the worse of all and of what was advanced."""
    if not _is_known(weeks):
        return WHOLE
    advanced = _only(weeks, lambda cell: cell.source == "advanced")
    return max(_bound(look) for look in (weeks, advanced) if _is_known(look))


def _lost_lately(weeks: _Cells, until: date, scored: Scored) -> int:
    recent = [(begins, cells) for begins, cells in weeks if begins >= until - RECENT]
    return _bound(recent) if scored == "model" or len(recent) >= WEEKS_MIN else 0


def _bound(weeks: _Cells) -> int:
    return upper_bound([_share(cells) for _, cells in weeks])


def _share(cells: Sequence[Cell]) -> float:
    return sum(cell.lost_units for cell in cells) / sum(cell.units for cell in cells)
