"""The engine's chances beside a regression's: what either says moves what is planned, and no chance leaves 0..1."""

import json
from dataclasses import replace
from datetime import timedelta
from math import exp

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each
from tests.rules.rescue.engine.ground import DECLINED, ISSUER, evidence, fridays, mixed_model, model, regression

from recoup.rules.rescue.engine.belief import ground_of, trail
from recoup.rules.rescue.engine.bins import APPROVED, FUNDS, SOFT
from recoup.rules.rescue.engine.chances import hours_of
from recoup.rules.rescue.engine.decide import decide
from recoup.rules.rescue.engine.facts import Look
from recoup.rules.rescue.engine.mixed import candidates_of
from recoup.rules.rescue.engine.model import BadModel, Model, model_of
from recoup.rules.rescue.engine.plan import Candidate, candidates
from recoup.rules.rescue.engine.pricing import ENGINE_1
from recoup.rules.rescue.engine.regression import COLUMNS, NODES, Weighed
from recoup.rules.rescue.engine.regression import ISSUER as ISSUER_SIZE
from recoup.rules.rescue.evidence import Evidence
from recoup.rules.rescue.replay import decide_again
from recoup.rules.rescue.verdict import Offered

BEGIN, END = hours_of(DECLINED) + 1.0, hours_of(DECLINED) + 28 * 24.0


def _found(made: Model, asked: Evidence) -> list[Candidate]:
    assert asked.facts is not None
    ground = ground_of(made, asked.facts, asked.utc_offset)
    return candidates_of(ground, trail(ground, asked.facts), asked.facts, BEGIN, END)


def test_without_a_regression_the_causes_decide_and_the_decision_says_so() -> None:
    known, old, new = evidence(looks=fridays(5)), model(), mixed_model(None)
    assert _found(new, known) == _found(old, known)
    first, second = decide(known, ENGINE_1, old), decide(known, ENGINE_1, new)
    assert (first.plan, first.versions["decider"]) == (second.plan, "engine-1")
    assert second.versions["decider"] == "engine-2"
    assert "too few past attempts for a regression" in " ".join(second.reasons)
    assert "regression" not in " ".join(first.reasons)
    weighed = decide(known, ENGINE_1, mixed_model(regression()))
    assert "In these chances, a regression on 5,000 past attempts has a weight of 50%." in weighed.reasons


def test_a_weight_of_nothing_changes_no_chance_and_a_whole_one_leaves_no_other() -> None:
    known = evidence(looks=fridays(5))
    assert known.facts is not None
    ground = ground_of(model(), known.facts, known.utc_offset)
    beliefs = trail(ground, known.facts)
    own = {one.at: one.chance for one in candidates(ground, beliefs[-1], BEGIN, END)}
    for one in _found(mixed_model(regression(weight=0.0)), known):
        assert one.chance == pytest.approx(own.get(one.at, one.chance), rel=1e-9)
    for one in _found(mixed_model(regression(weight=1.0)), known):
        assert one.chance == pytest.approx(0.5, rel=1e-2)


@pytest.mark.parametrize(("own", "learned"), [(0.5, 0.02), (0.01, 0.9), (0.3, 0.3), (1e-9, 0.5), (0.9, 1e-9)])
def test_both_are_weighed_in_a_geometric_mean(own: float, learned: float) -> None:
    found = Weighed(regression(weight=0.4)).mixed(own, learned)
    within = min(max(learned / own, exp(-8)), exp(8))
    assert found == pytest.approx(own * within**0.4, rel=1e-3)


def test_what_the_regression_says_of_hours_moves_the_plan() -> None:
    night = tuple(8.0 if hour == 1 else -8.0 for hour in range(24))
    planned = decide(evidence(), ENGINE_1, mixed_model(regression(hour=night, weight=1.0)))
    assert (planned.plan[0] + timedelta(hours=-5)).hour == 1, planned.plan


def test_an_order_whose_tries_failed_stands_at_a_low_node() -> None:
    """Two kinds of orders: those that are never approved, and those that nearly always are."""
    nodes = ((0.5, 0.0, 0.0, 0.0, 0.0, 0.5),) * 6
    made = mixed_model(regression(frailty=nodes, weight=1.0, bias=1.0))
    tried = tuple(Look(DECLINED + timedelta(minutes=5 * number), SOFT, number) for number in (1, 2))
    fresh, failed = (max(one.chance for one in _found(made, evidence("05", tries=tries))) for tries in ((), tried))
    assert fresh == pytest.approx(0.5, abs=0.03)
    assert failed < 0.02


def _rows() -> st.SearchStrategy[float]:
    return st.sampled_from([-10.0, -1.5, 0.0, 0.25, 2.0, 10.0])


@st.composite
def _models(draw: st.DrawFn) -> Model:
    columns = {name: draw(st.tuples(*[_rows()] * min(size, 3))) for name, size in COLUMNS.items()}
    filled = {name: (row * COLUMNS[name])[: COLUMNS[name]] for name, row in columns.items()}
    drawn = draw(st.tuples(*[st.floats(0.01, 1.0)] * len(NODES)))
    nodes = tuple(one / sum(drawn) for one in drawn)
    row = (draw(_rows()),) * ISSUER_SIZE
    weight, bias = draw(st.floats(0.0, 1.0)), draw(_rows())
    return mixed_model(regression(**filled, frailty=(nodes,) * 6, weight=weight, bias=bias, issuers={ISSUER: row}))


@st.composite
def _asked(draw: st.DrawFn) -> Evidence:
    hours = draw(st.lists(st.integers(1, 2000), max_size=24))
    answers = st.sampled_from([APPROVED, FUNDS, SOFT])
    looks = [Look(DECLINED - timedelta(hours=back), draw(answers), draw(st.integers(0, 4))) for back in sorted(hours)]
    tries = tuple(
        Look(DECLINED + timedelta(hours=7 * number), FUNDS, number) for number in range(1, draw(st.integers(1, 4)))
    )
    now = DECLINED + timedelta(hours=30)
    code = draw(st.sampled_from(["51", "05", "91"]))
    return evidence(code, looks=tuple(reversed(looks)), tries=tries, now=now, credit=draw(st.booleans()))


@given(_models(), _asked())
def test_no_chance_leaves_its_bounds_and_each_decision_is_decided_again(made: Model, asked: Evidence) -> None:
    assert all(0.0 <= one.chance <= 1.0 and 0.0 <= one.willing <= 1.0 for one in _found(made, asked))
    first = decide(asked, ENGINE_1, made)
    assert all(0.0 <= one.chance <= 1.0 for one in first.alternatives if isinstance(one, Offered))
    told = json.loads(json.dumps(asked.features()))
    again = decide_again(told, first.versions, {made.name: model_of(made.to_json())})
    assert again.to_dict() == first.to_dict()


def test_what_an_older_model_decided_is_decided_again_by_its_version() -> None:
    asked, old = evidence(looks=fridays(5)), model()
    first = decide(asked, ENGINE_1, old)
    assert decide_again(asked.features(), first.versions, {old.name: model_of(old.to_json())}) == first
    assert b"regression" not in old.to_json()


def _changed(**changes: object) -> bytes:
    plain = json.loads(mixed_model(regression()).to_json())
    plain["regression"] |= changes
    return json.dumps(plain).encode()


@each(
    ("content", "words"),
    [
        (_changed(weight=1.5), "regression.weight"),
        (_changed(bias=11.0), "regression.bias"),
        (_changed(columns={}), "regression.columns needs"),
        (_changed(columns={name: [0.0] * (size + (name == "day")) for name, size in COLUMNS.items()}), "[day]"),
        (_changed(issuers={"400088001": [0.0]}), "regression.issuers[400088001]"),
        (_changed(keys={"51": 99.0}), "regression.keys[51]"),
        (_changed(frailty=[[0.0] * 6] * 6), "rows that add up to 1"),
        (_changed(tries=-5), "regression.tries must be between"),
        (_changed(frailty=[[0.5] * 6] * 5), "regression.frailty needs 6 rows"),
        (_changed(nodes=[]), "cannot be read"),
        (_changed().replace(b'"format": 3', b'"format": 2'), "format 2 has no regression"),
        (_changed().replace(b'"format": 3', b'"format": 4'), "has format 4; this release reads 2 and 3"),
    ],
)
def test_a_damaged_regression_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(BadModel) as raised:
        model_of(content)
    assert words in str(raised.value)


def test_an_order_that_no_node_explains_stands_as_at_first() -> None:
    """The likelihood of its tries is too small for a number."""
    columns = {name: (10.0,) * size for name, size in COLUMNS.items()}
    nodes = ((0.0, 0.0, 0.0, 1.0, 0.0, 0.0),) * 6
    made = mixed_model(regression(**columns, frailty=nodes, weight=1.0, bias=10.0))
    tried = tuple(Look(DECLINED + timedelta(minutes=5 * number), SOFT, number) for number in (1, 2, 3))
    assert all(0.0 <= one.chance <= 1.0 for one in _found(made, evidence("05", tries=tried)))


def test_numbers_that_are_none_are_refused() -> None:
    made = mixed_model(regression())
    assert made.learned.regression is not None
    wrong = msgspec.structs.replace(made.learned.regression, bias=float("nan"))
    content = replace(made, learned=msgspec.structs.replace(made.learned, regression=wrong)).to_json()
    with pytest.raises(BadModel):
        model_of(content)
