"""An advance by a chance that closed orders vouch for."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ground import fridays
from tests.terms.rules.test_advance_by_model import DECLINED, MODEL, NOW, OPEN, given_

from recoup.engine.model import model_of
from recoup.orders.rules.decision import Decision
from recoup.risk.rules.advance import AdvanceInputs
from recoup.risk.rules.advance_by_bounds import advance_by_bounds, foreseen_by_model
from recoup.terms.rules.advance_bounds import TENTHS, WHOLE, HeldBounds, TenthBounds
from recoup.terms.rules.collection import CURRENT_COLLECTION
from recoup.webhooks.rules.replay import UnknownVersion, decide_again

UNTIL = NOW.date() - timedelta(days=35)


def table(collected: int = 9_000, payers: int = 100, lost: int = 1_000) -> TenthBounds:
    known = (payers >= 100,) * TENTHS
    return TenthBounds(
        (payers,) * TENTHS, (20,) * TENTHS, (collected,) * TENTHS, known, (lost,) * TENTHS
    )


def bounds(until: date = UNTIL, **more: Any) -> HeldBounds:
    return HeldBounds(4, until, table(**more))


def by_model(
    held: HeldBounds | None, code: str = "51", **more: Any
) -> tuple[AdvanceInputs, Decision]:
    asked = given_(code, looks=fridays(4), **more)
    given = replace(asked, bounds=held)
    return given, advance_by_bounds(given, CURRENT_COLLECTION, MODEL)


def by_prior(held: HeldBounds | None, **more: Any) -> Decision:
    return advance_by_bounds(given_(**more).by_prior(held), CURRENT_COLLECTION, None)


def chance(decision: Decision) -> float:
    found = decision.alternatives[0].chance
    assert found is not None
    return found


def test_a_model_that_too_few_closed_orders_vouch_for_advances_nothing() -> None:
    for held in (None, bounds(payers=99), bounds(until=NOW.date() - timedelta(days=121))):
        decision = by_model(held)[1]
        assert (decision.verdict, decision.rules[-1]) == ("decline_at_once", "too_few_closed")
    assert by_model(bounds(until=NOW.date() - timedelta(days=120)))[1].verdict == "approve_now"


def test_the_chance_is_never_above_what_was_collected_of_such_orders() -> None:
    asked = given_(looks=fridays(4))
    own = int(foreseen_by_model(asked, CURRENT_COLLECTION, MODEL).lower * WHOLE) / WHOLE
    assert chance(by_model(bounds(collected=9_999))[1]) == own
    assert chance(by_model(bounds(collected=1_234))[1]) == 0.1234 < own
    assert by_model(bounds(collected=1_234))[1].versions["bounds"] == "bounds-4"


def test_orders_like_it_may_lose_no_more_than_fee_and_allowed_loss() -> None:
    """A technical decline has a prior of 80 %: a loss of 20 %. A fee of 133 of 4590 is 2.89 %."""
    limits = replace(OPEN, allowed_loss_basis_points=2_000)
    for lost, verdict in ((2_289, "approve_now"), (2_290, "decline_at_once")):
        held = bounds(collected=WHOLE, lost=lost)
        decision = by_prior(held, code="91", units=4590, fee_units=133, limits=limits)
        assert decision.verdict == verdict
        assert decision.rules[-1] == (
            "within_limits" if verdict == "approve_now" else "loss_of_such_orders"
        )


def test_a_prior_that_closed_orders_disprove_is_lowered() -> None:
    assert chance(by_prior(bounds(collected=2_000))) == 0.2


def test_what_lies_outside_the_model_is_said() -> None:
    asked = given_("9Z")
    asked = replace(asked, facts=replace(asked.facts, issuer="999999"))
    reasons = advance_by_bounds(replace(asked, bounds=bounds()), CURRENT_COLLECTION, MODEL).reasons
    assert "The issuer is new to the model." in reasons
    assert "The code is new to the model; its class is known." in reasons


@pytest.mark.parametrize(("code", "rule"), [("04", "hard_decline"), ("N7", "no_cure_by_waiting")])
def test_what_waiting_does_not_cure_is_not_advanced(code: str, rule: str) -> None:
    assert by_model(bounds(), code)[1].rules[-1] == rule


@given(
    code=st.sampled_from(("51", "05", "61", "91", "04", "N7")),
    points=st.integers(0, 10_000),
    collected=st.integers(0, WHOLE),
    lost=st.integers(0, WHOLE),
    payers=st.integers(0, 100),
    known=st.booleans(),
    out=st.booleans(),
    learned=st.booleans(),
)
def test_it_is_decided_the_same_again_from_what_was_stored(
    code: str,
    points: int,
    collected: int,
    lost: int,
    payers: int,
    known: bool,
    out: bool,
    learned: bool,
) -> None:
    asked = given_(
        code,
        DECLINED + timedelta(seconds=1) if out else None,
        limits=replace(OPEN, allowed_loss_basis_points=points),
    )
    held = bounds(collected=collected, lost=lost, payers=payers) if known else None
    given = replace(asked, bounds=held) if learned else asked.by_prior(held)
    decision = advance_by_bounds(given, CURRENT_COLLECTION, MODEL if learned else None)
    kept = json.loads(json.dumps({"features": given.features(), "versions": decision.versions}))
    read = model_of(MODEL.to_json())
    assert (
        decide_again(kept["features"], kept["versions"], {read.name: read} if learned else {})
        == decision
    )
    if learned:
        with pytest.raises(UnknownVersion, match=MODEL.name):
            decide_again(kept["features"], kept["versions"])
    assert (decision.verdict == "approve_now") == (decision.taken == "collect_later")
    assert all(str(reason).endswith(".") for reason in decision.reasons)


@given(st.integers(0, WHOLE), st.integers(0, WHOLE), st.integers(0, 10_000))
def test_worse_bounds_never_advance_what_better_ones_refuse(
    first: int, second: int, points: int
) -> None:
    worse, better = sorted((first, second))
    limits = replace(OPEN, allowed_loss_basis_points=points)
    bad = by_model(bounds(collected=worse, lost=WHOLE - worse), limits=limits)[1]
    good = by_model(bounds(collected=better, lost=WHOLE - better), limits=limits)[1]
    assert bad.verdict == "decline_at_once" or good.verdict == "approve_now"
