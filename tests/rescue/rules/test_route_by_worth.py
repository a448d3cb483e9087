"""The choice among card routes: only what can carry a charge, the most worth first, the same again
from what is stored."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.orders.rules.snapshot import Attempt
from recoup.processors.rules.route_terms import (
    Candidate,
    Carried,
    RouteTerms,
    check_carried,
    why_not,
)
from recoup.rescue.rules.route_by_worth import (
    MILLION,
    TRICKLE,
    USUAL_CHANCE,
    Failure,
    WorthInput,
    chance_at,
    choose_route,
    chosen_route,
    failures_of,
    worth_at,
)
from recoup.webhooks.rules.replay import decide_again

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
CHARGE = Carried(4590, "USD", "visa", "US")
A, B = (Candidate(RouteTerms(name)) for name in "ab")
EUROS = RouteTerms("a", currencies=("EUR",))
STORED = Candidate(RouteTerms("a", stored=True))

codes = st.lists(st.sampled_from(("EUR", "USD", "JPY", "KWD")), max_size=2, unique=True).map(tuple)
terms = st.builds(
    RouteTerms,
    st.sampled_from("abcde"),
    acceptor=st.sampled_from(("", "one", "two")),
    cards=st.booleans(),
    stored=st.booleans(),
    countries=st.lists(st.sampled_from(("US", "DE")), max_size=2, unique=True).map(tuple),
    schemes=st.lists(st.sampled_from(("visa", "amex")), max_size=2, unique=True).map(tuple),
    currencies=codes,
    amount_min=st.none() | st.integers(0, 10**9),
    amount_max=st.none() | st.integers(0, 10**9),
    cost_share=st.integers(0, 99_000),
    cost_fixed=st.integers(0, 10**9),
)
candidates = st.builds(
    Candidate,
    terms,
    st.integers(0, 10**6),
    st.integers(0, 10**12),
    st.sampled_from(("closed", "open", "trickle")),
    st.booleans(),
)
charges = st.builds(
    Carried,
    st.integers(1, 10**8),
    st.sampled_from(("EUR", "USD", "JPY", "KWD")),
    st.sampled_from(("", "visa", "amex", "generic")),
    st.sampled_from(("", "US", "DE")),
    st.sampled_from(("card", "a", "b")),
)
failures = st.builds(
    Failure,
    st.sampled_from("abcdef"),
    st.integers(1, 40),
    st.just(NOW),
    st.sampled_from(("not_sent", "technical")),
)
inputs = st.builds(
    WorthInput,
    st.lists(candidates, max_size=5, unique_by=lambda one: one.terms.name).map(tuple),
    charges,
    st.lists(failures, max_size=4, unique_by=lambda one: one.route).map(tuple),
    st.integers(0, MILLION),
    st.integers(0, TRICKLE - 1),
    st.just(NOW),
)


def among(
    *routes: Candidate, charge: Carried = CHARGE, failed: tuple[Failure, ...] = (), draw: int = 5
) -> WorthInput:
    return WorthInput(routes, charge, failed, USUAL_CHANCE, draw, NOW)


def costing(one: Candidate, share: int = 0, fixed: int = 0) -> Candidate:
    return replace(one, terms=replace(one.terms, cost_share=share, cost_fixed=fixed))


def failing(route: str, how: str = "not_sent") -> Failure:
    return Failure(route, 1, NOW, "technical" if how == "technical" else "not_sent")


@given(inputs)
def test_a_stored_choice_is_made_the_same_again(asked: WorthInput) -> None:
    decision = choose_route(asked)
    kept = json.loads(json.dumps({"features": asked.features(), "versions": decision.versions}))
    assert decide_again(kept["features"], kept["versions"]) == decision
    assert decision.taken == chosen_route(asked)


@given(inputs)
def test_no_route_takes_what_it_cannot_carry_or_while_it_is_off(asked: WorthInput) -> None:
    taken = chosen_route(asked)
    able = {
        one.terms.name
        for one in asked.routes
        if not one.off and why_not(one.terms, asked.charge) is None
    }
    assert taken in able if able else taken is None


@given(inputs)
def test_none_that_has_just_failed_is_taken_while_another_is_reachable(asked: WorthInput) -> None:
    taken, against = chosen_route(asked), {one.route for one in asked.failures}
    fresh = [
        one.terms.name
        for one in asked.routes
        if not one.off and one.breaker == "closed" and why_not(one.terms, asked.charge) is None
        if one.terms.name not in against
    ]
    assert not fresh or taken not in against


@given(candidates, charges, st.integers(0, MILLION))
def test_the_chance_stays_one_and_more_approvals_never_lower_it(
    one: Candidate, charge: Carried, chance: int
) -> None:
    better = replace(one, approved=one.approved + 1)
    assert 0 <= chance_at(one, chance) <= chance_at(better, chance) <= MILLION
    assert worth_at(one, charge, chance) <= worth_at(better, charge, chance)


@given(st.lists(terms, max_size=4, unique_by=lambda one: one.name), charges)
def test_the_door_refuses_exactly_what_no_route_carries(
    routes: list[RouteTerms], charge: Carried
) -> None:
    carried = not routes or any(why_not(one, charge) is None for one in routes)
    if carried:
        check_carried(routes, charge)
        return
    with pytest.raises(Problem) as caught:
        check_carried(routes, charge)
    assert caught.value.code == "invalid"
    assert caught.value.field
    assert caught.value.cure


@each(
    ("asked", "taken", "rule"),
    [
        (among(A), "a", "only_route"),
        (among(A, B), "a", "first_of_equals"),
        (among(costing(A, fixed=1), B), "b", "most_worth"),
        (among(costing(A, share=1000), costing(B, share=999)), "b", "most_worth"),
        (among(replace(A, approved=10, expected=30 * MILLION), B), "b", "most_worth"),
        (
            among(costing(A, fixed=300_000), replace(B, approved=0, expected=3 * MILLION)),
            "a",
            "most_worth",
        ),
        (among(A, B, failed=(failing("a"),)), "b", "proof_of_not_sent"),
        (among(A, B, failed=(failing("a", "technical"),)), "b", "technical_decline"),
        (among(A, B, failed=(failing("b"), failing("a"))), "b", "every_route_failed"),
        (among(A, failed=(failing("a"),)), "a", "every_route_failed"),
        (among(replace(A, off=True), B), "b", "only_route"),
        (among(replace(A, off=True)), None, "no_route"),
        (among(), None, "no_route"),
        (among(replace(A, breaker="open"), B), "b", "most_worth"),
        (among(replace(A, breaker="trickle"), B), "b", "most_worth"),
        (among(replace(A, breaker="trickle"), B, draw=0), "a", "trickle"),
        (
            among(replace(A, breaker="trickle"), B, draw=0, failed=(failing("a"),)),
            "b",
            "proof_of_not_sent",
        ),
        (
            among(replace(A, breaker="open"), costing(replace(B, breaker="open"), fixed=1)),
            "a",
            "every_breaker_open",
        ),
        (among(replace(A, terms=RouteTerms("a", currencies=("EUR",))), B), "b", "only_route"),
        (among(STORED, charge=replace(CHARGE, credential="b")), None, "no_route"),
        (among(STORED, charge=replace(CHARGE, credential="a")), "a", "only_route"),
    ],
)
def test_which_route_is_taken_and_by_which_rule(
    asked: WorthInput, taken: str | None, rule: str
) -> None:
    decision = choose_route(asked)
    assert (decision.taken, decision.rules) == (taken, (rule,))
    assert decision.verdict == ("send" if taken else "wait")
    assert [one.name for one in decision.alternatives] == [one.terms.name for one in asked.routes]


def test_a_large_amount_takes_the_likelier_route_and_a_small_one_the_cheaper() -> None:
    likely = costing(replace(A, approved=60, expected=30 * MILLION), fixed=500_000)
    cheap = B
    assert chosen_route(among(likely, cheap, charge=Carried(10_000, "USD"))) == "a"
    assert chosen_route(among(likely, cheap, charge=Carried(100, "USD"))) == "b"


@each(
    ("routes", "charge", "field", "words"),
    [
        ([EUROS], CHARGE, "Transaction.Currency", "one of EUR"),
        ([EUROS, RouteTerms("b", amount_min=50_000_000)], CHARGE, "Transaction.Amount", ""),
        ([RouteTerms("a", amount_max=1_500_000)], CHARGE, "Transaction.Amount", ""),
        ([RouteTerms("a", schemes=("amex",))], CHARGE, "PaymentMethod.CardNumber", "amex"),
        (
            [RouteTerms("a", countries=("DE",))],
            replace(CHARGE, country=""),
            "BillingInformation.CountryCode",
            "DE",
        ),
        ([RouteTerms("a", cards=False, stored=True)], CHARGE, "PaymentMethod.CardNumber", "stored"),
    ],
)
def test_what_no_route_carries_names_field_and_cure(
    routes: list[RouteTerms], charge: Carried, field: str, words: str
) -> None:
    with pytest.raises(Problem) as caught:
        check_carried(routes, charge)
    assert caught.value.field == field
    assert words in (caught.value.cure or "")


def test_what_is_not_known_yet_is_not_judged() -> None:
    check_carried([RouteTerms("a", schemes=("amex",))], CHARGE, without=("scheme",))


def test_an_unknown_outcome_clears_no_route_and_an_issuers_word_forgives_them_all() -> None:
    def tried(number: int, route: str, state: str, klass: str | None = None) -> Attempt:
        usual = {
            "units": 1,
            "asset": "USD",
            "initiator": "merchant",
            "ladder": "soft",
            "due_at": NOW,
        }
        made = Attempt(
            attempt_id=None,
            order_id=None,
            attempt_no=number,
            state=state,
            **usual,
        )  # type: ignore[arg-type]
        return replace(made, route=route, klass=klass)

    assert failures_of([tried(1, "a", "not_sent"), tried(2, "b", "declined", "funds")]) == ()
    found = failures_of(
        [
            tried(1, "a", "not_sent"),
            tried(2, "b", "declined", "technical"),
            tried(3, "a", "not_sent"),
        ]
    )
    assert [(one.route, one.how, one.attempt_no) for one in found] == [
        ("b", "technical", 2),
        ("a", "not_sent", 3),
    ]
