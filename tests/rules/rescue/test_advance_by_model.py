"""An advance by the engine's chance: the lower bound decides, and what was stored decides the same again."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each
from tests.rules.rescue.engine.ground import DECLINED, evidence, fridays, model

from recoup.rules.money.collection import CURRENT_COLLECTION, PERIOD
from recoup.rules.money.exposure import Limits
from recoup.rules.network.codes import read_decline
from recoup.rules.rescue.advance import AdvanceInputs, advance
from recoup.rules.rescue.advance_by_arm import advance_by_arm
from recoup.rules.rescue.advance_by_model import AskedModel, advance_by_model, charges_of
from recoup.rules.rescue.arm_terms import Arm, Known, Terms
from recoup.rules.rescue.arms import FALLBACKS, EngineAtHand, has_arm
from recoup.rules.rescue.engine.lower_bound import collected
from recoup.rules.rescue.engine.model import model_of
from recoup.rules.rescue.replay import UnknownVersion, decide_again

MODEL = model()
OPEN = Limits(10**12, 10**12, 10**12, 1, 10_000, "both")
NOW = DECLINED + timedelta(seconds=2)


def given_(code: str = "51", out_at: datetime | None = None, looks: Any = (), **more: Any) -> AskedModel:
    reading = read_decline(scheme="visa", source=None, code=code, text=None, advice=None, on=DECLINED.date())
    usual: dict[str, Any] = {
        "occasion": "unresolved" if out_at else "declined",
        "reading": reading,
        "units": 4590,
        "currency": "USD",
        "fee_units": 133,
        "limits": OPEN,
        "now": NOW,
    }
    facts = evidence(code, looks=looks).facts
    assert facts is not None
    return AskedModel(AdvanceInputs(**(usual | more)), facts, -300, out_at)


@given(
    code=st.sampled_from(("51", "05", "61", "91", "04", "N7", "9Z")),
    units=st.integers(1, 10**9),
    points=st.integers(0, 10_000),
    out=st.booleans(),
    weeks=st.integers(0, 8),
)
def test_it_is_decided_the_same_again_with_its_model_alone(
    code: str, units: int, points: int, out: bool, weeks: int
) -> None:
    asked = given_(
        code,
        DECLINED + timedelta(seconds=1) if out else None,
        fridays(weeks),
        units=units,
        limits=replace(OPEN, allowed_loss_basis_points=points),
    )
    decision = advance_by_model(asked, CURRENT_COLLECTION, MODEL)
    kept = json.loads(json.dumps({"features": asked.features(), "versions": decision.versions}))
    read = model_of(MODEL.to_json())
    assert decide_again(kept["features"], kept["versions"], {read.name: read}) == decision
    with pytest.raises(UnknownVersion, match=MODEL.name):
        decide_again(kept["features"], kept["versions"])
    assert (decision.verdict == "approve_now") == (decision.taken == "collect_later")
    assert all(reason.endswith(".") for reason in decision.reasons)


def test_the_lower_bound_is_what_is_risked_and_the_decision_says_so() -> None:
    asked = given_(looks=fridays(4))
    chance = collected(charges_of(asked, CURRENT_COLLECTION), asked.facts, -300, MODEL)
    least = 10_000 - int(chance.lower * 10_000)
    decision = advance_by_model(asked, CURRENT_COLLECTION, MODEL)
    assert decision.alternatives[0].chance == int(chance.lower * 10_000) / 10_000 < chance.mean
    assert (decision.versions["decider"], decision.versions["model"]) == ("advance-2", MODEL.name)
    assert f"{chance.mean:.1%}; answers that it rests on: 8." in decision.reasons[3]
    assert decision.verdict == "approve_now"
    strict = replace(asked.asked, fee_units=0, units=10_000, limits=replace(OPEN, allowed_loss_basis_points=least))
    assert advance_by_model(replace(asked, asked=strict), CURRENT_COLLECTION, MODEL).verdict == "approve_now"
    strict = replace(strict, limits=replace(OPEN, allowed_loss_basis_points=least - 1))
    refused = advance_by_model(replace(asked, asked=strict), CURRENT_COLLECTION, MODEL)
    assert (refused.verdict, refused.rules, refused.taken) == (
        "decline_at_once",
        ("declined", "expected_loss"),
        "decline",
    )


def test_what_lies_outside_the_model_is_said() -> None:
    asked = given_("9Z")
    asked = replace(asked, facts=replace(asked.facts, issuer="999999"))
    reasons = advance_by_model(asked, CURRENT_COLLECTION, MODEL).reasons
    assert "The issuer is new to the model." in reasons
    assert "The code is new to the model; its class is known." in reasons


@pytest.mark.parametrize(("code", "rule"), [("04", "hard_decline"), ("N7", "no_cure_by_waiting")])
def test_what_waiting_does_not_cure_is_not_advanced_whatever_the_model_says(code: str, rule: str) -> None:
    decision = advance_by_model(given_(code), CURRENT_COLLECTION, MODEL)
    assert (decision.rules[-1], decision.alternatives[0].chance) == (rule, 0.0)


def test_the_charges_are_those_of_the_collections_plan() -> None:
    for code in ("51", "05", "61", "91"):
        found = charges_of(given_(code), CURRENT_COLLECTION)
        assert 1 < len(found) <= 6
        assert all(NOW < one.at < NOW + PERIOD for one in found)
        assert [one.at for one in found] == sorted(one.at for one in found)
    out_at = DECLINED + timedelta(seconds=1)
    assert charges_of(given_("51", out_at), CURRENT_COLLECTION)[0] == (out_at, 0.5)
    assert [one.at for one in charges_of(given_("N7", out_at), CURRENT_COLLECTION)] == [out_at]


@each(
    ("arm", "stopped", "there", "by", "watched", "fallback"),
    [
        ("engine", False, True, MODEL.name, False, None),
        ("engine", True, True, None, False, "stopped"),
        ("engine", False, False, None, False, "model_stale"),
        ("shadow", False, True, None, True, None),
        ("ladder", False, True, None, False, None),
        ("holdout", False, True, None, False, None),
    ],
)
def test_the_decision_says_which_chance_it_was_made_by(
    arm: Arm, stopped: bool, there: bool, by: str | None, watched: bool, fallback: str | None
) -> None:
    asked, known = given_(), Known(Terms(3, "share", share=50, holdout=10), stopped)
    at_hand = EngineAtHand(MODEL if there else None, "" if there else "model_stale", lambda _: b"")
    done, beside = advance_by_arm(arm, known, asked, None, at_hand)
    assert (done.decision.versions["decider"], done.decision.versions["model"]) == ("advance-3", by)
    assert done.arm is not None
    assert (done.arm["arm"], done.arm["part"], done.arm.get("fallback")) == (arm, "decides", fallback)
    assert ("chance" in done.arm) == (there and not stopped), "kept in each arm, for orders of all vouch for a model"
    assert (beside is not None) == watched
    if beside is not None:
        assert (beside.decision.versions["model"], (beside.arm or {})["part"]) == (MODEL.name, "watches")
    if fallback:
        assert FALLBACKS[fallback] in done.decision.reasons
    if by is None:
        assert done.decision.verdict == advance(asked.asked, CURRENT_COLLECTION).verdict
        assert "facts" not in done.features


@each(
    ("kind", "setting", "has"),
    [
        ("mit_managed", "decline_and_reverse", True),
        ("mit_sync", "advance", True),
        ("cit_web", "advance", True),
        ("cit_callcenter", "advance", True),
        ("cit_web", "decline_and_reverse", False),
        ("stable", "advance", False),
    ],
)
def test_orders_of_waiting_customers_have_an_arm_where_they_may_be_advanced(kind: str, setting: str, has: bool) -> None:
    assert has_arm(kind, setting) is has
