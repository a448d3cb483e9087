"""Declined orders by the week of their decline, with the share that was rescued by each day. Pure.

A rate stands beside its denominator, and a day of the curve only once every order of the week is
that old.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.kit.files.cells import Number, csv_row

CURVE_DAYS: Final = (0, 1, 3, 7, 14, 21, 30)
WEEKS_MAX: Final = 26
WEEK: Final = timedelta(days=7)


class CohortCount(NamedTuple):
    """Orders of one week that are alike. `day`: whole days from the decline to the rescue, None:
    not rescued."""

    week: date
    site_id: UUID
    campaign_id: UUID | None
    asset: str
    day: int | None
    closed: bool
    orders: int
    units: int


@dataclass(slots=True)
class Sums:
    """`closed`: orders whose window has closed; `rescued` is of those alone. `units`,
    `rescued_units`: by currency, of closed ones too."""

    orders: int = 0
    closed: int = 0
    rescued: int = 0
    units: dict[str, int] = field(default_factory=dict)
    rescued_units: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        return self.rescued / self.closed if self.closed else None

    def add(self, count: CohortCount) -> None:
        self.orders += count.orders
        if not count.closed:
            return
        self.closed += count.orders
        self.units[count.asset] = self.units.get(count.asset, 0) + count.units
        if count.day is not None:
            self.rescued += count.orders
            self.rescued_units[count.asset] = self.rescued_units.get(count.asset, 0) + count.units


@dataclass(slots=True)
class Cohort:
    """`curve`: by day of CURVE_DAYS, the share of all its orders that was rescued by its end; None:
    not so old yet."""

    week: date
    sums: Sums
    curve: tuple[float | None, ...]


def monday(moment: datetime) -> date:
    """Monday of the week that the moment lies in, by UTC."""
    return moment.date() - timedelta(days=moment.weekday())


def cohorts(counts: Iterable[CohortCount], now: datetime) -> list[Cohort]:
    weeks: dict[date, tuple[Sums, dict[int, int]]] = {}
    for count in counts:
        sums, days = weeks.setdefault(count.week, (Sums(), {}))
        sums.add(count)
        if count.day is not None:
            days[count.day] = days.get(count.day, 0) + count.orders
    return [
        Cohort(week, sums, _curve(week, sums, days, now))
        for week, (sums, days) in sorted(weeks.items())[::-1]
    ]


def by_place(counts: Iterable[CohortCount]) -> dict[tuple[UUID, UUID | None], Sums]:
    """Sums by site and campaign, those with the most orders first."""
    places: dict[tuple[UUID, UUID | None], Sums] = {}
    for count in counts:
        places.setdefault((count.site_id, count.campaign_id), Sums()).add(count)
    return dict(sorted(places.items(), key=lambda item: (-item[1].orders, str(item[0]))))


def place_key(site_id: UUID, campaign_id: UUID | None) -> str:
    return f"{site_id}/{campaign_id or ''}"


def _curve(week: date, sums: Sums, days: dict[int, int], now: datetime) -> tuple[float | None, ...]:
    age = (now.date() - (week + WEEK)).days  # of the youngest order, in whole days
    return tuple(
        sum(orders for at, orders in days.items() if at <= day) / sums.orders if age > day else None
        for day in CURVE_DAYS
    )


By = Literal["week", "site"]
_KEYS: Final[dict[By, tuple[str, ...]]] = {
    "week": ("week",),
    "site": ("siteId", "site", "campaignId", "campaign"),
}
_COUNTS: Final = ("orders", "closed", "rescued")

_ARMS: Final = (
    "engine_orders", "engine_rescued", "comparison_orders", "comparison_rescued", "difference",
    "low", "high"
)  # fmt: skip


def cohort_file(report: Mapping[str, Any], by: By) -> Iterator[str]:
    """`report`: as `cohort_report` makes it; rates as shares from 0 to 1, empty where there is none
    yet."""
    rows = report["cohorts" if by == "week" else "places"]
    assets = sorted({asset for row in rows for asset in row["units"]})
    days = report["curveDays"] if by == "week" else []
    arms = _ARMS if by == "site" else ()
    money = [name for asset in assets for name in (f"closed_{asset}", f"rescued_{asset}")]
    yield csv_row((*_KEYS[by], *_COUNTS, "rate", *(f"by_day_{day}" for day in days), *money, *arms))
    for row in rows:
        sums = [row[of].get(asset, 0) for asset in assets for of in ("units", "rescuedUnits")]
        shares = (row["rate"], *row.get("curve", ()))
        yield csv_row(
            (
                *(row[key] or "" for key in _KEYS[by]),
                *(row[name] for name in _COUNTS),
                *("" if share is None else Number(str(share)) for share in shares),
                *sums,
                *(_compared(row) if arms else ()),
            )
        )


def _compared(row: Mapping[str, Any]) -> Iterator[Any]:
    """Reports that were made before places were compared have nothing of it."""
    for arm in ("engine", "holdout"):
        counts = row.get(arm) or {"orders": 0, "rescued": 0}
        yield from (counts["orders"], counts["rescued"])
    for name in ("difference", "low", "high"):
        yield "" if row.get(name) is None else Number(str(row[name]))
