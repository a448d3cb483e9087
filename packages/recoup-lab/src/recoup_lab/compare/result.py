"""Result of a comparison, over all its seeds: each arm at each level, paired with what it is
measured against."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

from recoup_lab.compare.catalogue import CATALOGUE, RETRY_2
from recoup_lab.compare.curve import Point, at_sends
from recoup_lab.compare.intervals import Interval, Sums, difference, ratio, share
from recoup_lab.compare.job import OWN, Customers, JobDone, Level

Measure = Literal["orders", "amount", "net"]
MEASURES: Final[tuple[Measure, ...]] = ("orders", "amount", "net")
CURVE_AT: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Row:
    """Row of one arm at one level. `sends`: the mean of a declined order; `harm`: share of the
    amount; `days`: the median, a mean over seeds. `worlds_orders`, `worlds_net`: by the world's own
    count. `levels`: seed by seed."""

    arm: str
    reached: bool
    sends: float
    shares: Mapping[Measure, Interval]
    worlds_orders: float
    worlds_net: float
    harm: float
    days: float | None
    levels: Sequence[Level]

    @property
    def breaches(self) -> int:
        return sum(level.ours.breaches for level in self.levels)


@dataclass(frozen=True, slots=True)
class Pair:
    """`arm` less `against`, on the same orders."""

    arm: str
    against: str
    differences: Mapping[Measure, Interval]
    orders_ratio: Interval | None


@dataclass(frozen=True, slots=True)
class Section:
    """A level. `best`: the comparator that recovers the most orders; each arm is paired with it,
    and each arm that is no comparator with each other arm too."""

    level: str
    rows: Sequence[Row]
    best: str | None
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`unlisted`: codes that no list has, each read as a generic soft decline."""

    world: str
    seeds: Sequence[int]
    orders: int
    arms: Sequence[str]
    sections: Sequence[Section]
    curves: Mapping[str, Sequence[tuple[float, Point | None]]]
    unlisted: Sequence[str]
    hash: str

    @property
    def breaches(self) -> tuple[int, int]:
        """Breaches by our count and by the world's."""
        levels = [
            level for section in self.sections for row in section.rows for level in row.levels
        ]
        return sum(one.ours.breaches for one in levels), sum(one.worlds.breaches for one in levels)

    @property
    def early(self) -> int:
        """Sends before an advised wait was over."""
        return sum(
            level.early for section in self.sections for row in section.rows for level in row.levels
        )


def combine(done: Sequence[JobDone], targets: Sequence[float]) -> Comparison:
    seeds = sorted({one.seed for one in done})
    customers = {one.seed: one.customers for one in done}
    levels: dict[tuple[str, str], list[Level]] = defaultdict(list)
    for level in (level for one in done for level in one.levels):
        levels[level.level, level.arm].append(level)
    for of_arm in levels.values():
        of_arm.sort(key=lambda one: one.seed)
    arms = [name for name in CATALOGUE if (OWN, name) in levels]
    labels = [*(f"{target:g}" for target in targets), OWN]
    if any(label == RETRY_2 for label, _ in levels):
        labels.append(RETRY_2)
    sections = []
    for label in labels:
        found = {name: levels[label, name] for name in arms if (label, name) in levels}
        if label == RETRY_2 and RETRY_2 in arms:
            found = {RETRY_2: levels[OWN, RETRY_2], **found}
        sections.append(_section(label, found, [customers[seed] for seed in seeds]))
    return Comparison(
        world=done[0].world,
        seeds=seeds,
        orders=sum({one.seed: one.orders for one in done}.values()),
        arms=arms,
        sections=sections,
        curves={
            name: _curve([one.curves[name] for one in done if name in one.curves]) for name in arms
        },
        unlisted=sorted({name for one in done for name in one.unlisted}),
        hash=_hash(levels, labels),
    )


def _section(
    label: str, levels: Mapping[str, Sequence[Level]], customers: Sequence[Customers]
) -> Section:
    rows = [_row(name, of_arm, customers) for name, of_arm in levels.items()]
    comparators = [row for row in rows if CATALOGUE[row.arm].comparator]
    best = max(comparators, key=lambda row: row.shares["orders"].value).arm if comparators else None
    measured = [name for name in levels if not CATALOGUE[name].comparator]
    wanted = [(name, best) for name in levels if best is not None and name != best]
    wanted += [(name, other) for name in measured for other in levels if other not in (name, best)]
    pairs = [_pair(levels[one], levels[other], customers) for one, other in wanted]
    return Section(label, rows, best, pairs)


def _row(name: str, levels: Sequence[Level], customers: Sequence[Customers]) -> Row:
    days = [level.ours.days_median for level in levels if level.ours.days_median is not None]
    orders, amounts = (
        sum(level.ours.orders for level in levels),
        [sum(customer.amounts) for customer in customers],
    )
    nets = [one.worlds.net_share * amount for one, amount in zip(levels, amounts, strict=True)]
    return Row(
        arm=name,
        reached=all(level.reached for level in levels),
        sends=sum(level.ours.attempts for level in levels) / orders,
        worlds_orders=sum(level.worlds.recovered for level in levels) / orders,
        worlds_net=sum(nets) / sum(amounts),
        shares={
            measure: share(_sums(levels, measure), _weights(customers, measure))
            for measure in MEASURES
        },
        harm=fmean(level.harm for level in levels),
        days=fmean(days) if days else None,
        levels=levels,
    )


def _pair(ours: Sequence[Level], theirs: Sequence[Level], customers: Sequence[Customers]) -> Pair:
    return Pair(
        ours[0].arm,
        theirs[0].arm,
        {
            measure: difference(
                _sums(ours, measure), _sums(theirs, measure), _weights(customers, measure)
            )
            for measure in MEASURES
        },
        ratio(_sums(ours, "orders"), _sums(theirs, "orders")),
    )


def _sums(levels: Sequence[Level], measure: Measure) -> Sums:
    if measure == "orders":
        return [level.recovered for level in levels]
    return [level.amount if measure == "amount" else level.net for level in levels]


def _weights(customers: Sequence[Customers], measure: Measure) -> Sums:
    return [customer.orders if measure == "orders" else customer.amounts for customer in customers]


def _curve(by_seed: Sequence[Sequence[Point]]) -> list[tuple[float, Point | None]]:
    """The mean over seeds; None where the arm of some seed sends fewer."""
    curve: list[tuple[float, Point | None]] = []
    for sends in CURVE_AT:
        points = [at_sends(points, sends) for points in by_seed]
        there = [point for point in points if point is not None]
        mean = None
        if len(there) == len(points):
            mean = Point(sends, *(fmean(getattr(one, name) for one in there) for name in MEASURES))
        curve.append((sends, mean))
    return curve


def _hash(levels: Mapping[tuple[str, str], Sequence[Level]], labels: Sequence[str]) -> str:
    found = hashlib.sha256()
    for label in labels:
        for name in CATALOGUE:
            for one in levels.get((label, name), ()):
                found.update(f"{one.seed} {name} {label} {one.signature}\n".encode())
    return found.hexdigest()
