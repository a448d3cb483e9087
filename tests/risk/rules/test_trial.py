"""Learned weights are used where they are no worse later, whoever's payments those are."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recoup.risk.rules.trial import (
    OWNER_SHARE,
    OWNERS_MIN,
    Divided,
    Outcome,
    divided,
    try_risk,
    within_shares,
)
from recoup.risk.rules.weights import PRIOR, Weights, named

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD, BAD = Weights("good", -4_000, {"sign": 4_000}), Weights("bad", -4_000, {"sign": -1_000})


def outcome(owner: int = 0, days: float = 0, *, sign: bool = False, fraud: bool = False) -> Outcome:
    return Outcome(owner, AT + timedelta(days=days), ("sign",) if sign else (), fraud)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=300))
def test_of_many_owners_none_has_more_than_a_quarter(owners: list[int]) -> None:
    taken = within_shares([outcome(owner) for owner in owners])
    counts = {owner: sum(one.owner == owner for one in taken) for owner in set(owners)}
    if len(counts) < OWNERS_MIN:
        assert len(taken) == len(owners)
    else:
        assert max(counts.values()) <= max(1, len(taken) // OWNER_SHARE + 1)
        assert min(counts.values()) >= 1


@given(st.lists(st.floats(0, 300), min_size=1, max_size=50))
def test_nothing_is_both_learned_from_and_held_out(days: list[float]) -> None:
    parts = divided([outcome(days=one) for one in days])
    assert all(one.at < parts.held_from for one in parts.before)
    assert all(one.at >= parts.held_from for one in parts.held)
    assert len(parts.before) + len(parts.held) == len(days)
    assert parts.held


def test_what_is_better_only_by_one_owners_payments_is_not_used() -> None:
    one = [outcome(1, sign=True, fraud=True)] * 60
    others = [outcome(owner, sign=True) for owner in (2, 3) for _ in range(40)]
    others += [outcome(owner, fraud=True) for owner in (2, 3) for _ in range(10)]
    trial = try_risk(Divided([], one + others, AT), GOOD, BAD)
    assert (trial.score < trial.compared_score, trial.only_by, trial.no_worse) == (True, 1, False)
    assert try_risk(Divided([], one, AT), GOOD, BAD).no_worse


def test_a_name_is_that_of_its_weights() -> None:
    assert named(-4_000, {"a": 1, "b": 2}).version == named(-4_000, {"b": 2, "a": 1}).version
    assert named(-4_000, {"a": 1}).version != named(-4_001, {"a": 1}).version != PRIOR.version
