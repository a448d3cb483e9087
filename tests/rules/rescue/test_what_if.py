"""A decision made again with one input changed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.rules.rescue.engine.ground import evidence, fridays, model

from recoup.rules.network.limits import Tally
from recoup.rules.rescue.engine.decide import decide as decide_by_model
from recoup.rules.rescue.engine.pricing import ENGINE_1
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.gate import Block, GateInput, gate
from recoup.rules.rescue.what_if import WHAT_IFS_MAX, WhatIf, what_if
from recoup.rules.rescue.what_if_sentences import sentence_of

MODEL = model()
MODELS = {MODEL.name: MODEL}


def engine(known: Evidence) -> tuple[Decision, dict[str, WhatIf]]:
    decision = decide_by_model(known, ENGINE_1, MODEL)
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
            assert found["no_draw"].next_at == decide_by_model(known, ENGINE_1, MODEL).next_attempt_at
            break
    else:
        pytest.fail("nothing was drawn")


def gated(**changes: Any) -> dict[str, WhatIf]:
    known = evidence("51")
    full = Tally("visa_20", ban=False, window_hours=720, maximum=20, counted=20, free_at=known.now + timedelta(days=3))
    asked = GateInput("visa", "world", "merchant", known.now, (full,), **changes)
    return {one.change: one for one in what_if(asked.features(), gate(asked).versions, {})}


def test_one_more_send_opens_the_gate_and_a_block_keeps_it_shut() -> None:
    assert str(sentence_of(gated()["one_more_send"])) == (
        "With one more send left on the card: the send would have been allowed."
    )
    blocked = gated(blocks=(Block("customer", None),))
    assert blocked["no_block"].verdict == "postpone"
    assert str(sentence_of(blocked["one_more_send"])).endswith("the decision would have been the same.")
