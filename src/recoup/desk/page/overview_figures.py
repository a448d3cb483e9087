"""Figures of the overview: groups with their rates, money, and what the engine added. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, Protocol, Self

from recoup.desk.store.overview import CodeSums, Period
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Figure
from recoup.kit.files.cells import Number, csv_row
from recoup.networks.codes import code_of, read_decline
from recoup.networks.reasons import REASONS
from recoup.orders.rules.words import SCHEME_WORDS

WIDTH: Final = 1120
HEIGHT: Final = 210
_LEFT, _TOP, _BASE = 44.0, 14.0, 184.0
_LABEL: Final = 75  # units that a day's name takes


@frozen
class Bar:
    """A day's bar: `rescued` at the bottom up to `split`, then what is lost, and above `open_from`
    what is open. Lengths in units of the view box."""

    day: date
    declined: int
    rescued: int
    open: int
    x: float
    width: float
    top: float
    open_from: float
    split: float
    label: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def base(self) -> float:
        return _BASE


@frozen
class Chart:
    """`grid`: (height, what it stands for), from the bottom."""

    bars: tuple[Bar, ...]
    grid: tuple[tuple[float, int], ...]
    left: float = _LEFT
    width: int = WIDTH
    height: int = HEIGHT


def chart(days: Sequence[tuple[date, int, int, int]], width: int = WIDTH) -> Chart:
    """`days`: (day, declined, rescued, open), each day once and in order."""
    most = max((declined for _, declined, _, _ in days), default=0)
    step = step_of(most)
    top = step * max(1, -(-most // step))
    each = (width - _LEFT) / max(1, len(days))
    every = max(1, -(-len(days) * _LABEL // (width - int(_LEFT))))

    def y(value: int) -> float:
        return round(_BASE - (_BASE - _TOP) * value / top, 1)

    bars = tuple(
        Bar(
            day,
            declined,
            rescued,
            still_open,
            round(_LEFT + each * n + each * 0.15, 1),
            round(min(40.0, each * 0.7), 1),
            y(declined),
            y(declined - still_open),
            y(rescued),
            n % every == 0,
        )
        for n, (day, declined, rescued, still_open) in enumerate(days)
    )
    return Chart(bars, tuple((y(value), value) for value in range(0, top + 1, step)), width=width)


def step_of(most: int) -> int:
    """A round step of which at most five reach `most`."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * 5 >= most:
                return step * factor
        step *= 10


BEFORE_MIN: Final = 20


class Counted(Protocol):
    @property
    def declined(self) -> int: ...
    @property
    def rescued(self) -> int: ...
    @property
    def open(self) -> int: ...


@frozen
class Group:
    """Orders that have something in common. `link` lists exactly them, where the list can.
    `before`: the rate of closed orders in the days before."""

    name: str
    declined: int
    rescued: int
    open: int = 0
    link: str = ""
    note: str = ""
    before: str = "–"

    @classmethod
    def of(cls, row: Counted, name: str = "", link: str = "", note: str = "") -> Self:
        return cls(name, row.declined, row.rescued, row.open, link, note)

    @property
    def closed(self) -> int:
        return self.declined - self.open

    @property
    def lost(self) -> int:
        return self.closed - self.rescued

    @property
    def rate(self) -> str:
        """Share of closed orders."""
        return percent(self.rescued, self.closed)

    @property
    def rate_of_all(self) -> str:
        return percent(self.rescued, self.declined)

    @property
    def share(self) -> float:
        """The same from 0 to 100, for a bar."""
        return round(100 * self.rescued / self.declined, 1) if self.declined else 0.0

    @property
    def open_share(self) -> float:
        return round(100 * self.open / self.declined, 1) if self.declined else 0.0


@frozen
class Money:
    """Amounts of one currency, in its smallest units. `net`: what stays after refunds and fees."""

    asset: str
    declined: int
    open: int
    recovered: int
    refunded: int
    fees: int

    @property
    def net(self) -> int:
        return self.recovered - self.refunded - self.fees

    @property
    def lost(self) -> int:
        return self.declined - self.open - self.recovered

    @property
    def as_group(self) -> Group:
        return Group(self.asset, self.declined, self.recovered, self.open)


@frozen
class Gain:
    """The engine's gain over the comparison group since the comparison began. Rates and differences
    are shares of orders; `units`: the gain in money, with its interval; `anyway`: money at the
    group's rate. All three are None while too few orders are compared."""

    asset: str
    at: datetime
    engine: float
    engine_orders: int
    holdout: float
    holdout_orders: int
    difference: float | None
    low: float | None
    high: float | None
    recovered: int
    units: int | None
    units_low: int | None
    units_high: int | None

    @property
    def anyway(self) -> int | None:
        return None if self.units is None else self.recovered - self.units


def percent(part: int, whole: int) -> str:
    """`40.7 %`; a dash of nothing. Rounded to nearest, half up."""
    if not whole:
        return "–"
    tenths = (2_000 * part + whole) // (2 * whole)
    return Figure(f"{tenths // 10}.{tenths % 10} %")


def rates_before(rows: Iterable[tuple[Any, Counted]]) -> dict[Any, str]:
    """Rates of closed orders by key; a dash where there are too few for a rate."""
    closed = {key: (row.rescued, row.declined - row.open) for key, row in rows}
    return {key: percent(*pair) if pair[1] >= BEFORE_MIN else "–" for key, pair in closed.items()}


def money_of(period: Period) -> list[Money]:
    """The currency with the most orders first."""
    return [
        Money(
            row.asset or "",
            row.units,
            row.open_units,
            row.recovered_units,
            row.refunded_units,
            period.fees.get(row.asset or "", 0),
        )
        for row in period.money
    ]


def by_reason(codes: Sequence[CodeSums], on: date) -> dict[str, Group]:
    """Codes of whatever scheme or processor that mean the same, by the reason's name."""
    groups: dict[str, Group] = {}
    for row in codes:
        reason = reading_of(row, on).reason if row.name else ""
        group = groups.get(reason) or Group(REASONS[reason][0] if reason else "", 0, 0)
        groups[reason] = replace(
            group,
            declined=group.declined + row.declined,
            rescued=group.rescued + row.rescued,
            open=group.open + row.open,
        )
    return dict(sorted(groups.items(), key=lambda pair: -pair[1].declined))


def reading_of(row: CodeSums, on: date) -> Any:
    source = (row.source or "").lower()
    scheme = source if source in SCHEME_WORDS else "generic"
    return read_decline(scheme=scheme, code=code_of(source, row.name), on=on)


def gain_of(report: Mapping[str, Any], asset: str, at: datetime) -> Gain | None:
    """The gain so far in this currency, or None where no comparison is under way."""
    arms, money = report["arms"], report["byAmount"].get(asset)
    if money is None or not arms["engine"]["orders"] or not arms["holdout"]["orders"]:
        return None
    last = (
        report["looks"][-1] if report["looks"] else {"difference": None, "low": None, "high": None}
    )
    declined = money["engine"]["declined"]
    units, low, high = (
        None if money["low"] is None else round(money[name] * declined)
        for name in ("difference", "low", "high")
    )
    return Gain(
        asset=asset,
        at=at,
        engine=arms["engine"]["rescued"],
        engine_orders=arms["engine"]["orders"],
        holdout=arms["holdout"]["rescued"],
        holdout_orders=arms["holdout"]["orders"],
        difference=None if last["low"] is None else last["difference"],
        low=last["low"],
        high=last["high"],
        recovered=money["engine"]["rescued"],
        units=units,
        units_low=low,
        units_high=high,
    )


_COLUMNS = (
    "group", "name", "declined", "open", "closed", "rescued", "rate_of_closed", "rate_of_all",
    "rate_of_closed_before", "amount_declined", "amount_open", "amount_recovered", "refunded",
    "fees", "net",
)  # fmt: skip


def file_of(groups: Mapping[str, Sequence[Group]], money: Sequence[Money]) -> Iterator[str]:
    """Rates as the page has them, amounts in minor units, in the rows of currencies."""
    yield csv_row(_COLUMNS)
    for title, rows in groups.items():
        for row in rows:
            rates = (row.rate, row.rate_of_all, row.before)
            counts = (row.declined, row.open, row.closed, row.rescued)
            yield csv_row((title, row.name, *counts, *map(_bare, rates), *[""] * 6))
    for sums in money:
        amounts = (sums.declined, sums.open, sums.recovered, sums.refunded, sums.fees, sums.net)
        yield csv_row(("currency", sums.asset, *[""] * 7, *amounts))


def _bare(rate: str) -> Any:
    return Number(rate.removesuffix(" %")) if rate.endswith("%") else ""
