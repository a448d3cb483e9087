"""What a decision rests on: counts, terms of the chance, worth, allowance, editions; golden in
every language.

To accept a change: `GOLDEN=write pytest tests/insight/rules/test_explained.py`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.ground import evidence, fridays, model
from tests.rescue.rules.goldens import ALL, TRANSLATED, check_golden

from recoup.engine.decide import decide
from recoup.engine.model import Model
from recoup.insight.rules.explained import Dated, IssuerTries, issuer_of, percent, rests_on
from recoup.kernel.problem import Sentence, noted
from recoup.kit.languages.said import said
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.policy import ENGINE_2
from recoup.rescue.rules.chance_terms import LEAST, TERMS_MAX, ChanceTerm, Group, chance_terms
from recoup.rescue.rules.evidence import Evidence

FREE: Final = datetime(2027, 3, 19, 9, 30, tzinfo=UTC)
MODEL = model()
MODELS: Final[Mapping[str, Model]] = {MODEL.name: MODEL}


def stored(known: Evidence) -> tuple[Decision, dict[str, Any], list[dict[str, Any]]]:
    decision = decide(known, ENGINE_2, MODEL)
    return decision, known.features(), decision.to_dict()["alternatives"]


def terms_of(known: Evidence) -> tuple[ChanceTerm, ...]:
    decision, features, ways = stored(known)
    return chance_terms(features, decision.versions, MODELS, ways, decision.taken)


def lines(known: Evidence, **more: Any) -> tuple[Sentence, ...]:
    decision, features, ways = stored(known)
    values: dict[str, Any] = {"terms": (), "issuer": None, "model": None} | more
    return rests_on(features, decision.versions, ways, **values)


def test_a_pay_day_raises_the_chance_and_its_absence_is_what_it_is_held_against() -> None:
    known = evidence("51", looks=fridays(8))
    terms = {one.group: one for one in terms_of(known)}
    decision, _, ways = stored(known)
    chance = next(one["chance"] for one in ways if one["name"] == decision.taken)
    assert terms["payer"].logit > 0
    assert terms["payer"].without < chance
    assert str(lines(known)[0]) == "Of 16 earlier attempts on this customer, 8 were approved."


@given(
    looks=st.integers(0, 8),
    code=st.sampled_from(["51", "05", "91", "65", "61"]),
    days=st.integers(3, 28),
)
@settings(max_examples=25, deadline=None)
def test_terms_are_the_weightiest_and_never_too_many(looks: int, code: str, days: int) -> None:
    known = evidence(code, looks=fridays(looks))
    known = replace(known, expires_at=known.now + timedelta(days=days))
    terms = terms_of(known)
    assert len(terms) <= TERMS_MAX
    weights = [abs(one.logit) for one in terms]
    assert weights == sorted(weights, reverse=True)
    assert all(weight >= LEAST for weight in weights)
    assert all(0 < one.without < 1 for one in terms)
    assert len({one.group for one in terms}) == len(terms)


def test_a_schedule_has_no_terms_and_nothing_is_said_of_its_worth() -> None:
    known = evidence("51")
    versions = {"decider": "retry-1", "policy": "retry-2", "knowledge": "k", "model": None}
    assert chance_terms(known.features(), versions, {}, [], None) == ()
    texts = [str(line) for line in rests_on(known.features(), versions, [], (), None, None)]
    assert not any("costs" in text for text in texts)


def test_a_try_that_is_not_planned_says_from_which_chance_on_it_would_be() -> None:
    known = evidence("51")
    tiny = replace(known, units=40)
    decision, _, _ = stored(tiny)
    assert decision.verdict == "wait"
    text = next(str(line) for line in lines(tiny) if "it pays from" in line)
    assert "an attempt costs 0.13 USD in the plan: it pays from 33 %." in text


def test_the_issuer_is_named_by_the_merchants_own_counts() -> None:
    known = evidence("51")
    assert issuer_of(known.features()) == known.facts.issuer  # type: ignore[union-attr]
    texts = [str(line) for line in lines(known, issuer=IssuerTries(214, 88))]
    assert "Of your 214 latest attempts on cards of this issuer, 88 were approved." in texts
    assert not any(
        "latest attempts" in str(line) for line in lines(known, issuer=IssuerTries(0, 0))
    )


def test_a_small_chance_is_not_said_to_be_none() -> None:
    assert (percent(0.004), percent(0.0996), percent(0.314)) == ("0.4", "10.0", "31")


def every() -> list[Sentence]:
    """Each sentence once or more."""
    known = evidence("51", looks=fridays(3))
    assert known.facts is not None
    terms = [ChanceTerm(group, logit, 0.087) for group in get_args(Group) for logit in (0.7, -0.7)]
    found = [
        *lines(
            known,
            terms=terms,
            issuer=IssuerTries(214, 88),
            model=Dated(date(2027, 2, 27), 1_006_511),
        )
    ]
    for changes in (
        {"sends_left": 3},
        {"sends_left": 3, "open_orders": 2},
        {"sends_left": 0, "free_at": FREE},
    ):
        facts = replace(known.facts, **changes)  # type: ignore[arg-type]
        found += lines(replace(known, facts=facts))[-2:]
    found += lines(replace(known, units=40)) + lines(replace(evidence("51"), units=40))
    found += lines(replace(known, reading=replace(known.reading, edition="")))[-1:]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("language", ALL)
def test_every_sentence_is_the_golden_one(language: str) -> None:
    check_golden("explained", language, every())


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_stays_english(language: str) -> None:
    for one in every():
        assert said(language, one, noted) != str(one)
