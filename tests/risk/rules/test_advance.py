"""Whether the operator takes a risk: the expected-loss test in whole units, each refusal with its
reason and cure."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.codes import code_of, read_decline
from recoup.orders.rules.decision import Decision
from recoup.risk.rules.advance import AdvanceInputs, LossTest, loss_at
from recoup.risk.rules.advance_by_bounds import advance_by_prior
from recoup.terms.rules.collection import CURRENT_COLLECTION, chance_of
from recoup.terms.rules.exposure import Limits

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
OPEN = Limits(10**12, 10**12, 10**12, 1, 10_000, "both")


def advance(asked: AdvanceInputs) -> Decision:
    return advance_by_prior(asked, None).decision


def loss_test(asked: AdvanceInputs) -> LossTest:
    return loss_at(
        asked, chance_of(asked.reading, CURRENT_COLLECTION, out=asked.occasion == "unresolved")
    )


def asked(code: str = "51", **more: Any) -> AdvanceInputs:
    reading = read_decline(
        scheme="visa", code=code_of(None, code), text=None, advice=None, on=date(2026, 5, 4)
    )
    usual: dict[str, Any] = {
        "occasion": "declined",
        "reading": reading,
        "units": 4590,
        "currency": "USD",
        "fee_units": 133,
        "limits": OPEN,
        "now": NOW,
    }
    return AdvanceInputs(**(usual | more))


@given(
    units=st.integers(1, 10**12),
    fee=st.integers(0, 10**6),
    points=st.integers(0, 10_000),
    code=st.sampled_from(("51", "05", "61", "91")),
    occasion=st.sampled_from(("unresolved", "declined")),
    currency=st.sampled_from(("USD", "JPY", "KWD")),
)
def test_the_loss_is_rounded_up_and_what_is_allowed_down(
    units: int, fee: int, points: int, code: str, occasion: str, currency: str
) -> None:
    given_ = asked(
        code,
        units=units,
        fee_units=fee,
        occasion=occasion,
        currency=currency,
        limits=replace(OPEN, allowed_loss_basis_points=points),
    )
    test = loss_test(given_)
    exact = Fraction(units * (10_000 - test.chance), 10_000)
    assert exact <= test.expected_loss < exact + 1
    allowed = fee + Fraction(units * points, 10_000)
    assert allowed - 1 < test.allowed <= allowed
    decision = advance(given_)
    assert (decision.verdict == "approve_now") == (test.expected_loss <= test.allowed)
    kept = json.loads(json.dumps(given_.features()))
    assert advance(AdvanceInputs.from_dict(kept)) == decision


@each(
    ("more", "rule"),
    [
        ({"code": "04"}, "hard_decline"),
        ({"code": "04", "occasion": "unresolved"}, "hard_decline"),
        ({"code": "N7"}, "no_cure_by_waiting"),
        ({"limits": replace(OPEN, order_max_units=4589)}, "over_order_limit"),
        ({"limits": replace(OPEN, allowed_loss_basis_points=3710)}, "expected_loss"),
        ({"room": "no_exposure"}, "no_exposure"),
        ({"room": "customer_limit"}, "customer_limit"),
        ({}, "within_limits"),
        ({"limits": replace(OPEN, allowed_loss_basis_points=3711)}, "within_limits"),
    ],
)
def test_each_answer_says_why_and_what_would_have_changed_it(
    more: dict[str, Any], rule: str
) -> None:
    decision = advance(asked(**more))
    assert decision.rules[-1] == rule
    assert (decision.verdict == "approve_now") == (rule == "within_limits")
    assert all(reason.endswith(".") for reason in decision.reasons)
    late = any("had not answered in time" in reason for reason in decision.reasons)
    assert late == (more.get("occasion") == "unresolved")


def test_the_points_that_are_named_are_the_least_that_would_do() -> None:
    refused = advance(asked(limits=replace(OPEN, allowed_loss_basis_points=0)))
    points = int("".join(c for c in refused.reasons[-1] if c.isdigit()))
    assert (
        advance(asked(limits=replace(OPEN, allowed_loss_basis_points=points))).verdict
        == "approve_now"
    )
    assert (
        advance(asked(limits=replace(OPEN, allowed_loss_basis_points=points - 1))).verdict
        != "approve_now"
    )


def test_the_occasions_that_are_agreed_on() -> None:
    for agreed, covered in (
        ("unresolved", {"unresolved"}),
        ("soft_declines", {"declined"}),
        ("both", {"unresolved", "declined"}),
    ):
        limits = Limits(advance_on=agreed)  # type: ignore[arg-type]
        outcomes = ("unresolved", "declined")
        assert {o for o in outcomes if limits.covers(o)} == covered  # type: ignore[arg-type]
