"""What the engine is asked about an advance, and which chance each arm decides by."""

from datetime import datetime, timedelta
from typing import Any

from tests.engine.ground import DECLINED, evidence, model
from tests.rings import each

from recoup.networks.codes import code_of, read_decline
from recoup.rescue.rules.arms import FALLBACKS, EngineAtHand, has_arm
from recoup.risk.rules.advance import AdvanceInputs
from recoup.risk.rules.advance_by_bounds import advance_by_arm, advance_by_prior, charges_of
from recoup.terms.rules.arm_terms import Arm, Known, Terms
from recoup.terms.rules.collection import CURRENT_COLLECTION, PERIOD
from recoup.terms.rules.exposure import Limits

MODEL = model()
OPEN = Limits(10**12, 10**12, 10**12, 1, 10_000, "both")
NOW = DECLINED + timedelta(seconds=2)


def given_(
    code: str = "51", out_at: datetime | None = None, looks: Any = (), **more: Any
) -> AdvanceInputs:
    reading = read_decline(
        scheme="visa", code=code_of(None, code), text=None, advice=None, on=DECLINED.date()
    )
    usual: dict[str, Any] = {
        "occasion": "unresolved" if out_at else "declined",
        "reading": reading,
        "units": 4590,
        "currency": "USD",
        "fee_units": 133,
        "limits": OPEN,
        "now": NOW,
    }
    facts = evidence(code, looks=looks).facts
    assert facts is not None
    return AdvanceInputs(**(usual | more), facts=facts, utc_offset=-300, out_at=out_at)


def test_the_charges_are_those_of_the_collections_plan() -> None:
    for code in ("51", "05", "61", "91"):
        found = charges_of(given_(code), CURRENT_COLLECTION)
        assert 1 < len(found) <= 6
        assert all(NOW < one.at < NOW + PERIOD for one in found)
        assert [one.at for one in found] == sorted(one.at for one in found)
    out_at = DECLINED + timedelta(seconds=1)
    assert charges_of(given_("51", out_at), CURRENT_COLLECTION)[0] == (out_at, 0.5)
    assert [one.at for one in charges_of(given_("N7", out_at), CURRENT_COLLECTION)] == [out_at]


@each(
    ("arm", "stopped", "there", "by", "watched", "fallback"),
    [
        ("engine", False, True, MODEL.name, False, None),
        ("engine", True, True, None, False, "stopped"),
        ("engine", False, False, None, False, "model_stale"),
        ("shadow", False, True, None, True, None),
        ("ladder", False, True, None, False, None),
        ("holdout", False, True, None, False, None),
    ],
)
def test_the_decision_says_which_chance_it_was_made_by(
    arm: Arm, stopped: bool, there: bool, by: str | None, watched: bool, fallback: str | None
) -> None:
    asked, known = given_(), Known(Terms(3, "share", share=50, holdout=10), stopped)
    at_hand = EngineAtHand(MODEL if there else None, "" if there else "model_stale", lambda _: b"")
    done, beside = advance_by_arm(arm, known, asked, None, at_hand)
    assert (done.decision.versions["decider"], done.decision.versions["model"]) == ("advance-3", by)
    assert done.arm is not None
    assert (done.arm["arm"], done.arm["part"], done.arm.get("fallback")) == (
        arm,
        "decides",
        fallback,
    )
    assert ("chance" in done.arm) == (there and not stopped), (
        "kept in each arm, for orders of all vouch for a model"
    )
    assert (beside is not None) == watched
    if beside is not None:
        assert (beside.decision.versions["model"], (beside.arm or {})["part"]) == (
            MODEL.name,
            "watches",
        )
    if fallback:
        assert FALLBACKS[fallback] in done.decision.reasons
    if by is None:
        assert done.decision.verdict == advance_by_prior(asked, None).decision.verdict
        assert "facts" not in done.features


@each(
    ("kind", "setting", "has"),
    [
        ("mit_managed", "decline_and_reverse", True),
        ("mit_sync", "advance", True),
        ("cit_web", "advance", True),
        ("cit_callcenter", "advance", True),
        ("cit_web", "decline_and_reverse", False),
        ("stable", "advance", False),
    ],
)
def test_orders_of_waiting_customers_have_an_arm_where_they_may_be_advanced(
    kind: str, setting: str, has: bool
) -> None:
    assert has_arm(kind, setting) is has
