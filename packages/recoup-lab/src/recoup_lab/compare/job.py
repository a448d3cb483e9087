"""Plays some arms on one world, each at every level that is asked for."""

import json
import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, NamedTuple

from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.budgets import CLOSE, length_guess, length_of, search_length, search_price
from recoup_lab.compare.catalogue import CATALOGUE, RETRY_2, Entry
from recoup_lab.compare.curve import Point, cut_points, point_of
from recoup_lab.compare.driver import play
from recoup_lab.compare.gate import CardSends
from recoup_lab.compare.ground import Ground, survey
from recoup_lab.compare.log import model_row, without_record
from recoup_lab.compare.news import NewsPlay
from recoup_lab.compare.played import Played
from recoup_lab.compare.sample import search_by_sample
from recoup_lab.compare.score import check_scores, harm_share, net_of, own_score
from recoup_lab.compare.seam import Briefing
from recoup_lab.compare.source import Source
from recoup_lab.world.port import Score, WorldOrder

OWN: Final = "own"
OWN_KNOB: Final = math.inf  # of the play at the arm's own price


class Options(NamedTuple):
    """Options given to the command. `targets`: mean numbers of sends. `logged`: whether decisions
    are kept."""

    targets: tuple[float, ...]
    policy: Mapping[str, Any] | None = None
    explore: float | None = None
    holdout: float | None = None
    logged: bool = False


class Job(NamedTuple):
    source: Source
    seed: int
    arms: tuple[str, ...]
    options: Options


@dataclass(frozen=True, slots=True)
class Customers:
    """A world's, by number: how many orders and how much was declined of each."""

    orders: Sequence[float]
    amounts: Sequence[float]


@dataclass(frozen=True, slots=True)
class Level:
    """Level of one arm: our figures and the world's, and sums by customer for the intervals.
    `level`: a mean number of sends, `own`, or `retry-2` for that arm's own number. `reached`: the
    arm was held to the level; otherwise it sends fewer of itself."""

    seed: int
    arm: str
    level: str
    reached: bool
    mean_sends: float
    ours: Score
    worlds: Score
    harm: float
    early: int
    recovered: Sequence[float]
    amount: Sequence[float]
    net: Sequence[float]
    signature: str
    log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobDone:
    """`unlisted`: codes that no list has."""

    seed: int
    world: str
    orders: int
    customers: Customers
    levels: list[Level]
    curves: dict[str, list[Point]]
    unlisted: set[str]


def do(job: Job) -> JobDone:
    """Raises: WorldBroke."""
    with job.source.open(job.seed) as opened:
        ground = survey(opened.world, job.seed, opened.oracle, opened.forget)
        done = JobDone(
            job.seed,
            ground.hello.world,
            len(ground.orders),
            _customers(ground),
            [],
            {},
            ground.unlisted,
        )
        copies = count(1)
        targets = [(f"{target:g}", target) for target in job.options.targets]
        if any(CATALOGUE[name].knob == "price" for name in job.arms):
            mean_sends = _Player(ground, RETRY_2, job.options, copies).play().played.mean_sends
            targets.append((RETRY_2, mean_sends))
        for name in job.arms:
            player = _Player(ground, name, job.options, copies)
            done.levels.extend(player.at_levels(targets))
            done.curves[name] = player.curve()
        return done


@dataclass(frozen=True, slots=True)
class _Play:
    played: Played
    ours: Score
    worlds: Score
    log: tuple[str, ...]


@dataclass(slots=True)
class _Player:
    """Player of one arm on one ground; each play is a copy of the world under its own name."""

    ground: Ground
    name: str
    options: Options
    copies: Iterator[int]
    points: list[Point] = field(default_factory=list)
    by_knob: dict[float, _Play] = field(default_factory=dict)
    means: dict[float, float] = field(
        default_factory=dict
    )  # by length or price: of the sample, else of all
    own: _Play | None = None

    @property
    def entry(self) -> Entry:
        return CATALOGUE[self.name]

    def at_levels(self, targets: Sequence[tuple[str, float]]) -> list[Level]:
        own = self.own = self.play()
        levels = [self._level(OWN, own, reached=True)]
        for label, target in targets:
            if label == RETRY_2 and self.entry.knob != "price":
                continue
            if self.entry.knob == "price":
                found = self._priced(target)
            elif own.played.mean_sends <= target + CLOSE:
                found = own
            else:
                found = self._of_length(target, own.played)
            reached = abs(found.played.mean_sends - target) <= 2 * CLOSE
            levels.append(self._level(label, found, reached=reached))
        return levels

    def curve(self) -> list[Point]:
        if self.entry.knob == "length" and self.entry.cut:
            assert self.own is not None
            return cut_points(self.ground, self.own.played)
        return sorted(set(self.points), key=lambda point: point.sends)

    def play(self, length: float | None = None, price: float | None = None) -> _Play:
        """Raises: WorldBroke, also where the world's score is another than ours."""
        found = self._played(length, price, None)
        self.points.append(point_of(self.ground, found.played))
        return found

    def _played(
        self, length: float | None, price: float | None, only: Sequence[int] | None
    ) -> _Play:
        ground, options = self.ground, self.options
        copy = f"{self.name}/{next(self.copies)}"
        arm = self.entry.make(self._briefing(price))
        rows: list[str] = []
        own = length is None and price is None
        log = (
            (lambda row: rows.append(json.dumps(row if own else without_record(row))))
            if options.logged
            else None
        )
        if log is not None and own and isinstance(arm, EngineArm):
            log(model_row(copy, arm.model, arm.pricing))
        sends_max, hears = _sends_max(length, ground.seed), self.entry.hears
        if hears is None:
            played = play(ground, copy, arm, sends_max, only=only, log=log)
        else:
            played = NewsPlay(
                ground, copy, arm, sends_max, only, log, CardSends.refusal, hears=hears
            ).run()
        ours, worlds = own_score(ground, played), ground.world.end(copy)
        ground.forget(copy)
        check_scores(f"seed {ground.seed}, arm {self.name}", ours, worlds)
        return _Play(played, ours, worlds, tuple(rows))

    def _briefing(self, price: float | None = None) -> Briefing:
        ground, options = self.ground, self.options
        return Briefing(
            ground.hello,
            ground.history,
            ground.seed,
            price,
            options.policy,
            options.explore,
            options.holdout,
            ground.oracle,
        )

    def _of_length(self, target: float, own: Played) -> _Play:
        guess = length_guess(own.sends, target)
        return self.by_knob[search_length(self._mean_of_all, target, guess, self.means)]

    def _priced(self, target: float) -> _Play:
        first = max(float(self.ground.hello.costs.send), 1.0)
        if self.entry.first_price is not None:
            first = self.entry.first_price(self._briefing(), target)
        sample = self.ground.sample
        if sample is None:
            return self.by_knob[search_price(self._mean_of_all, target, first, self.means)]
        assert self.own is not None
        played = {knob: found.played for knob, found in self.by_knob.items()} | {
            OWN_KNOB: self.own.played
        }
        means = {knob: (one.mean_sends, one.mean_sends_of(sample)) for knob, one in played.items()}

        def search(mean: float, close: float) -> float:
            return search_price(of_sample, mean, first, self.means, close)

        def of_sample(price: float) -> float:
            return self._played(None, price, sample).played.mean_sends_of(sample)

        def of_all(price: float) -> tuple[float, float]:
            mean = self._mean_of_all(price)
            self.means[price] = self.by_knob[price].played.mean_sends_of(sample)
            return mean, self.means[price]

        found = search_by_sample(search, target, of_all, means)
        return self.own if found == OWN_KNOB else self.by_knob[found]

    def _mean_of_all(self, knob: float) -> float:
        priced = self.entry.knob == "price"
        found = self.by_knob[knob] = self.play(None, knob) if priced else self.play(knob)
        return found.played.mean_sends

    def _level(self, label: str, found: _Play, *, reached: bool) -> Level:
        ground, played = self.ground, found.played
        customers = max(ground.customer_of) + 1
        recovered, amount, net = (array("d", bytes(8 * customers)) for _ in range(3))
        rows = zip(
            ground.customer_of, ground.orders, played.days, net_of(ground, played), strict=True
        )
        for customer, order, days, worth in rows:
            net[customer] += worth
            if days is not None:
                recovered[customer] += 1
                amount[customer] += order.amount
        return Level(
            ground.seed,
            self.name,
            label,
            reached,
            played.mean_sends,
            found.ours,
            found.worlds,
            harm_share(ground, played),
            played.early,
            recovered,
            amount,
            net,
            played.signature,
            found.log,
        )


def _sends_max(length: float | None, seed: int) -> Callable[[WorldOrder], int | None]:
    return lambda order: None if length is None else length_of(length, seed, order.order_id)


def _customers(ground: Ground) -> Customers:
    customers = max(ground.customer_of) + 1
    orders, amounts = array("d", bytes(8 * customers)), array("d", bytes(8 * customers))
    for customer, order in zip(ground.customer_of, ground.orders, strict=True):
        orders[customer] += 1
        amounts[customer] += order.amount
    return Customers(orders, amounts)
