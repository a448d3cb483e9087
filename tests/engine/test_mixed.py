"""The engine's chances beside a regression's: what either says moves what is planned, and no chance
leaves 0..1."""

import hashlib
import json
import pickle
import random
from dataclasses import replace
from datetime import timedelta
from math import exp, log

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ground import DECLINED, evidence, fridays, mixed_model, model, regression
from tests.rings import each

from recoup.engine.belief import believed, ground_of
from recoup.engine.blocks import sizes
from recoup.engine.chances import money_row, refused
from recoup.engine.decide import decide
from recoup.engine.instants import at_instants, chances_of, money_rows
from recoup.engine.mixed import Window, candidates_of, chances_at
from recoup.engine.model import Model, model_of
from recoup.engine.outlook import _mean
from recoup.engine.plan import Candidate, planned
from recoup.engine.regression import NODES
from recoup.kernel.time import BusinessTime
from recoup.orders.rules.decision import Offered
from recoup.policies.rules.policy import ENGINE_2
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, SOFT
from recoup.rescue.rules.evidence import Evidence, Tried
from recoup.rescue.rules.facts import Look, hours_of
from recoup.rescue.rules.model import BadModel
from recoup.webhooks.rules.replay import decide_again

BEGIN, END = hours_of(DECLINED) + 1.0, hours_of(DECLINED) + 28 * 24.0


def _found(made: Model, asked: Evidence) -> list[Candidate]:
    assert asked.facts is not None
    ground = ground_of(made, asked.facts, asked.utc_offset)
    return candidates_of(ground, believed(ground, asked.facts), asked.facts, Window(BEGIN, END), 32)


def test_without_a_regression_the_causes_decide_and_the_decision_says_so() -> None:
    known, old, new = evidence(looks=fridays(5)), model(), mixed_model(None)
    assert _found(new, known) == _found(old, known)
    first, second = decide(known, ENGINE_2, old), decide(known, ENGINE_2, new)
    assert (first.plan, first.versions["decider"]) == (second.plan, "engine-1")
    assert second.versions["decider"] == "engine-3"
    assert "too few past attempts for a regression" in " ".join(second.reasons)
    assert "regression" not in " ".join(first.reasons)
    weighed = decide(known, ENGINE_2, mixed_model(regression()))
    assert (
        "In these chances, a regression on 5,000 past attempts has a weight of 50%."
        in weighed.reasons
    )


def test_a_weight_of_nothing_changes_no_chance_and_a_whole_one_leaves_no_other() -> None:
    known = evidence(looks=fridays(5))
    assert known.facts is not None
    ground = ground_of(model(), known.facts, known.utc_offset)
    belief = believed(ground, known.facts)
    found = _found(mixed_model(regression(weight=0.0)), known)
    for one, own in zip(found, at_instants(ground, belief, [one.at for one in found]), strict=True):
        assert one.chance == pytest.approx(own.chance, abs=1e-6)
    for one in _found(mixed_model(regression(weight=1.0)), known):
        assert one.chance == pytest.approx(0.5, abs=1e-6)


@each(("own", "learned"), [(0.5, 0.02), (0.01, 0.9), (0.3, 0.3), (0.9, 1e-5)])
def test_log_odds_are_weighed(own: float, learned: float) -> None:
    [found] = _mean(np.array([own]), np.array([learned]), 0.4)
    logit = 0.6 * log(own / (1 - own)) + 0.4 * log(learned / (1 - learned))
    assert found == pytest.approx(1 / (1 + exp(-logit)), abs=1e-6)


def test_where_no_chance_is_by_causes_there_is_none() -> None:
    assert _mean(np.zeros(1), np.array([0.9]), 0.5).tolist() == [0.0]


def test_what_the_regression_says_of_hours_moves_the_plan() -> None:
    night = tuple(8.0 if hour == 2 else -8.0 for hour in range(24) for _funds in range(2))
    planned = decide(evidence(), ENGINE_2, mixed_model(regression(hour=night, weight=1.0)))
    assert (planned.plan[0] + timedelta(hours=-5)).hour == 2, planned.plan


def test_an_hour_that_nobody_tried_is_left_out_but_for_now() -> None:
    noon = mixed_model(regression(slots=tuple(place == 4 for place in range(8))))
    for one in decide(evidence(), ENGINE_2, noon).plan:
        assert 12 <= (one + timedelta(hours=-5)).hour <= 15
    asked = evidence(kind="sync_mit")
    assert asked.facts is not None
    ground = ground_of(noon, asked.facts, asked.utc_offset)
    belief = believed(ground, asked.facts)
    first, *_ = candidates_of(ground, belief, asked.facts, Window(BEGIN, END, now_too=True), 32)
    assert first.at == BEGIN


def test_a_card_that_may_be_renewed_is_tried_again_where_others_have_been() -> None:
    """Issuers renew cards without a word; how often that cures is in the tries of the past, or
    nobody knows."""
    for asked, key in ((evidence("54"), "54"), (evidence("05", advice="01"), "05/01")):
        never = decide(asked, ENGINE_2, mixed_model(regression(keys=("51",))))
        assert (never.plan, never.rules) == ((), ("no_cure_by_waiting",))
        known = decide(asked, ENGINE_2, mixed_model(regression(keys=("51", key))))
        assert (known.verdict, known.group) == ("plan", "soft")
        assert (
            "The issuer may renew the card without telling us; new card details cure it at once."
            in known.reasons
        )
    asked = evidence("54")
    elo = evidence("54", reading=replace(asked.reading, scheme="elo"))
    assert decide(elo, ENGINE_2, mixed_model(regression(keys=("54",)))).plan == (), (
        "Elo takes no further try"
    )
    assert decide(asked, ENGINE_2, model()).plan == ()
    assert decide(
        evidence("54", other_card=True), ENGINE_2, mixed_model(regression(keys=("54",)))
    ).rules == ("other_card",)
    for code in ("82", "55"):  # what only the customer can mend
        assert decide(evidence(code), ENGINE_2, mixed_model(regression(keys=(code,)))).plan == ()
    later = evidence("54", first_key="51")
    assert decide(later, ENGINE_2, mixed_model(regression(keys=("51",)))).plan == (), (
        "the last answer counts"
    )
    assert decide(evidence("14"), ENGINE_2, mixed_model(regression(keys=("14",)))).plan == (), (
        "hard stays hard"
    )


def test_where_sends_cost_nothing_a_plan_goes_on_to_the_end() -> None:
    free, none = (
        replace(ENGINE_2, least_chance=0.0, send_units=0),
        replace(ENGINE_2, least_chance=0.99),
    )
    made = mixed_model(regression(bias=-3.0))
    plan = decide(evidence(), free, made).plan
    assert len({*plan}) == len(plan) > 12
    assert decide(evidence(), none, made).plan == ()


@each(("far", "chosen"), [(0.301, BEGIN), (0.4, BEGIN + 240.0)])
def test_of_instants_about_as_good_the_sooner_is_taken(far: float, chosen: float) -> None:
    asked = evidence()
    assert asked.facts is not None
    ground = ground_of(mixed_model(regression()), asked.facts, asked.utc_offset)
    found = [Candidate(BEGIN, 0.3, 0.9), Candidate(BEGIN + 240.0, far, 0.9)]
    assert [one.at for one in planned(ground, believed(ground, asked.facts), found, [0.05])] == [
        chosen
    ]


def test_a_window_of_decades_is_looked_at_for_months() -> None:
    ends = DECLINED + timedelta(days=365 * 40)
    plan = decide(evidence(expires_at=ends), ENGINE_2, mixed_model(regression())).plan
    assert plan
    assert max(plan) < DECLINED + timedelta(days=121)


def test_where_policies_leave_no_hour_that_was_tried_the_others_count() -> None:
    night = mixed_model(regression(slots=tuple(place == 0 for place in range(8))))
    asked = evidence()
    assert asked.facts is not None
    ground = ground_of(night, asked.facts, asked.utc_offset)
    belief = believed(ground, asked.facts)

    def by_day(at: float) -> float | None:
        return at if 8 <= (at + ground.offset) % 24 < 20 else None

    assert candidates_of(ground, belief, asked.facts, Window(BEGIN, END, opens=by_day), 32)


def test_a_model_that_knows_no_second_rest_keeps_the_first() -> None:
    now = DECLINED + timedelta(hours=30)
    after = evidence(
        tries=(Look(now, FUNDS, 1),), now=BusinessTime(now), attempts=(Tried("soft", now),)
    )
    assert decide(after, ENGINE_2, mixed_model(None, rest=20.0)).plan[0] >= now + timedelta(
        hours=20
    )


def test_an_order_whose_tries_failed_stands_at_a_low_node() -> None:
    """Two kinds of orders: those that are never approved, and those that nearly always are."""
    made = mixed_model(regression(at=(1, NODES - 1), weight=1.0, bias=4.0))
    tried = tuple(Look(DECLINED + timedelta(minutes=5 * number), SOFT, number) for number in (1, 2))
    fresh, failed = (
        max(one.chance for one in _found(made, evidence("05", tries=tries)))
        for tries in ((), tried)
    )
    assert fresh == pytest.approx(0.5, abs=0.02)
    assert failed < 0.02


def test_a_further_try_waits_until_somebody_has_tried_again() -> None:
    made = mixed_model(regression(), rest=6.0, rest_again=44.0)
    now = DECLINED + timedelta(hours=30)
    first = decide(evidence(now=BusinessTime(DECLINED)), ENGINE_2, made)
    again = decide(
        evidence(
            tries=(Look(now, FUNDS, 1),), now=BusinessTime(now), attempts=(Tried("soft", now),)
        ),
        ENGINE_2,
        made,
    )
    assert first.plan[0] >= DECLINED + timedelta(hours=6)
    assert again.plan[0] >= now + timedelta(hours=44)


def _rows() -> st.SearchStrategy[float]:
    return st.sampled_from([-10.0, -1.5, 0.0, 0.25, 2.0, 10.0])


@st.composite
def _models(draw: st.DrawFn) -> Model:
    rows = {name: draw(st.tuples(*[_rows()] * min(size, 3))) for name, size in sizes(2, 2).items()}
    filled = {
        name: (row * size)[:size]
        for (name, row), size in zip(rows.items(), sizes(2, 2).values(), strict=True)
    }
    at = tuple(draw(st.sets(st.integers(0, NODES - 1), min_size=1)))
    weight, bias, lines = draw(st.floats(0.0, 1.0)), draw(_rows()), (draw(_rows()), draw(_rows()))
    return mixed_model(regression(**filled, at=at, weight=weight, bias=bias, lines=lines))


@st.composite
def _asked(draw: st.DrawFn) -> Evidence:
    hours = draw(st.lists(st.integers(1, 2000), max_size=24))
    answers = st.sampled_from([APPROVED, FUNDS, SOFT])
    looks = [
        Look(DECLINED - timedelta(hours=back), draw(answers), draw(st.integers(0, 4)))
        for back in sorted(hours)
    ]
    tries = tuple(
        Look(DECLINED + timedelta(hours=7 * number), FUNDS, number)
        for number in range(1, draw(st.integers(1, 4)))
    )
    now = DECLINED + timedelta(hours=30)
    code = draw(st.sampled_from(["51", "05", "91"]))
    return evidence(
        code, looks=tuple(reversed(looks)), tries=tries, now=now, credit=draw(st.booleans())
    )


@given(_models(), _asked())
def test_no_chance_leaves_its_bounds_and_each_decision_is_decided_again(
    made: Model, asked: Evidence
) -> None:
    assert all(
        0.0 <= one.chance <= 1.0 and 0.0 <= one.willing <= 1.0 for one in _found(made, asked)
    )
    first = decide(asked, ENGINE_2, made)
    assert all(0.0 <= one.chance <= 1.0 for one in first.alternatives if isinstance(one, Offered))
    told = json.loads(json.dumps(asked.features()))
    again = decide_again(told, first.versions, {made.name: model_of(made.to_json())})
    assert again.to_dict() == first.to_dict()


def test_what_an_older_model_decided_is_decided_again_by_its_version() -> None:
    asked, old = evidence(looks=fridays(5)), model()
    first = decide(asked, ENGINE_2, old)
    assert (
        decide_again(asked.features(), first.versions, {old.name: model_of(old.to_json())}) == first
    )
    assert b"regression" not in old.to_json()


def _changed(**changes: object) -> bytes:
    plain = json.loads(mixed_model(regression()).to_json())
    plain["regression"] |= changes
    return json.dumps(plain).encode()


@each(
    ("content", "words"),
    [
        (_changed(weight=1.5), "regression.weight"),
        (_changed(bias=31.0), "regression.bias"),
        (_changed(tables={}), "regression.tables needs"),
        (
            _changed(
                tables={
                    name: [0.0] * (size + (name == "day")) for name, size in sizes(2, 2).items()
                }
            ),
            "[day]",
        ),
        (_changed(issuers=[]), "regression.tables[issuer]"),
        (_changed(keys=["51", "05"]), "regression.tables[key]"),
        (_changed(pays=[0.5]), "regression.pays needs"),
        (_changed(habits=[0.0] * 700), "add up to 1"),
        (_changed(slots=[True] * 7), "regression.slots needs 8"),
        (_changed(nodes=[0.0] * (6 * 2 * NODES)), "rows that add up to 1"),
        (_changed(tries=-5), "regression.tries must be between"),
        (_changed(lines=[0.0]), "regression.lines needs 2"),
        (_changed(frailty=[]), "cannot be read"),
        (
            _changed().replace(b'"format": 4', b'"format": 5'),
            "has format 5; this release reads 2 to 4",
        ),
    ],
)
def test_a_damaged_regression_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(BadModel) as raised:
        model_of(content)
    assert words in str(raised.value)


def test_a_model_of_the_format_before_decides_by_causes_and_keeps_its_name() -> None:
    plain = json.loads(mixed_model(None).to_json()) | {
        "format": 3,
        "regression": {"weight": 0.3, "columns": {}},
    }
    content = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    made, known = model_of(content), evidence(looks=fridays(5))
    assert made.learned.regression is None
    assert made.name == "model-" + hashlib.sha256(content).hexdigest()[:12]
    assert pickle.loads(pickle.dumps(made)).name == made.name  # noqa: S301  our own
    decided = decide(known, ENGINE_2, made)
    assert (decided.versions["decider"], decided.plan) == (
        "engine-3",
        decide(known, ENGINE_2, model()).plan,
    )


def test_an_order_that_no_node_explains_stands_as_at_first() -> None:
    """The likelihood of its tries is too small for a number."""
    rows = {name: (30.0,) * size for name, size in sizes(2, 2).items()}
    made = mixed_model(regression(**rows, weight=1.0, bias=30.0))
    tries = tuple(
        Look(DECLINED + timedelta(minutes=5 * number), SOFT, number) for number in range(1, 40)
    )
    assert all(0.0 <= one.chance <= 1.0 for one in _found(made, evidence("05", tries=tries)))


def test_chances_are_those_of_the_candidates() -> None:
    made, known = mixed_model(regression(bias=-0.4, weight=0.7)), evidence(looks=fridays(3))
    assert known.facts is not None
    found = _found(made, known)
    asked = chances_at(made, known.facts, known.utc_offset, [one.at for one in found])
    assert asked == [one.chance for one in found]


def test_numbers_that_are_none_are_refused() -> None:
    made = mixed_model(regression())
    assert made.learned.regression is not None
    wrong = msgspec.structs.replace(made.learned.regression, bias=float("nan"))
    content = replace(
        made, learned=msgspec.structs.replace(made.learned, regression=wrong)
    ).to_json()
    with pytest.raises(BadModel):
        model_of(content)


def test_many_instants_are_counted_as_each_alone() -> None:
    dice = random.Random(3)
    for _ in range(40):
        asked = evidence(looks=fridays(dice.randrange(6)))
        assert asked.facts is not None
        ground = ground_of(model(), asked.facts, asked.utc_offset)
        belief = believed(ground, asked.facts)
        before = belief.before.then(
            dice.randrange(3), dice.randrange(4), BEGIN - dice.random() * 500.0
        )
        at = [BEGIN + dice.random() * 700.0 for _ in range(20)]
        rows = money_rows(ground, before, np.array(at)).tolist()
        assert rows == [list(money_row(ground, before, one)) for one in at]
        willing = chances_of(ground, replace(belief, before=before), np.array(at))[1].tolist()
        assert willing == [1.0 - refused(ground, before, one) for one in at]
