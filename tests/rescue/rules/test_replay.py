"""Every decider decides the same again from what it stored, and what it stored says nothing of
people."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ground import evidence, fridays, model
from tests.rings import each

from recoup.engine.decide import decide as decide_by_model
from recoup.engine.model import model_of
from recoup.networks.codes import code_of, read_decline
from recoup.networks.limits import Allowed, Send, Tally, Wish, tallies
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.snapshot import Attempt
from recoup.policies.rules.policy import ENGINE_2
from recoup.rescue.rules.by_hand import GateWord, HandInput, PlanBefore, decide_by_hand
from recoup.rescue.rules.charge import ChargeInput, plan_charge
from recoup.rescue.rules.gate import Block, GateInput, ask_gate, gate
from recoup.rescue.rules.signal import SignalInput, decide_by_signal
from recoup.terms.rules.collection import (
    COLLECTION_POLICIES,
    CURRENT_COLLECTION,
    CollectionPolicy,
    Plan,
)
from recoup.webhooks.rules.replay import DECIDERS, UnknownVersion, decide_again

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
moments = st.integers(-5_000_000, 5_000_000).map(
    lambda seconds: NOW + timedelta(seconds=seconds, microseconds=17)
)
names = st.sampled_from(("sandbox", "bridge", "b", "ü"))
tally = st.builds(
    Tally,
    st.sampled_from(("visa-reattempt-30d", "mc-advice-24")),
    st.booleans(),
    st.sampled_from((None, 24.0, 720.0)),
    st.integers(0, 35),
    st.integers(0, 40),
    st.none() | moments,
)
gate_inputs = st.builds(
    GateInput,
    st.sampled_from(("visa", "mastercard", "generic")),
    st.sampled_from(("world", "brazil")),
    st.sampled_from(("merchant", "customer")),
    moments,
    st.lists(tally, max_size=4).map(tuple),
    st.lists(
        st.builds(Block, st.sampled_from(("card", "customer", "other")), st.none() | moments),
        max_size=2,
    ).map(tuple),
    st.booleans(),
    st.none() | moments,
)
hand_inputs = st.builds(
    HandInput,
    st.sampled_from(
        (
            "attempt_now",
            "new_card",
            "renewed_card",
            "customer_answer",
            "sandbox_answer",
            "charge_now",
        )
    ),
    st.sampled_from(
        ("user:0199aa00-0000-7000-8000-000000000001", "payer:page", "operator:sandbox")
    ),
    moments,
    st.none()
    | st.builds(
        PlanBefore, moments, st.sampled_from(("funds", "soft")), st.none() | st.uuids().map(str)
    ),
    st.none()
    | st.builds(GateWord, st.sampled_from(("", "visa-reattempt-30d")), st.none() | moments),
    st.booleans(),
)
readings = st.sampled_from(("51", "05", "61", "91", "04", "N7", "65")).map(
    lambda code: read_decline(
        scheme="visa", code=code_of(None, code), text=None, advice=None, on=NOW.date()
    )
)
signal_inputs = st.builds(
    SignalInput,
    readings,
    moments,
    moments,
    moments,
    st.builds(
        PlanBefore, moments, st.sampled_from(("funds", "soft")), st.none() | st.uuids().map(str)
    ),
    st.builds(GateWord, st.sampled_from(("", "visa-reattempt-30d")), st.none() | moments),
    st.integers(-720, 840),
    st.sampled_from((None, "engine", "ladder", "holdout", "shadow")),
    st.booleans(),
)
charge_inputs = st.builds(
    ChargeInput,
    readings,
    st.integers(1, 10**12),
    st.sampled_from(("USD", "JPY")),
    st.integers(0, 9),
    moments,
    moments,
    moments,
    st.integers(-720, 840),
)


def again(features: dict[str, Any], decision: Decision) -> Decision:
    """From what the database keeps of it."""
    kept = json.loads(json.dumps({"features": features, "versions": decision.versions}))
    return decide_again(kept["features"], kept["versions"])


@given(asked=gate_inputs)
def test_the_gate_decides_the_same_again(asked: GateInput) -> None:
    decision = gate(asked)
    assert again(asked.features(), decision) == decision
    assert (decision.verdict == "allow") == isinstance(ask_gate(asked), Allowed)
    assert (decision.verdict == "postpone") == bool(decision.plan)
    assert all(reason.endswith(".") for reason in decision.reasons)


@given(asked=hand_inputs)
def test_what_somebody_asked_for_is_decided_the_same_again(asked: HandInput) -> None:
    decision = decide_by_hand(asked)
    assert again(asked.features(), decision) == decision
    assert decision.plan == (() if asked.stopped else (asked.now,))


@given(asked=signal_inputs)
def test_what_a_signal_changed_is_decided_the_same_again(asked: SignalInput) -> None:
    decision = decide_by_signal(asked)
    assert again(asked.features(), decision) == decision
    assert (decision.verdict == "attempt_now") == bool(decision.plan)
    assert all(reason.endswith(".") for reason in decision.reasons)


GOOD_SIGNAL = SignalInput(
    read_decline(scheme="visa", code=code_of(None, "51"), text=None, advice=None, on=NOW.date()),
    NOW - 2 * HOUR,
    NOW - HOUR / 2,
    NOW,
    PlanBefore(NOW + DAY, "funds", None),
    GateWord(),
    120,
    "engine",
)


@each(
    ("more", "rule"),
    [
        ({}, "within_limits"),
        ({"arm": None}, "within_limits"),
        ({"arm": "ladder"}, "comparison_group"),
        ({"arm": "holdout"}, "comparison_group"),
        ({"drawn": True}, "drawn"),
        ({"before": PlanBefore(NOW, "funds", None)}, "due_already"),
        ({"last_at": NOW - HOUR / 2}, "not_newer"),
        ({"approved_at": NOW - HOUR, "last_at": NOW - DAY}, "within_limits"),
        ({"approved_at": NOW - HOUR - HOUR / 60, "last_at": NOW - DAY}, "stale"),
        ({"last_at": NOW - HOUR * 0.9}, "gap"),
        ({"utc_offset": 720}, "night"),
        ({"utc_offset": -240}, "night"),
        ({"gate": GateWord("visa-reattempt-30d")}, "gate_refuses"),
        (
            {
                "reading": read_decline(
                    scheme="visa", code=code_of(None, "04"), text=None, advice=None, on=NOW.date()
                )
            },
            "no_cure_by_waiting",
        ),
        (
            {
                "reading": read_decline(
                    scheme="mastercard",
                    code=code_of(None, "51"),
                    text=None,
                    advice="24",
                    on=NOW.date(),
                ),
                "last_at": NOW - 0.9 * HOUR,
            },
            "network_wait",
        ),
    ],
)
def test_a_signal_changes_nothing_that_a_limit_a_wait_or_a_comparison_holds(
    more: dict[str, Any], rule: str
) -> None:
    decision = decide_by_signal(replace(GOOD_SIGNAL, **more))
    assert decision.rules == ("approved_elsewhere", rule)
    assert (decision.verdict == "attempt_now") == (rule == "within_limits")


@given(asked=charge_inputs)
def test_a_charge_is_decided_the_same_again(asked: ChargeInput) -> None:
    for policy in COLLECTION_POLICIES.values():
        decision = plan_charge(asked, policy)
        assert again(asked.features(), decision) == decision
        assert (decision.verdict == "write_off") == (not decision.plan)
        assert all(asked.now < due < asked.until for due in decision.plan)


def test_the_policy_decides_when_a_charge_is_due() -> None:
    reading = read_decline(
        scheme="visa", code=code_of(None, "91"), text=None, advice=None, on=NOW.date()
    )
    asked = ChargeInput(reading, 4590, "USD", 0, NOW, NOW, NOW + 30 * DAY, 0)
    later = CollectionPolicy(
        "collect-x", CURRENT_COLLECTION.plans | {"technical": Plan("after_wait", (DAY,), 1)}, 1
    )
    assert plan_charge(asked, CURRENT_COLLECTION).plan == (NOW + HOUR,)
    assert (plan_charge(asked, later).plan, plan_charge(asked, later).versions["policy"]) == (
        (NOW + DAY,),
        "collect-x",
    )
    assert plan_charge(replace(asked, made=1), later).rules == ("plan_used_up",)
    assert plan_charge(replace(asked, until=NOW + HOUR), later).rules == ("time_over",)


@each(
    ("more", "verdict", "rule"),
    [
        ({}, "postpone", "visa-reattempt-30d"),
        ({"before": NOW + HOUR}, "refuse", "visa-reattempt-30d"),
        ({"before": NOW + 40 * DAY}, "postpone", "visa-reattempt-30d"),
        ({"may_wait": False}, "refuse", "visa-reattempt-30d"),
        ({"blocks": (Block("card", None),)}, "refuse", "blocked"),
        ({"blocks": (Block("card", NOW - HOUR),), "tallies": ()}, "allow", "within_limits"),
    ],
)
def test_what_the_gate_says_of_a_card_whose_allowance_is_used_up(
    more: dict[str, Any], verdict: str, rule: str
) -> None:
    sends = [Send(NOW - n * HOUR, 4590, "USD", "merchant", "acceptor", "0") for n in range(20)]
    found = tallies(
        "visa",
        sends,
        NOW,
        Wish(
            units=4590,
            currency="USD",
            initiator="merchant",
            acceptor_id="acceptor",
            merchant_id="0",
        ),
    )
    asked = GateInput("visa", "world", "merchant", NOW, found)
    decision = gate(replace(asked, **more))
    assert (decision.verdict, decision.rules) == (verdict, (rule,))
    if verdict == "postpone":
        assert decision.plan == (NOW - 19 * HOUR + 30 * DAY,)
    if rule == "visa-reattempt-30d":
        assert "20 attempts of 20 in 30 days are counted." in decision.reasons


def test_the_gate_stores_how_many_sends_there_were_and_never_whose() -> None:
    sends = [
        Send(NOW, 12_345, "USD", "merchant", "their acceptor", "another merchant")
        for _ in range(20)
    ]
    found = tallies(
        "visa",
        sends,
        NOW,
        Wish(
            units=12_345,
            currency="USD",
            initiator="merchant",
            acceptor_id="their acceptor",
            merchant_id="ours",
        ),
    )
    stored = json.dumps(GateInput("visa", "world", "merchant", NOW, found).features())
    assert '"counted": 20' in stored
    assert not [word for word in ("another merchant", "12345", "their acceptor") if word in stored]


def _tried(number: int, route: str | None, state: str, klass: str | None = None) -> Attempt:
    return Attempt(
        attempt_id=None,
        order_id=None,
        attempt_no=number,
        state=state,
        ladder="soft",
        due_at=NOW,
        units=1,
        asset="USD",
        initiator="merchant",
        route=route,
        closed_at=NOW,
        klass=klass,
    )  # type: ignore[arg-type]


def test_the_engine_decides_the_same_again_with_its_model_alone() -> None:
    made, given = model(), evidence(looks=fridays(3), explore=0.1, draw=0.97)
    decision = decide_by_model(given, ENGINE_2, made)
    kept = json.loads(json.dumps({"features": given.features(), "versions": decision.versions}))
    read = model_of(made.to_json())
    assert decide_again(kept["features"], kept["versions"], {read.name: read}) == decision
    other = model(generic=0.9)
    with pytest.raises(UnknownVersion, match=made.name):
        decide_again(kept["features"], kept["versions"], {other.name: other})


@pytest.mark.parametrize(
    "versions",
    [
        {"decider": "gate-0", "policy": None},
        {"decider": "charge-1", "policy": None},
        {"decider": "gate-1", "policy": "retry-2"},
    ],
)
def test_what_never_decided_is_not_decided_again(versions: dict[str, Any]) -> None:
    with pytest.raises(UnknownVersion):
        decide_again({}, versions)


@each("decider", DECIDERS)
def test_features_of_nothing_are_told_apart(decider: str) -> None:
    policies, decides = DECIDERS[decider]
    decide: Callable[[dict[str, Any], Any, Any], Decision] = decides
    with pytest.raises((KeyError, TypeError, ValueError)):
        decide({}, next(iter(policies.values())), model())
