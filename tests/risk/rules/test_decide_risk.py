"""The risk check decides by what it knows, the same again from what it stored, and nobody's name
alone declines."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.risk.rules.decide import RiskInput, answer_of, decide_risk, exemption_of
from recoup.risk.rules.facts import (
    NAMES,
    RiskFacts,
    Seen,
    avs_of,
    cvv_of,
    is_authenticated,
)
from recoup.risk.rules.learn import FRAUDS_MIN, learned
from recoup.risk.rules.score import risk_of, terms_of
from recoup.risk.rules.weights import PRIOR
from recoup.risk.rules.words import _COUNTED, _TERMS
from recoup.terms.rules.costs import Costs, expected, usual_costs
from recoup.webhooks.rules.replay import decide_again

COUNT_MAX = 50
counts = st.integers(0, COUNT_MAX)
checks = st.sampled_from(("match", "partial", "mismatch", "unknown"))
facts = st.builds(
    RiskFacts,
    st.integers(1, 10**15),
    st.sampled_from(("USD", "JPY", "KWD")),
    st.none() | st.integers(0, 10**15),
    st.dictionaries(st.sampled_from(NAMES), st.builds(Seen, counts, counts, counts, counts)),
    checks,
    checks,
    st.sampled_from(("", "fraud_suspected", "insufficient_funds", "bad_cvv", "do_not_honor")),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 20),
    st.sampled_from(("unknown", "low", "elevated", "high", "strange")),
)
inputs = st.builds(
    lambda known, may, arm: RiskInput.of(
        known, PRIOR, usual_costs(known.currency), may_challenge=may, arm=arm
    ),
    facts,
    st.booleans(),
    st.sampled_from(("engine", "ladder", "holdout", "shadow")),
)
BAD = RiskFacts(
    24_000,
    "USD",
    4_000,
    {"ip": Seen(6, 9, 12, 5), "card": Seen(1, 4, 4)},
    "mismatch",
    "mismatch",
    shipped_abroad=True,
)


def asked(known: RiskFacts, *, may_challenge: bool = True) -> RiskInput:
    return RiskInput.of(known, PRIOR, usual_costs("USD"), may_challenge=may_challenge, arm="engine")


@given(inputs)
def test_it_decides_the_same_again(one: RiskInput) -> None:
    decision = decide_risk(one)
    kept = json.loads(json.dumps({"features": one.features(), "versions": decision.versions}))
    assert decide_again(kept["features"], kept["versions"]) == decision
    assert decision.taken in {other.name for other in decision.alternatives}
    assert all(reason.endswith(".") for reason in decision.reasons)
    assert len(decision.reasons) <= 12


@given(inputs)
def test_the_answer_is_the_cheapest_or_kinder(one: RiskInput) -> None:
    costs = expected(one.costs, risk_of(one.held), one.facts.units)
    taken = answer_of(one)
    assert taken != "challenge" or one.may_challenge
    if taken == "decline":
        assert costs["decline"] <= costs["approve"]


@given(facts, st.sampled_from(("payer", "address")), counts)
def test_what_a_stranger_can_type_alone_declines_nobody(
    known: RiskFacts, name: str, cards: int
) -> None:
    """Whoever enters another's e-mail or address a hundred times raises its counts, and declines
    none of its orders."""
    plain = replace(
        known,
        seen={
            other: seen for other, seen in known.seen.items() if other not in ("payer", "address")
        },
    )
    raised = replace(plain, seen={**plain.seen, name: Seen(COUNT_MAX, COUNT_MAX, COUNT_MAX, cards)})
    if answer_of(asked(raised)) == "decline":
        assert answer_of(asked(plain)) == "decline"


def test_plain_fraud_is_declined_and_a_known_customer_passes() -> None:
    assert answer_of(asked(BAD)) == "decline"
    assert (
        answer_of(asked(RiskFacts(5_000, "USD", 4_000, avs="match", cvv="match", paid_before=4)))
        == "approve"
    )
    doubtful = RiskFacts(5_000, "USD", 4_000, avs="mismatch", cvv="unknown", shipped_abroad=True)
    assert answer_of(asked(doubtful)) == "challenge"
    assert answer_of(asked(doubtful, may_challenge=False)) == "approve"


def test_terms_that_do_not_follow_from_the_facts_are_no_decision() -> None:
    one = asked(BAD)
    with pytest.raises(ValueError, match="not those of the facts"):
        decide_risk(replace(one, held={"base": -9_000}))


def test_each_term_has_words() -> None:
    for term in PRIOR.terms:
        name, _, kind = term.partition("_")
        assert term in _TERMS or (name in _COUNTED and kind[:3] in ("day", "car"))


@each("text", ["", None, " ", "NA", "🙂", "Y" * 400, "\x00", "N;DROP", "nn"])
def test_hostile_results_are_unknown(text: str | None) -> None:
    assert avs_of(text) == cvv_of(text) == "unknown"


def test_results_are_read() -> None:
    assert (avs_of("n"), avs_of("Z"), avs_of(" Y "), cvv_of("N"), cvv_of("m")) == (
        "mismatch",
        "partial",
        "match",
        "mismatch",
        "match",
    )
    assert is_authenticated({"ecommerce_indicator": "05"})
    assert is_authenticated({"ecommerceIndicator": "02"})
    assert not is_authenticated({"ecommerce_indicator": "07"})
    assert not is_authenticated(None)


def test_what_is_learned_moves_with_what_is_seen() -> None:
    """A term that never was fraud loses its weight, one that always was gains; too few frauds teach
    nothing."""
    harmless = [(("ip_cards_3",), False)] * 5_000
    bad = [(("shipped_abroad",), True)] * 200 + [(("shipped_abroad",), False)] * 50
    rest = [((), False)] * 20_000
    found = learned([*harmless, *bad, *rest], PRIOR, "x")
    assert found is not None
    assert found.terms["ip_cards_3"] < PRIOR.terms["ip_cards_3"]
    assert found.terms["shipped_abroad"] > PRIOR.terms["shipped_abroad"] + 1_000
    assert found.terms["foreign_card"] == PRIOR.terms["foreign_card"]
    assert found == learned([*rest, *bad, *harmless], PRIOR, "x")
    assert learned([*rest, *bad[: FRAUDS_MIN - 1]], PRIOR, "x") is None


def test_a_currency_without_a_fee_counts_none() -> None:
    assert usual_costs("XAF") == Costs(0)
    assert terms_of(RiskFacts(1, "XAF")) == ()


def test_an_exemption_is_claimed_only_where_nothing_speaks_against_the_payment() -> None:
    quiet = RiskFacts(4_000, "EUR", avs="match", cvv="match", paid_before=3)
    made = {"may_challenge": True, "arm": "engine", "claimable": "transaction_risk_analysis"}

    def claims(known: RiskFacts, **more: Any) -> str | None:
        given = RiskInput.of(known, PRIOR, usual_costs("EUR"), **made | more)
        decision = decide_risk(given)
        assert decide_again(json.loads(json.dumps(given.features())), decision.versions) == decision
        claimed = [
            rule.removeprefix("claims_") for rule in decision.rules if rule.startswith("claims_")
        ]
        assert claimed == [one for one in [exemption_of(given)] if one]
        return exemption_of(given)

    assert claims(quiet) == "transaction_risk_analysis"
    assert claims(quiet, claimable="low_value") == "low_value"
    assert claims(quiet, claimable=None) is None
    assert claims(quiet, arm="shadow") is None, "who only watches takes on no liability"
    for other in (
        {"foreign_card": True},
        {"avs": "partial"},
        {"processor_risk": "elevated"},
        {"authenticated": True},
        {"decline": "sca_required"},
        {"decline": "fraud_suspected"},
        {"paid_before": 0, "avs": "unknown"},
    ):
        assert claims(replace(quiet, **other)) is None, other  # type: ignore[arg-type]
