"""The chance that money may be risked on: never above the model's own, less the less was seen of
the customer."""

from dataclasses import replace
from datetime import timedelta
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ground import DECLINED, evidence, fridays, model

from recoup.engine.lower_bound import Charge, collected, relied_on
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, HARD, LIMIT, SOFT, TECHNICAL
from recoup.rescue.rules.facts import Facts, Look

MODEL = model()
FRIDAY = DECLINED + timedelta(days=4)
answers = st.sampled_from((APPROVED, FUNDS, SOFT, TECHNICAL, LIMIT, HARD))
hours = st.lists(st.integers(1, 720), min_size=1, max_size=7, unique=True).map(sorted)
looks = st.lists(st.tuples(st.integers(1, 3000), answers), max_size=24).map(
    lambda found: tuple(
        Look(DECLINED - timedelta(hours=hour), one, 0) for hour, one in sorted(found, reverse=True)
    )
)


def facts(**changes: object) -> Facts:
    found = evidence().facts
    assert found is not None
    return replace(found, **changes)  # type: ignore[arg-type]


def charges(after: list[int]) -> list[Charge]:
    return [Charge(DECLINED + timedelta(hours=one)) for one in after]


@given(
    after=hours, seen=looks, issuer=st.sampled_from(("400088001", "999999")), known=st.booleans()
)
def test_it_is_a_chance_and_never_above_the_models_own(
    after: list[int], seen: tuple[Look, ...], issuer: str, known: bool
) -> None:
    given_ = facts(looks=seen, issuer=issuer, zone_known=known)
    found = collected(charges(after), given_, -300, MODEL)
    assert 0.0 <= found.lower <= found.mean <= 1.0
    assert found.known == len(seen)
    assert collected(charges(after), given_, -300, MODEL) == found
    fewer = collected(charges(after)[:-1], given_, -300, MODEL)
    assert fewer.mean <= found.mean + 1e-12, "one charge more never lessens it"


@given(
    causes=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40),
    known=st.integers(0, 40),
    more=st.integers(0, 40),
)
def test_with_the_same_belief_it_falls_with_fewer_answers(
    causes: list[tuple[float, float]], known: int, more: int
) -> None:
    total = sum(weight for _, weight in causes) or 1.0
    chances, weights = [chance for chance, _ in causes], [weight / total for _, weight in causes]
    mean = sum(chance * weight for chance, weight in zip(chances, weights, strict=True))
    less, bound = relied_on(chances, weights, known), relied_on(chances, weights, known + more)
    assert 0.0 <= less <= bound + 1e-12
    assert bound <= mean + 1e-12


def test_the_weight_is_taken_from_what_promises_most() -> None:
    assert isclose(relied_on([0.9, 0.1], [0.5, 0.5], 0), 0.05)
    assert isclose(relied_on([0.1, 0.9], [0.5, 0.5], 2), 0.05 + 0.25 * 0.9)
    assert relied_on([1.0], [1.0], 10**9) == pytest.approx(1.0)


def test_a_customer_whose_fridays_are_known_is_risked_more_on_than_a_new_one() -> None:
    plan = [Charge(FRIDAY + timedelta(hours=4))]
    new, known = (
        collected(plan, facts(), -300, MODEL),
        collected(plan, facts(looks=fridays(8)), -300, MODEL),
    )
    assert known.lower > new.lower
    assert known.mean - known.lower < new.mean - new.lower


def test_no_charge_brings_nothing_and_silence_is_no_good_sign() -> None:
    assert collected([], facts(), -300, MODEL)[:2] == (0.0, 0.0)
    out = Charge(DECLINED + timedelta(minutes=1), 0.5)
    silent, answered = (
        collected([one], facts(), -300, MODEL).mean for one in (out, out._replace(at_most=1.0))
    )
    assert silent <= 0.5
    assert silent < answered
