"""A world behind the protocol, played twice on different customers: on some the engine decides with
draws and a comparison group, which gives the log that the back-test reads; on the others a policy
decides alone, and what it rescues there is what the back-test has to say. No order is played by
both.
"""

import hashlib
import json
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from recoup.backtest.rules.log_file import read_log
from recoup.backtest.rules.recorded import JudgedOrder
from recoup.backtest.rules.replay import EngineTarget, ScheduleTarget, Target
from recoup.backtest.rules.report import Judgement, judge
from recoup.engine.model import Model
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.policy import ENGINE_2, RETRY_2, Pricing
from recoup.policies.rules.terms import PolicyTerms
from recoup.rescue.rules.arms import DecisionRecord
from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import Ground, survey
from recoup_lab.compare.log import model_row
from recoup_lab.compare.seam import Briefing, Known
from recoup_lab.plug.program import Program
from recoup_lab.world.parameter_file import shipped

OURS = ("base", "folklore", "credit", "sparse", "hardening", "change", "outages")
OTHERS = ("salaried", "credit", "odd_jobs", "mixture")  # that somebody else wrote
LEARNED_ROWS = 16_000  # of the history; more teach little and take minutes
ORDERS_A_PAYER = 1.67  # about, in the base world
OTHERS_PAYERS = 900  # who have a declined payment, in a world of others as it is
EXPLORE = 0.1
ANSWER_SECONDS = 1_800.0


class Kind(NamedTuple):
    """`by`: who wrote it."""

    by: str
    name: str
    seed: int

    @property
    def title(self) -> str:
        return f"{self.by} {self.name} {self.seed}"


def kinds(count: int) -> list[Kind]:
    """One of each first; then again with other seeds."""
    each = [*(("ours", name) for name in OURS), *(("others", name) for name in OTHERS)]
    return [Kind(*each[place % len(each)], 11 + place // len(each)) for place in range(count)]


def command(kind: Kind, payers: int, folder: Path) -> str:
    """Of a program that has about so many payers with declined payments."""
    if kind.by == "others":
        factor = max(1, math.ceil(payers / OTHERS_PAYERS))
        larger = Path(__file__).parent / "larger_world.py"
        return shlex.join([sys.executable, str(larger), kind.name, str(factor), str(kind.seed)])
    text = shipped()[kind.name].read_text("utf-8")
    file = folder / f"{kind.name}.toml"
    if kind.name == "base":
        text = "[world]\n"
    file.write_text(
        text.replace("[world]\n", f"[world]\norders = {int(payers * ORDERS_A_PAYER)}\n", 1), "utf-8"
    )
    program = [
        sys.executable,
        "-m",
        "recoup.main",
        "lab",
        "world",
        "--world",
        str(file),
        "--seed",
        str(kind.seed),
    ]
    return shlex.join(program)


class TargetArm(EngineArm):
    """A policy that decides alone, asked as the engine is."""

    def __init__(self, briefing: Briefing, model: Model, target: Target) -> None:
        super().__init__(briefing, model)
        self.target = target

    def record(self, known: Known) -> DecisionRecord:
        evidence = self.evidence(known)
        return DecisionRecord(self.target.decide(evidence), evidence, {})


class Truth(NamedTuple):
    """The share that a policy's sends rescue of orders that are in no log; `error`: a standard
    error, by customer."""

    value: float
    error: float
    orders: int


@dataclass(slots=True)
class Plugged:
    """`logged`, `fresh`: customers by number."""

    kind: Kind
    ground: Ground
    model: Model
    logged: list[int]
    fresh: list[int]
    briefing: Briefing
    own: Target
    _places: dict[int, list[int]] = field(default_factory=dict)

    def places(self, customers: Sequence[int]) -> list[int]:
        """Of their orders."""
        if not self._places:
            for place, customer in enumerate(self.ground.customer_of):
                self._places.setdefault(customer, []).append(place)
        return sorted(place for customer in customers for place in self._places[customer])

    def log(self, *, explore: float = EXPLORE, holdout: float = 0.1) -> list[bytes]:
        """As `recoup lab compare --log` writes it, of one play."""
        arm = EngineArm(replace(self.briefing, explore=explore, holdout=holdout), self.model)
        about = {"seed": self.ground.seed, "level": "own"}
        lines = [json.dumps(about | model_row("engine/1", arm.model, arm.pricing)).encode()]

        def note(row: Mapping[str, Any]) -> None:
            lines.append(json.dumps(about | dict(row)).encode())

        play(self.ground, "engine/1", arm, only=self.places(self.logged), log=note)
        self.ground.forget("engine/1")
        return lines

    def truth(self, name: str, target: Target) -> Truth:
        places = self.places(self.fresh)
        return share_of(self.ground, places, self.rescued(name, target, places))

    def rescued(self, name: str, target: Target, places: Sequence[int]) -> list[bool]:
        """Which of those orders a policy's sends rescue."""
        found = set[str]()

        def note(row: Mapping[str, Any]) -> None:
            if "stored" in row and row["answer"] == "approved":  # by a send that the policy chose
                found.add(row["order"])

        play(self.ground, name, TargetArm(self.briefing, self.model, target), only=places, log=note)
        return [self.ground.orders[place].order_id in found for place in places]


def share_of(ground: Ground, places: Sequence[int], rescued: Sequence[float]) -> Truth:
    count, mean = len(places), sum(rescued) / len(places)
    sums: dict[int, float] = {}
    for place, yes in zip(places, rescued, strict=True):
        customer = ground.customer_of[place]
        sums[customer] = sums.get(customer, 0.0) + yes - mean
    return Truth(mean, math.sqrt(sum(one * one for one in sums.values())) / count, count)


def opened(kind: Kind, program: Program, logged: int, fresh: int) -> Plugged:
    """So many customers of each sort, or as many as there are, in proportion."""
    ground = survey(program, kind.seed)
    customers = range(max(ground.customer_of) + 1)
    share = min(1.0, len(customers) / (logged + fresh))
    taken = sorted(customers, key=lambda one: _place(kind, one))[: int((logged + fresh) * share)]
    first = int(logged * share)
    briefing = Briefing(ground.hello, ground.history, ground.seed)
    model = EngineArm(replace(briefing, history=ground.history[:LEARNED_ROWS])).model
    return Plugged(
        kind, ground, model, taken[:first], taken[first:], briefing, EngineTarget(model, ENGINE_2)
    )


def _place(kind: Kind, customer: int) -> bytes:
    return hashlib.sha256(f"{kind.title}/{customer}".encode()).digest()


def within_tries(model: Model, pricing: Pricing, tries: int) -> Target:
    return EngineTarget(
        model, pricing, InForce((Part("merchant", "", 1, PolicyTerms(tries=tries)),))
    )


def targets(world: Plugged) -> dict[str, Target]:
    """The engine without draws, the same with three tries at most, and the schedule that the
    comparison group keeps."""
    return {
        "engine": world.own,
        "three tries": within_tries(world.model, ENGINE_2, 3),
        "retry-2": ScheduleTarget(RETRY_2),
    }


def samples(orders: Sequence[JudgedOrder], payers: int) -> list[list[JudgedOrder]]:
    """Disjoint, of so many payers each, whoever was declined first."""
    found: dict[str, list[JudgedOrder]] = {}
    for one in orders:
        found.setdefault(one.facts.payer, []).append(one)
    drawn = sorted(found, key=lambda payer: hashlib.sha256(f"sample/{payer}".encode()).digest())
    parts = [drawn[first : first + payers] for first in range(0, len(drawn) - payers + 1, payers)]
    return [[one for payer in part for one in found[payer]] for part in parts]


def judged(lines: Sequence[bytes], target: Target, payers: int) -> list[Judgement]:
    """Of each sample, as `recoup backtest FILE` makes it."""
    read = read_log(lines, target, at_most=10**9)
    assert not read.refused
    return [
        judge(target.name, part, ENGINE_2.send_units, groups=False)
        for part in samples(read.orders, payers)
    ]
