"""What an engine of before decided, held against what was stored of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ground import evidence, fridays, mixed_model, regression
from tests.rings import each

from recoup.engine.decide import decide
from recoup.engine.feature import wrong_of
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.policy import ENGINE_2

ASKED = evidence(looks=fridays(5), explore=0.3)
MADE = mixed_model(regression(bias=-0.5))


def _wrong(decision: Decision, features: dict[str, Any], **changes: Any) -> Any:
    told = decision.to_dict() | changes
    parts = (told[name] for name in ("verdict", "plan", "alternatives", "taken"))
    return wrong_of(features, *parts, None)


@given(
    st.floats(0.0, 1.0, exclude_max=True), st.sampled_from(["51", "05", "91", "41"]), st.booleans()
)
def test_what_was_decided_follows_from_what_is_stored(draw: float, code: str, now: bool) -> None:
    asked = evidence(
        code, looks=fridays(5), explore=0.3, draw=draw, kind="sync_mit" if now else "managed_mit"
    )
    assert _wrong(decide(asked, ENGINE_2, MADE), asked.features()) is None


def _offers(**changes: Any) -> list[dict[str, Any]]:
    first, *others = decide(ASKED, ENGINE_2, MADE).to_dict()["alternatives"]
    return [first | changes, *others]


def _later(plan: list[str]) -> list[str]:
    return [(datetime.fromisoformat(one) + timedelta(hours=1)).isoformat() for one in plan]


@each(
    ("changes", "part"),
    [
        ({"plan": []}, "plan"),
        ({"plan": _later(decide(ASKED, ENGINE_2, MADE).to_dict()["plan"])}, "plan"),
        ({"alternatives": _offers(probability=0.4)}, "probabilities"),
        ({"alternatives": _offers(at=None)}, "verdict"),
        ({"taken": "stop"}, "taken"),
        ({"verdict": "attempt_now"}, "taken"),
    ],
)
def test_what_does_not_follow_is_named(changes: dict[str, Any], part: str) -> None:
    found = _wrong(decide(ASKED, ENGINE_2, MADE), ASKED.features(), **changes)
    assert found is not None
    assert found[0] == part


def test_what_the_schedule_decided_for_it_is_decided_again() -> None:
    asked = evidence("41", looks=fridays(2))
    decided = decide(asked, ENGINE_2, MADE)
    assert decided.taken is None
    assert _wrong(decided, asked.features()) is None
    assert _wrong(replace(decided, verdict="plan"), asked.features()) == (
        "verdict",
        decided.verdict,
        "plan",
    )
