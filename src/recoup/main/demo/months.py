"""Months of renewals for the demo: what their maker, in the package recoup-lab, is asked for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import FunctionType
from typing import Any, Final, Protocol, cast

from recoup.kernel.extensions import added, load
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.main.demo.example import Line
from recoup.processors.gateways.sandbox.book import Timetable

GROUP: Final = "recoup.demo"
NAME: Final = "months"


@frozen
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
    return NAME in added(GROUP)


def months_of() -> MonthsOf:
    """Raises: Problem(unavailable), where the package is missing or cannot be used."""
    if not has_months():
        raise Problem(
            "unavailable",
            "The demo's months of renewals come with the package recoup-lab, which is not "
            "installed.",
            cure="Install it, in a clone: `.venv/bin/pip install -e packages/recoup-lab`.",
        )
    return cast(MonthsOf, load(added(GROUP)[NAME], FunctionType))
