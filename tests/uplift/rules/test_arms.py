"""Who decides about an order: shares come out, nobody moves between the ends, and what is stored
decides again."""

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.ground import DECLINED, evidence, fridays, model
from tests.policies_drawn import in_force

from recoup.engine.model import Model
from recoup.engine.rhythms import RHYTHMS
from recoup.orders.rules.decision import Offered
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import CURRENT
from recoup.policies.rules.terms import ARMS
from recoup.rescue.rules.arms import EngineAtHand, decide_by_arm
from recoup.rescue.rules.decide import decide
from recoup.rescue.rules.evidence import Evidence
from recoup.terms.rules.arm_terms import Arm, Known, Mode, Terms, arm_of, cut, narrowed, place_of

MODEL = model()
TERMS = Terms(3, "share", share=60, holdout=10, explore=10)
PLACES_OF = [place_of(hashlib.sha256(b"payer %d" % number).digest()) for number in range(10_000)]


def at_hand(found: Model | None = MODEL, why: str = "") -> EngineAtHand:
    return EngineAtHand(found, why, lambda text: hashlib.sha256(b"order" + text.encode()).digest())


def arms(terms: Terms) -> list[Arm | None]:
    return [arm_of(terms, place) for place in PLACES_OF]


@pytest.mark.parametrize(("share", "holdout"), [(60, 10), (5, 30), (90, 10), (0, 50), (100, 0)])
def test_shares_come_out_over_ten_thousand_customers(share: int, holdout: int) -> None:
    found = Counter(arms(Terms(1, "share", share, holdout)))
    assert found["engine"] == pytest.approx(share * 100, abs=200)
    assert found["holdout"] == pytest.approx(holdout * 100, abs=200)
    assert found["ladder"] == 10_000 - found["engine"] - found["holdout"]


@settings(max_examples=30)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_the_comparison_group_stays_when_the_share_moves(
    holdout: int, share: int, later: int
) -> None:
    before, after = (arms(Terms(1, "share", one, holdout)) for one in sorted((share, later)))
    for was, now in zip(before, after, strict=True):
        assert (was == "holdout") is (now == "holdout")
        assert (
            was != "engine" or now == "engine"
        )  # whom the engine has it keeps while its share grows


@given(
    in_force(), st.sampled_from(["off", "shadow", "share"]), st.integers(0, 50), st.integers(0, 50)
)
def test_what_policies_leave_is_within_each_and_moves_nobody_into_the_comparison_group(
    within: InForce, mode: Mode, share: int, holdout: int
) -> None:
    of = Terms(1, mode, share, holdout)
    left = narrowed(of, within)
    bounds = [one.terms for one in within.parts]
    named = [one.arm for one in bounds if one.arm is not None]
    assert all(ARMS.index(left.mode) <= ARMS.index(arm) for arm in named)  # type: ignore[arg-type]
    assert left.mode == min([mode, *named], key=ARMS.index)  # type: ignore[arg-type]
    if left.mode == "share":
        assert left.share == min([share, *(one.share for one in bounds if one.share is not None)])
        pairs = set(zip(arms(of), arms(left), strict=True))
        assert pairs <= {(one, one) for one in ("engine", "ladder", "holdout")} | {
            ("engine", "ladder")
        }
    shown = cut(of, within)
    assert (shown is None) is (left == of)
    assert shown is None or shown.terms == left and shown.by


def test_off_gives_no_arm_and_shadow_all_the_same() -> None:
    assert set(arms(Terms(1))) == {None}
    assert set(arms(Terms(1, "shadow", 60, 10))) == {"shadow"}


def test_the_engine_decides_in_its_arm_alone() -> None:
    known = evidence(looks=fridays(5))
    done, watched = decide_by_arm("engine", Known(TERMS), known, at_hand())
    assert (done.decision.versions["decider"], done.arm["part"], watched) == (
        "engine-1",
        "decides",
        None,
    )
    assert done.arm["chance"] > 0
    for arm, word in (("holdout", "comparison group (10 %)"), ("ladder", "60 % of the customers")):
        done, watched = decide_by_arm(arm, Known(TERMS), known, at_hand())  # type: ignore[arg-type]
        assert (done.decision.plan, watched) == (decide(known, CURRENT).plan, None)
        assert word in " ".join(done.decision.reasons)
        assert done.arm["chance"] > 0


def test_in_the_shadow_the_ladder_is_followed_and_both_are_kept() -> None:
    known = evidence(looks=fridays(5))
    done, watched = decide_by_arm("shadow", Known(replace(TERMS, mode="shadow")), known, at_hand())
    assert done.decision.versions["policy"] == CURRENT.version
    assert watched is not None
    assert (done.arm["part"], watched.arm["part"]) == ("decides", "watches")
    assert watched.decision.versions["decider"] == "engine-1"
    assert "the engine was in shadow mode" in " ".join(done.decision.reasons)


@pytest.mark.parametrize(
    ("stopped", "found", "why", "fallback"),
    [
        (True, MODEL, "", "stopped"),
        (False, None, "no_model", "no_model"),
        (False, None, "model_stale", "model_stale"),
        (False, None, "model_damaged", "model_damaged"),
    ],
)
def test_without_the_engine_the_ladder_decides_and_says_why(
    stopped: bool, found: Model | None, why: str, fallback: str
) -> None:
    known = evidence()
    done, watched = decide_by_arm("engine", Known(TERMS, stopped), known, at_hand(found, why))
    assert (done.decision.plan, watched) == (decide(known, CURRENT).plan, None)
    assert done.arm["fallback"] == fallback
    assert "so the fixed schedule applies" in " ".join(done.decision.reasons)


def test_what_has_come_due_under_a_stopped_engine_is_asked_of_the_ladder_anew() -> None:
    due = DECLINED + timedelta(hours=2)
    known = evidence(now=due, due_at=due)
    done, _ = decide_by_arm("engine", Known(TERMS, True), known, at_hand())
    assert done.decision.verdict == "plan"
    assert decide(Evidence.from_dict(done.evidence.features()), CURRENT).plan == done.decision.plan


@pytest.mark.parametrize(
    ("bounds", "units", "currency", "share"),
    [
        ({}, 10**9, "EUR", 0.1),
        ({"USD": 5000}, 5000, "USD", 0.1),
        ({"USD": 5000}, 5001, "USD", 0.0),
        ({"USD": 5000}, 1, "EUR", 0.0),
    ],
)
def test_nothing_is_drawn_above_an_amount(
    bounds: dict[str, int], units: int, currency: str, share: float
) -> None:
    known = evidence(units=units, currency=currency)
    done, _ = decide_by_arm("engine", Known(replace(TERMS, explore_max=bounds)), known, at_hand())
    assert done.evidence.facts is not None
    assert done.evidence.facts.explore == share
    drawn = [one.probability for one in done.decision.alternatives[1:] if isinstance(one, Offered)]
    assert any(drawn) is bool(share)


def test_nothing_is_drawn_for_the_last_free_send_nor_inside_an_advised_wait() -> None:
    last = evidence(sends_left=1)
    advised = evidence()
    advised = replace(
        advised, reading=replace(advised.reading, wait_by_rule=True, min_wait_hours=24.0)
    )
    done, _ = decide_by_arm("engine", Known(TERMS), last, at_hand())
    assert [one.probability for one in done.decision.alternatives if isinstance(one, Offered)][
        0
    ] == 1.0
    done, _ = decide_by_arm("engine", Known(TERMS), advised, at_hand())
    assert not [one for one in done.decision.alternatives if isinstance(one, Offered)]
    assert done.decision.plan[0] == advised.now + timedelta(hours=24)


def test_a_draw_is_repeated_and_named() -> None:
    """Asked again it is the same; the next decision draws anew; what was taken is among what was
    offered."""
    known, taken = evidence(looks=fridays(5)), Counter[bool]()
    for number in range(300):
        engine = EngineAtHand(
            MODEL, "", lambda text, n=number: hashlib.sha256(f"{n}/{text}".encode()).digest()
        )
        (done, _), (again, _) = (
            decide_by_arm("engine", Known(TERMS), known, engine) for _ in range(2)
        )
        assert done == again
        offers = {one.name: one for one in done.decision.alternatives if isinstance(one, Offered)}
        assert done.decision.taken is not None
        assert offers[done.decision.taken].probability > 0
        taken[done.decision.taken == done.decision.alternatives[0].name] += 1
    assert taken[False] == pytest.approx(30, abs=16)


def test_a_model_whose_numbers_break_does_not_stop_the_order() -> None:
    broken = Model(
        msgspec.structs.replace(model().learned, rhythms=((0.0,) * len(RHYTHMS),) * 2)
    )  # not checked
    done, _ = decide_by_arm("engine", Known(TERMS), evidence(), at_hand(broken))
    assert done.decision.verdict == "plan"
