"""A decision made again with one input changed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.engine.ground import evidence, fridays, model
from tests.rings import each
from tests.terms.rules.test_advance_by_model import DECLINED, NOW, OPEN, given_

from recoup.engine.decide import decide as decide_by_model
from recoup.insight.rules.what_if import WHAT_IFS_MAX, what_if
from recoup.insight.rules.what_if_sentences import WhatIf, sentence_of
from recoup.networks.limits import Tally
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.policy import ENGINE_2
from recoup.processors.rules.route_terms import Candidate, Carried, RouteTerms
from recoup.rescue.rules.card_update import Answer, UpdateInput, decide_update
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.gate import Block, GateInput, gate
from recoup.rescue.rules.route_by_worth import Failure, WorthInput, choose_route
from recoup.risk.rules.advance_by_bounds import advance_by_bounds
from recoup.risk.rules.decide import RiskInput, decide_risk
from recoup.risk.rules.facts import RiskFacts
from recoup.risk.rules.weights import PRIOR
from recoup.terms.rules.advance_bounds import HeldBounds, TenthBounds
from recoup.terms.rules.collection import CURRENT_COLLECTION
from recoup.terms.rules.costs import Costs

MODEL = model()
MODELS = {MODEL.name: MODEL}
TABLE = TenthBounds((100,) * 10, (20,) * 10, (9_000,) * 10, (True,) * 10, (1_000,) * 10)


def engine(known: Evidence) -> tuple[Decision, dict[str, WhatIf]]:
    decision = decide_by_model(known, ENGINE_2, MODEL)
    found = what_if(known.features(), decision.versions, MODELS)
    assert len(found) <= WHAT_IFS_MAX
    return decision, {one.change: one for one in found}


def test_the_wait_that_a_network_asks_for_is_what_moves_a_try() -> None:
    plain = evidence("91")
    waits = replace(plain, reading=replace(plain.reading, wait_by_rule=True, min_wait_hours=400.0))
    decision, found = engine(waits)
    without = found["no_network_wait"]
    assert without.differs
    assert without.next_at is not None
    assert decision.next_attempt_at is not None
    assert without.next_at < decision.next_attempt_at
    assert "no_network_wait" not in engine(plain)[1]


def test_one_more_send_adds_a_try_where_the_cards_allowance_is_what_ends_the_plan() -> None:
    known = evidence("51", looks=fridays(8))
    assert known.facts is not None
    decision, found = engine(replace(known, facts=replace(known.facts, sends_left=1)))
    assert (len(decision.plan), found["one_more_send"].tries) == (1, 2)
    assert found["one_more_send"].differs


def test_a_drawn_time_is_explained_by_what_had_been_planned_without_the_draw() -> None:
    known = evidence("51")
    assert known.facts is not None
    for place in range(100):
        asked = replace(known, facts=replace(known.facts, explore=0.2, draw=place / 100))
        decision, found = engine(asked)
        best = decision.alternatives[0].name
        assert ("no_draw" in found) == (decision.taken != best)
        if "no_draw" in found:
            assert (
                found["no_draw"].next_at == decide_by_model(known, ENGINE_2, MODEL).next_attempt_at
            )
            break
    else:
        pytest.fail("nothing was drawn")


def test_a_decline_because_nobody_could_confirm_says_that_the_customer_would_have_been_asked() -> (
    None
):
    known = replace(evidence("1A"), kind="cit", may_confirm=False)
    decision, found = engine(known)
    assert decision.verdict == "decline_at_once"
    assert str(sentence_of(found["may_confirm"])) == (
        "If the customer could confirm with 3-D Secure: the customer would have been asked to "
        "confirm."
    )
    for other in (replace(known, may_confirm=True), replace(known, kind="managed_mit")):
        assert "may_confirm" not in engine(other)[1]


def gated(**changes: Any) -> dict[str, WhatIf]:
    known = evidence("51")
    full = Tally(
        "visa_20",
        ban=False,
        window_hours=720,
        maximum=20,
        counted=20,
        free_at=known.now + timedelta(days=3),
    )
    asked = GateInput("visa", "world", "merchant", known.now, (full,), **changes)
    return {one.change: one for one in what_if(asked.features(), gate(asked).versions, {})}


def test_one_more_send_opens_the_gate_and_a_block_keeps_it_shut() -> None:
    assert str(sentence_of(gated()["one_more_send"])) == (
        "With one more attempt left on the card: the attempt would have been allowed."
    )
    blocked = gated(blocks=(Block("customer", None),))
    assert blocked["no_block"].verdict == "postpone"
    assert str(sentence_of(blocked["one_more_send"])).endswith(
        "the decision would have been the same."
    )


def routed(*routes: Candidate, failures: tuple[Failure, ...] = ()) -> dict[str, WhatIf]:
    now = evidence("51").now
    asked = WorthInput(routes, Carried(4590, "USD", "visa", "US"), failures, 300_000, 1, now)
    return {one.change: one for one in what_if(asked.features(), choose_route(asked).versions, {})}


def test_a_route_that_is_off_dear_or_has_failed_says_who_would_have_taken_it() -> None:
    cheap = Candidate(RouteTerms("cheap"))
    dear = Candidate(RouteTerms("dear", cost_share=20_000), approved=60, expected=20_000_000)
    assert routed(cheap, dear)["routes_cost_the_same"].about == "dear"
    off = replace(dear, off=True)
    assert (routed(cheap, off)["route_on"].about, routed(cheap, off)["route_on"].differs) == (
        "dear",
        True,
    )
    broken = replace(dear, breaker="open")
    assert routed(cheap, broken)["route_reachable"].about == "dear"
    failed = (Failure("dear", 1, evidence("51").now, "technical", "91"),)
    found = routed(cheap, dear, failures=failed)["no_failure"]
    assert str(sentence_of(found)) == (
        "Without the failures of the attempts before: route dear would have taken the attempt."
    )
    assert routed(Candidate(RouteTerms("only"))) == {}


def risked(risk: RiskFacts, *, may_challenge: bool = True) -> dict[str, WhatIf]:
    asked = RiskInput.of(risk, PRIOR, Costs(2_000), may_challenge=may_challenge, arm="engine")
    return {one.change: one for one in what_if(asked.features(), decide_risk(asked).versions, {})}


def test_the_weightiest_sign_of_risk_is_taken_away_and_the_payment_decided_again() -> None:
    fraud = RiskFacts(
        30_000,
        "USD",
        usual_units=3_000,
        avs="mismatch",
        decline="suspected_fraud",
        foreign_card=True,
    )
    found = risked(fraud, may_challenge=False)
    assert found["no_sign_against"].about
    assert {"no_sign_against", "half_the_amount", "may_confirm"} <= found.keys()
    assert all(one.chance is None and one.next_at is None for one in found.values())
    plain = risked(RiskFacts(3_000, "USD", avs="match", paid_before=5))
    assert "no_sign_for" in plain
    assert "no_sign_against" not in plain
    assert "may_confirm" not in plain
    assert not plain["half_the_amount"].differs


def advanced(
    held: HeldBounds | None = None, *, learned: bool = False, **more: Any
) -> tuple[Decision, dict[str, WhatIf]]:
    asked = given_("51", more.pop("out_at", None), **more)
    given = replace(asked, bounds=held) if learned else asked.by_prior(held)
    decision = advance_by_bounds(given, CURRENT_COLLECTION, MODEL if learned else None)
    found = what_if(given.features(), decision.versions, MODELS)
    assert len(found) <= WHAT_IFS_MAX
    return decision, {one.change: one for one in found}


def test_what_stands_against_an_advance_is_what_would_have_changed_it() -> None:
    decision, found = advanced(limits=replace(OPEN, allowed_loss_basis_points=1_000))
    assert decision.rules[-1] == "expected_loss"
    assert found["any_loss_allowed"].differs
    assert (
        str(sentence_of(found["any_loss_allowed"]))
        == "If any loss were allowed: the order would have been advanced."
    )
    assert not found["half_the_order"].differs
    assert "room_left" not in found
    big, found = advanced(units=5_000, limits=replace(OPEN, order_max_units=4_000))
    assert (big.rules[-1], found["half_the_order"].differs) == ("over_order_limit", True)
    full, found = advanced(room="customer_limit")
    assert (full.verdict, found["room_left"].verdict) == ("decline_at_once", "approve_now")
    yes, found = advanced()
    assert (yes.verdict, found["no_loss_allowed"].verdict) == ("approve_now", "decline_at_once")


def test_a_model_that_nothing_vouches_for_would_be_trusted_if_closed_orders_had_paid() -> None:
    decision, found = advanced(None, learned=True, looks=fridays(4))
    assert (decision.rules[-1], found["closed_orders_paid"].verdict) == (
        "too_few_closed",
        "approve_now",
    )
    assert found["closed_orders_paid"].chance is not None
    _, found = advanced(
        HeldBounds(3, NOW.date(), TABLE), learned=True, out_at=DECLINED + timedelta(seconds=1)
    )
    assert "no_try_out" in found


def updated(answer: Answer | None, **more: Any) -> dict[str, WhatIf]:
    given = UpdateInput(evidence("54").reading, evidence("54").now, answer, **more)
    return {one.change: one for one in what_if(given.features(), decide_update(given).versions, {})}


@each(
    ("answer", "more", "change", "verdict", "differs"),
    [
        (None, {}, "new_card_known", "attempt_now", True),
        (None, {}, "account_closed", "decline_at_once", True),
        ("new_number", {}, "nothing_newer", "wait", True),
        ("new_number", {"stopped": True}, "attempts_wanted", "attempt_now", True),
        ("closed", {}, "link_open", "wait", True),
        ("closed", {"by_link": True}, "no_link", "decline_at_once", True),
        ("unchanged", {}, "link_open", "wait", False),
        ("contact", {}, "new_card_known", "attempt_now", True),
    ],
)
def test_an_updaters_other_answer_is_decided_again(
    answer: Answer | None, more: dict[str, Any], change: str, verdict: str, differs: bool
) -> None:
    found = updated(answer, **more)[change]
    assert (found.verdict, found.differs) == (verdict, differs)
