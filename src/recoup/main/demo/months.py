"""Months of renewals for the demo: what their maker, in the package recoup-lab, is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Protocol

from recoup.gateways.cards.sandbox.book import Timetable
from recoup.kernel.problem import Problem
from recoup.main.demo.example import Line

GROUP: Final = "recoup.demo"
NAME: Final = "months"


@dataclass(frozen=True, slots=True)
class Site:
    """`letters` begin its order ids."""

    url: str
    descriptor: str
    letters: str


class Months(Protocol):
    """The renewals of a shop. `moments`: its declined orders, by when it hands them over."""

    @property
    def moments(self) -> Mapping[timedelta, Sequence[Any]]: ...

    def lines(self, number: int) -> list[Line]: ...

    def timetables(self, orders: Sequence[Any]) -> list[Timetable]: ...

    def past(self) -> bytes: ...


MonthsOf = Callable[[datetime, int, int, Sequence[Site], Sequence[str]], Months]


def has_months() -> bool:
    return _found() is not None


def months_of() -> MonthsOf:
    """Raises: Problem(unavailable) without the package."""
    found = _found()
    if found is None:
        raise Problem(
            "unavailable",
            "The demo's months of renewals come with the package recoup-lab, which is not installed.",
            cure="Install it: `pip install recoup-lab`.",
        )
    made: MonthsOf = found.load()
    return made


def _found() -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=NAME)), None)
