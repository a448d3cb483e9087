"""The lifecycle as data: its rows are complete, reach every stage, and any walk of them keeps its
promises."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.kernel.problem import Problem
from recoup.orders.rules.faces import MEANINGS, STATUS_NAMES, face
from recoup.orders.rules.fold import State, fold
from recoup.orders.rules.lifecycle import (
    ENDED,
    FACTS,
    OPEN,
    STEPS,
    Stage,
    can,
    fact,
    possible,
    step,
)

KINDS = ("mit_managed", "mit_sync", "cit_web", "cit_callcenter", "stable")


def test_one_row_for_each_stage_and_happening() -> None:
    assert max(Counter((s.src, s.happening) for s in STEPS).values()) == 1
    assert max(Counter(f.happening for f in FACTS.values()).values()) == 1
    assert not {s.happening for s in STEPS} & {f.happening for f in FACTS.values()}


def test_the_stages_are_parted_into_new_open_and_ended() -> None:
    assert frozenset(Stage) == OPEN | ENDED | {Stage.NEW}
    assert not OPEN & ENDED


def test_every_stage_is_reached_from_new() -> None:
    reached, before = {Stage.NEW}, set[Stage]()
    while reached != before:
        before = set(reached)
        reached |= {s.dst for s in STEPS if s.src in reached}
    assert reached == set(Stage)


def test_every_open_stage_can_end() -> None:
    ending = set(ENDED)
    for _ in Stage:
        ending |= {s.src for s in STEPS if s.dst in ending}
    assert ending >= OPEN


def test_no_step_leaves_an_ended_order_or_stays_where_it_is() -> None:
    again = [s for s in STEPS if s.src in ENDED or s.src is s.dst or s.dst is Stage.NEW]
    late = [("collected", Stage.EXPIRED, Stage.COMPLETED)]  # on a chain, within the hour
    assert [(s.happening, s.src, s.dst) for s in again] == late


def test_every_happening_is_possible_somewhere_and_a_fact_never_before_the_order_exists() -> None:
    everywhere = {h for stage in Stage for h in possible(stage)}
    assert everywhere == {s.happening for s in STEPS} | {f.happening for f in FACTS.values()}
    assert all(f.stages and Stage.NEW not in f.stages for f in FACTS.values())


def test_every_end_without_payment_says_why() -> None:
    assert all(s.reason for s in STEPS if s.dst in ENDED and s.dst is not Stage.COMPLETED)
    assert not [s for s in STEPS if s.reason and s.dst not in ENDED]


def test_step_and_fact_answer_exactly_the_rows() -> None:
    for stage in Stage:
        for name in {s.happening for s in STEPS}:
            assert can(stage, name) == any(s.src is stage and s.happening == name for s in STEPS)
            if can(stage, name):
                assert step(stage, name).src is stage
            else:
                with pytest.raises(Problem) as refused:
                    step(stage, name)
                assert refused.value.code == "wrong_state"
        for row in FACTS.values():
            if stage in row.stages:
                assert fact(stage, row.happening) is row
            else:
                with pytest.raises(Problem):
                    fact(stage, row.happening)


# faces
# --------------------------------------------------------------------------------------------------


def test_faces_cover_every_stage_and_kind() -> None:
    for stage in OPEN | ENDED:
        for kind in KINDS:
            for refunded in (0, 1, 100):
                for disputed in (False, True):
                    shown = face(
                        stage, kind, 100, refunded if stage is Stage.COMPLETED else 0, disputed
                    )
                    assert shown.status in STATUS_NAMES
                    assert shown.status in MEANINGS


def test_every_status_is_some_orders_face() -> None:
    every = product(OPEN | ENDED, (0, 50, 100), (False, True))
    shown = {
        face(stage, "mit_managed", 100, refunded, disputed).status
        for stage, refunded, disputed in every
    }
    assert shown == set(STATUS_NAMES)


def test_disputed_goes_before_returned_and_that_before_the_rest() -> None:
    assert face(Stage.COMPLETED, "mit_managed", 100, 100, True).status == 8
    assert face(Stage.COMPLETED, "mit_managed", 100, 100, False).status == 6
    assert face(Stage.COMPLETED, "mit_managed", 100, 99, False).status == 7


# walks
# --------------------------------------------------------------------------------------------------


@dataclass
class Walked:
    """A line, as the log has it."""

    seq: int
    happening: str
    src: str
    dst: str
    body: Mapping[str, Any]


@dataclass
class Model:
    """What an order does, said once more and apart from `fold`."""

    units: int
    stage: Stage = Stage.NEW
    approved: int = 0
    refunds: list[int] = field(default_factory=list)  # amounts that are not refused
    out: int = 0
    sent: int = 0
    late: list[int] = field(default_factory=list)
    disputes: list[int] = field(default_factory=list)  # amounts that are open or lost
    captured: bool = False
    given_back: int = 0  # of parts, with an end that is none of theirs
    collected: int = 0
    lines: list[Walked] = field(default_factory=list)

    def choices(self) -> list[str]:
        """Of the rows of this stage those that amounts allow; the rest is the move's to keep."""
        left = self.approved - sum(self.refunds)
        barred = {
            "refund_owed": left <= 0,
            "refund_refused": not self.refunds,
            "attempt_not_sent": not self.out,
            "attempt_declined": not self.out,
            "attempt_approved": not self.out,
            "approved_late": not self.out,
            "attempt_sent": bool(self.out),
            "reversed": not self.late,
            "dispute_won": not self.disputes,
        }
        return [name for name in possible(self.stage) if not barred.get(name, False)]

    def go(self, name: str, dice: random.Random) -> None:
        body: dict[str, Any] = {}
        src, left = self.stage, self.approved - sum(self.refunds)
        if can(src, name):
            self.stage = step(src, name).dst
            if step(src, name).books:
                self.approved = body["units"] = self.units
                self.captured = name in ("captured", "capture_ended", "parts_kept")
        if name == "refund_owed":
            body["units"] = dice.randint(1, left)
            self.refunds.append(body["units"])
        elif name == "refund_refused":
            body["units"] = self.refunds.pop(dice.randrange(len(self.refunds)))
        elif name == "attempt_sent":
            self.out, self.sent = 1, self.sent + 1
        elif name in ("attempt_not_sent", "attempt_declined", "attempt_approved", "approved_late"):
            self.out = 0
            self.sent -= name == "attempt_not_sent"
            if name == "approved_late":
                self.late.append(self.units)
        elif name == "reversed":
            body["units"] = self.late.pop()
        elif name == "part_collected":
            body["units"] = dice.randint(1, self.units)
            self.collected += body["units"]
        elif name == "dispute_opened":
            body["units"] = dice.randint(1, self.units)
            self.disputes.append(body["units"])
        elif name == "dispute_won":
            body["units"] = self.disputes.pop(dice.randrange(len(self.disputes)))
        if self.stage in ENDED:
            self.given_back += 0 if self.stage is Stage.COMPLETED else self.collected
            self.collected = 0
        self.lines.append(Walked(len(self.lines) + 1, name, src, self.stage, body))


@given(
    seed=st.integers(0, 2**32),
    units=st.integers(1, 10**9),
    length=st.integers(1, 60),
    kind=st.sampled_from(KINDS),
)
def test_any_walk_of_possible_rows(seed: int, units: int, length: int, kind: str) -> None:
    dice, model = random.Random(seed), Model(units)
    for _ in range(length):
        choices = model.choices()
        assert choices or model.stage in ENDED
        if not choices:
            break
        model.go(dice.choice(choices), dice)
        state = fold(model.lines)
        assert 0 <= state.refunded_units - model.given_back <= state.approved_units <= units
        assert state == State(
            version=len(model.lines),
            stage=model.stage,
            approved_units=model.approved,
            refunded_units=sum(model.refunds) + model.given_back,
            attempts=model.sent,
            reversed_units=state.reversed_units,
            reason=state.reason,
            disputed_units=sum(model.disputes),
            is_captured=model.captured,
            collected_units=model.collected,
        )
        steps = {(s.happening, s.src): s for s in STEPS}
        reasons = [
            steps[key].reason
            for line in model.lines
            if (key := (line.happening, Stage(line.src))) in steps
        ]
        assert state.reason == next((r for r in reversed(reasons) if r), None)
        paid, disputed = model.stage is Stage.COMPLETED, state.disputed_units > 0
        shown = face(model.stage, kind, units, state.refunded_units, disputed)
        assert (shown.status == 8) == (paid and disputed)
        assert (shown.status == 6) == (paid and not disputed and state.refunded_units == units)
        assert (shown.outcome == "APPROVED") == (state.approved_units > 0)


@given(seed=st.integers(0, 2**32), cut=st.integers(0, 30))
def test_a_log_with_a_gap_or_another_start_is_no_walk(seed: int, cut: int) -> None:
    dice, model = random.Random(seed), Model(100)
    while len(model.lines) < 12 and model.choices():
        model.go(dice.choice(model.choices()), dice)
    if len(model.lines) < 3:
        return
    missing = cut % (len(model.lines) - 1)
    with pytest.raises(ValueError, match="does not follow"):
        fold(model.lines[:missing] + model.lines[missing + 1 :])
