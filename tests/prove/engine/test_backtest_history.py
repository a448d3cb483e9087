"""The back-test of a history without probabilities, in whole simulated worlds. Bounds are held
against what the policy rescues of the same payments; how far off a model is said to be, against how
far off it is at other customers' tries of the same time. `-s` shows the figures.

At full size, with `--timeout=0 -s`: `PROVE_PLUGGED=22`, two minutes a world.
"""

import hashlib
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.backtest.cli.test_backtest_history import intervals
from tests.prove import past, plugged

from recoup.backtest.flows.backtest_file import LEVELS_MAX, HistoryReport, backtest_history, turn_of
from recoup.backtest.flows.backtest_plain import history_plain
from recoup.backtest.rules.assuming import Narrowed
from recoup.backtest.rules.history import Bounds, Payment, cohort_of
from recoup.backtest.rules.model_word import (
    Calibration,
    Past,
    PastTry,
    calibrate,
    expectations_of,
    past_tries,
)
from recoup.backtest.rules.replay import EngineTarget, ScheduleTarget
from recoup.engine.learn import history_models
from recoup.engine.model import Model
from recoup.imports.rules.report import payments_of
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.policy import ENGINE_2, POLICIES
from recoup.policies.rules.terms import PolicyTerms
from recoup_lab.compare.arms.retry_2 import Retry2
from recoup_lab.compare.arms.schedules import SCHEDULES
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import survey
from recoup_lab.plug.program import Program

WORLDS = int(os.environ.get("PROVE_PLUGGED", "2"))
PAYERS = int(os.environ.get("PROVE_PAYERS", "600"))
RECORDED = int(os.environ.get("PROVE_RECORDED", "2400"))  # customers whose records are read
FULL = 100  # from so many bounds on, one in a hundred may miss
REGION = "world"
DONE = (
    "retry-2",
    "daily",
    "days-1-3-5-7",
    "8-in-2-weeks",
    "kill-bill",
)  # what the merchant's processor did


class Plan(NamedTuple):
    decider: str
    terms: PolicyTerms | None = None

    @property
    def within(self) -> InForce | None:
        return InForce((Part("merchant", "", 1, self.terms),)) if self.terms is not None else None


SCHEDULED = {
    "retry-1": Plan("retry-1"),
    "retry-2": Plan("retry-2"),
    "one try": Plan("retry-2", PolicyTerms(tries=1)),
    "two tries": Plan("retry-2", PolicyTerms(tries=2)),
    "a week": Plan("retry-2", PolicyTerms(last_day=7)),
}
ENGINE = {"engine": Plan("engine"), "engine, two tries": Plan("engine", PolicyTerms(tries=2))}


class Held(NamedTuple):
    """Bounds of some payments, and the share of them that the policy rescues."""

    report: HistoryReport
    bounds: Bounds
    truth: float

    @property
    def holds(self) -> bool:
        return self.bounds.at_least <= self.truth <= self.bounds.at_most

    @property
    def holds_of_payer(self) -> bool:
        """Where another charge of the card is taken for what an attempt beside it would have
        brought."""
        found = self.report.narrowed
        return found is not None and _between(found, self.truth)

    @property
    def width(self) -> float:
        return self.bounds.at_most - self.bounds.at_least

    def text(self) -> str:
        low, high, known = self.bounds
        known_of = f"{known} of {len(self.report.cohort.payments)} known"
        one, assuming = self.report.narrowed, ""
        if one is not None and one.at_least is not None:
            outside = "" if _between(one, self.truth) else " OUTSIDE"
            assuming = f"; payer {one.at_least:.1%} to {one.at_most:.1%}{outside}"
        told = (
            f"{low:.1%} to {high:.1%}, {known_of}; truth {self.truth:.1%} "
            f"{'' if self.holds else 'OUTSIDE'}"
        )
        return f"{told}{assuming}"


def _between(one: Narrowed, truth: float) -> bool:
    """Also where too much speaks against the assumption, so that nothing is said."""
    return one.at_least is None or one.at_most is None or one.at_least <= truth <= one.at_most


def _bounds(kind: plugged.Kind, number: int, folder: Path) -> Iterator[Held]:
    """Of two schedules that were kept, each asked about other policies; the engine about one of
    them."""
    with Program(plugged.command(kind, PAYERS, folder), seconds=plugged.ANSWER_SECONDS) as program:
        world = plugged.opened(kind, program, PAYERS, 0)
        orders = world.ground.orders
        places = {one.order_id: place for place, one in enumerate(orders)}
        logged = world.places(world.logged)
        for turn in range(2):
            done = DONE[(2 * number + turn) % len(DONE)]
            arm = past.Noted(
                Retry2() if done == "retry-2" else SCHEDULES[done], (orders[one] for one in logged)
            )
            play(world.ground, f"done/{done}", arm, only=logged)
            attempts = past.imported(arm.rows)
            for name, plan in (SCHEDULED | (ENGINE if turn == 0 else {})).items():
                model = {"own": world.model} if plan.decider not in POLICIES else {}
                with patch.object(history_models, "models_of", lambda *_, found=model: found):
                    report = backtest_history(attempts, plan.decider, plan.within, REGION)
                if report.lacking:
                    continue
                target = (
                    ScheduleTarget(POLICIES[plan.decider], plan.within)
                    if plan.decider in POLICIES
                    else EngineTarget(world.model, ENGINE_2, plan.within)
                )
                rescued = dict(
                    zip(logged, world.rescued(f"{done}/{name}", target, logged), strict=True)
                )
                cohort = [places[one[0].payment] for one in report.cohort.payments]
                assert report.bounds is not None
                held = Held(
                    report, report.bounds, sum(rescued[one] for one in cohort) / len(cohort)
                )
                print(f"{kind.title}, {done} was kept, {name}: {held.text()}", flush=True)
                yield held


def test_the_bounds_hold_what_a_policy_rescues_of_the_same_payments() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = [
            one
            for number, kind in enumerate(plugged.kinds(WORLDS))
            for one in _bounds(kind, number, Path(folder))
        ]
    missed = [one for one in found if not (one.holds and one.holds_of_payer)]
    narrow = [one for one in found if one.width <= 0.15]
    missed_narrow = sum(not one.holds for one in narrow)
    print(
        f"{len(found)} bounds, {len(missed)} miss the truth; of {len(narrow)} up to 15 points wide "
        f"{missed_narrow}"
    )
    for one in found:
        assert intervals(history_plain(one.report)) == ["/then"], "no interval but of what happened"
    assert len(missed) <= (0.01 * len(found) if len(found) >= FULL else 0)


def _judged(kind: plugged.Kind, folder: Path) -> tuple[Calibration, Calibration] | None:
    """Of a model that learned from the records of half the customers: at their tries, and at those
    of the others. None where the records are too few."""
    with Program(
        plugged.command(kind, RECORDED, folder), seconds=plugged.ANSWER_SECONDS
    ) as program:
        rows = past.scheduled(survey(program, kind.seed).history)
    own, others = (
        past.imported(row for row in rows if _half(row["customerId"]) == half) for half in (0, 1)
    )
    models, models_of = dict[str, Model](), history_models.models_of

    def kept(*asked: Any) -> Mapping[str, Model]:
        models.update(models_of(*asked))
        return models

    with patch.object(history_models, "models_of", kept):
        report = backtest_history(own, "retry-1", None, REGION)
    if report.calibration is None:
        return None
    expectation = expectations_of(models, _tries_of(payments_of(own), late=False, most=LEVELS_MAX))[
        history_models.OWN
    ]
    return report.calibration, calibrate(
        expectation, _tries_of(payments_of(others), late=True, most=len(others))
    )


def _tries_of(payments: Sequence[Payment], *, late: bool, most: int) -> list[PastTry]:
    cohort = cohort_of(payments)
    ordered = sorted((*cohort.payments, *cohort.open), key=turn_of)
    return past_tries(Past(payments, REGION), cohort, ordered, late=late, most=most)


def _half(customer: str) -> int:
    return hashlib.sha256(f"half/{customer}".encode()).digest()[0] % 2


def _chance(one: Calibration) -> float:
    """The variance that so few tries give to how far off a model is said to be."""
    tries = _tries(one)
    mean = sum(tenth.tries * tenth.observed for tenth in one.tenths) / tries
    return mean * (1.0 - mean) / tries


def _tries(one: Calibration) -> int:
    return sum(tenth.tries for tenth in one.tenths)


def test_a_model_is_as_far_off_as_is_said() -> None:
    """Within a point, beside what chance does; a point alone takes some 8,000 tries on
    either side."""
    apart, held = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in plugged.kinds(WORLDS):
            found = _judged(kind, Path(folder))
            if found is None:
                print(f"{kind.title}: too few records", flush=True)
                continue
            said, true = found
            apart.append(said.error - true.error)
            held += abs(apart[-1]) <= 0.01 + 1.645 * math.sqrt(_chance(said) + _chance(true))
            both = (
                f"said {said.error:.1%} at {_tries(said):,} tries, true {true.error:.1%} at "
                f"{_tries(true):,}"
            )
            print(f"{kind.title}: {both}", flush=True)
    within = sum(abs(one) <= 0.01 for one in apart)
    print(
        f"{within} of {len(apart)} within a point, {held} but for chance; {min(apart):+.1%} to "
        f"{max(apart):+.1%}"
    )
    assert held >= 0.9 * len(apart)
